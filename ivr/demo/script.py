"""The two calls of the demo: one that plays by itself, and one in which a person is the agent."""

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from ivr.demo.caller_card import CallerCard, asked_field
from ivr.demo.evidence import SecureSpan
from ivr.demo.microphone import PressSpan
from ivr.demo.narration import FIELD_LABELS, CallAdvanced, PartySpoke, PaymentChanged
from ivr.demo.narrator import Narrator
from ivr.demo.panel_client import PanelClient
from ivr.demo.softphone import Softphone
from ivr.demo.stage import AGENT_NUMBER, Stage
from ivr.session.ports import SessionChanged
from ivr.session.view import AgentId, AgentView, CallId, StartPayment
from ivr.session.words import FieldName, FieldState, InteractionType, Status

_PHONE_LIMIT_S: Final = 20.0
"Longest wait for what a phone does in two seconds on an idle machine."

_PRESS_MS: Final = 90

_PAUSE_MS: Final = 110
"Held and parted as by somebody who reads the number from the card."

_REACTION_S: Final = 0.6
"From being asked to the first key."

_TURN_S: Final = 3.0
"Each speaks this long while a person looks at the panel."


class ScriptError(Exception):
    """The call took a turn that is not in the script; the text says which."""


@dataclass(kw_only=True)
class CallFacts:
    """What the demo knows of its call, from the panel and the caller's own hands."""

    view: AgentView | None = None
    "The payment as the panel showed it last."

    digits_keyed: int = 0
    "Digits 0-9 that the caller was told to key; `#` is none."

    presses: list[PressSpan] = field(default_factory=list)
    "In samples of the caller's WAV."

    secure: list[SecureSpan] = field(default_factory=list)
    "When the panel showed the line as secure."


class Script:
    """Plays one call on a stage and tells it to the narrator."""

    def __init__(self, stage: Stage, narrator: Narrator, card: CallerCard) -> None:
        self.facts = CallFacts()
        self._stage = stage
        self._narrator = narrator
        self._card = card
        self._times_spoken: dict[Softphone, int] = {}
        self._times_keyed = 0
        self._secure_since_ns: int | None = None

    async def pay_by_itself(self) -> None:
        """Take a payment through the panel, from the first ring to the last goodbye.

        Raise what goes wrong: SoftphoneError, PanelError or ScriptError.
        """
        stage = self._stage
        await _until_first_ends(self._play(), stage.caller.watch(), stage.agent.watch())

    async def stay_open(self) -> NoReturn:
        """Keep the caller on the line for a person at the panel; raise what ends it, as :meth:`pay_by_itself` does."""
        stage = self._stage
        await self._connect()
        self._tell("take a payment in the panel: the caller keys what you ask for; Ctrl-C ends it")
        await _until_first_ends(
            self._talk_on(),
            self._key_whenever_asked(),
            stage.caller.wait_for("ended", limit_s=None),
            stage.caller.watch(),
            stage.agent.watch(),
        )
        raise ScriptError("the call has ended")

    async def _play(self) -> None:
        stage = self._stage
        async with PanelClient.signed_in(
            stage.gateway.panel_url, stage.user.username, stage.user.password, self._view_changed
        ) as panel:
            self._tell("agent signs in to the panel")
            await self._connect()
            call = await panel.call_in("talking")
            await self._speak(stage.caller, "wants to pay a bill", 2.0)
            await self._speak(stage.agent, "will take the payment now", 1.6)
            payment = await panel.start(_bill(call))
            await self._key_until_collected(panel)
            await panel.submit(payment.session)
            await panel.released(payment.session)
            await self._speak(stage.agent, "says thank you", 1.0)
            await self._speak(stage.caller, "says goodbye", 1.0)
            await self._hang_up()

    async def _key_until_collected(self, panel: PanelClient) -> None:
        """Key what the panel says is asked; the agent's voice asks for it first. Raise for a field that is refused."""
        async for view in panel.views():
            refused = next((f for f in view.fields if f.state is FieldState.INVALID), None)
            if refused is not None:
                raise ScriptError(
                    f"the {FIELD_LABELS[refused.name]} was refused: {refused.message}"
                )
            if view.status is not Status.COLLECTING:
                return
            if (name := asked_field(view)) is not None:
                await self._speak(self._stage.agent, f"asks for the {FIELD_LABELS[name]}", 1.0)
                await self._speak(self._stage.caller, "finds it", 0.8)
                await self._key(name)

    async def _key_whenever_asked(self) -> None:
        agent = AgentId(self._stage.user.username)
        async with self._stage.gateway.desk.updates(agent) as updates:
            async for update in updates:
                if isinstance(update, SessionChanged):
                    self._view_changed(update.view)
                    if (name := asked_field(update.view)) is not None:
                        await self._key(name)
        raise ScriptError("the desk has closed")

    async def _connect(self) -> None:
        stage = self._stage
        await stage.agent.wait_for("registered", limit_s=_PHONE_LIMIT_S)
        self._tell("agent's softphone is registered")
        await stage.caller.wait_for("ready", limit_s=_PHONE_LIMIT_S)
        await stage.caller.tell("call", number=AGENT_NUMBER)
        await stage.agent.wait_for("ringing", limit_s=_PHONE_LIMIT_S)
        self._tell(f"caller rings {AGENT_NUMBER}")
        await stage.caller.wait_for("answered", limit_s=_PHONE_LIMIT_S)
        await stage.agent.wait_for("answered", limit_s=_PHONE_LIMIT_S)
        self._tell("agent answers")

    async def _hang_up(self) -> None:
        stage = self._stage
        await stage.caller.tell("hangup")
        await stage.caller.wait_for("ended", limit_s=_PHONE_LIMIT_S)
        await stage.agent.wait_for("ended", limit_s=_PHONE_LIMIT_S)
        self._tell("caller hangs up")

    async def _talk_on(self) -> None:
        """Let both speak in turns without end, and without a word of the narrator."""
        while True:
            for phone in (self._stage.caller, self._stage.agent):
                await self._spoken(phone, _TURN_S)

    async def _speak(self, phone: Softphone, about: str, seconds: float) -> None:
        who = "caller" if phone is self._stage.caller else "agent"
        self._narrator.tell(PartySpoke(who=who, about=about))
        await self._spoken(phone, seconds)
        self._narrator.tell(PartySpoke(who=None))

    async def _spoken(self, phone: Softphone, seconds: float) -> None:
        times = self._times_spoken[phone] = self._times_spoken.get(phone, 0) + 1
        await phone.tell("speak", seconds=seconds)
        await phone.wait_for("spoken", limit_s=seconds + _PHONE_LIMIT_S, count=times)

    async def _key(self, name: FieldName) -> None:
        await asyncio.sleep(_REACTION_S)
        self._tell(f"caller keys the {FIELD_LABELS[name]}")
        keys, caller = self._card.keys_for(name), self._stage.caller
        self._times_keyed += 1
        await caller.tell("key", digits=keys, on_ms=_PRESS_MS, off_ms=_PAUSE_MS)
        keyed = await caller.wait_for("keyed", limit_s=_PHONE_LIMIT_S, count=self._times_keyed)
        self.facts.digits_keyed += sum(key.isdigit() for key in keys)
        self.facts.presses += [PressSpan(start=start, end=end) for start, end in keyed["presses"]]

    def _view_changed(self, view: AgentView) -> None:
        now_ns = time.monotonic_ns()
        if view.secure and self._secure_since_ns is None:
            self._secure_since_ns = now_ns
        elif not view.secure and self._secure_since_ns is not None:
            self.facts.secure.append(SecureSpan(start_ns=self._secure_since_ns, end_ns=now_ns))
            self._secure_since_ns = None
        self.facts.view = view
        self._narrator.tell(PaymentChanged(view=view))

    def _tell(self, text: str) -> None:
        self._narrator.tell(CallAdvanced(text=text))


def _bill(call: CallId) -> StartPayment:
    return StartPayment(
        call=call,
        payee="Northern Water",
        interaction_type=InteractionType.BILL,
        profile="bills",
        amount="12.50",
        reason="Invoice 20417",
    )


async def _until_first_ends(*parts: Coroutine[Any, Any, object]) -> None:
    """Run all, until one ends; raise what it raised."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
