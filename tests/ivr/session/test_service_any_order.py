"""Whatever happens in whatever order: lines are released, cards wiped, and nobody pays twice."""

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ivr.payments.model import CardData
from ivr.session.ports import CallLostError, SessionError
from ivr.session.store import AttemptOutcome
from ivr.session.view import AgentView
from ivr.session.words import FieldName, Status
from tests.ivr.session.fakes import ANNA, CALL, CARD_KEYS, VISA, Bench, profile, turns

# What leads to a payment is there more than once, or most stories would end before one.
STEPS = st.sampled_from(
    [
        "start",
        "keys",
        "card",
        "card",
        "card",
        "pay",
        "pay",
        "declined-card",
        "silent-card",
        "stars",
        "capture-number",
        "capture-code",
        "submit",
        "submit",
        "cancel",
        "hang-up",
        "media-interrupted",
        "media-lost",
        "hold-processor",
        "free-processor",
        "break-store",
        "mend-store",
        "break-muting",
        "mend-muting",
        "wait",
        "wait-long",
        "turns",
        "turns",
        "turns",
    ]
)


class Story:
    """Does what the steps say, at once or as a task that is still running at the next step."""

    def __init__(self, *, mutes: bool) -> None:
        self.bench = Bench(profile(caller_voice="mute" if mutes else "pass"))
        self.mutes = mutes
        self.cards: list[CardData] = []
        self.commands: list[asyncio.Future[None]] = []

    def step(self, name: str) -> None:
        bench, desk = self.bench, self.bench.desk
        sessions = desk.sessions(ANNA)
        newest = sessions[0].session if sessions else None
        match name:
            case "start":
                if CALL not in bench.calls.live:
                    bench.calls.ring()
                self.command(bench.started())
            case "keys":
                bench.press("41#1")
            case "card" | "pay":
                bench.press(CARD_KEYS)
            case "declined-card":
                bench.press(f"4000000000009995#{CARD_KEYS[len(VISA) + 1 :]}")
            case "silent-card":
                bench.press(f"4000000000005035#{CARD_KEYS[len(VISA) + 1 :]}")
            case "stars":
                bench.press("**")
            case "hang-up":
                bench.calls.live.pop(CALL, None)
                desk.call_ended(CALL, "BYE")
            case "media-interrupted":
                desk.media_interrupted(CALL)
            case "media-lost":
                desk.media_lost(CALL)
            case "hold-processor":
                bench.acquirer.gate.clear()
            case "free-processor":
                bench.acquirer.gate.set()
            case "break-store":
                bench.store.failing.update({"start_attempt", "finish_attempt", "save_session"})
            case "mend-store":
                bench.store.failing.clear()
            case "break-muting":
                bench.calls.mute_error = CallLostError("told to fail")
            case "mend-muting":
                bench.calls.mute_error = None
            case "wait":
                bench.time.advance(6)
            case "wait-long":
                bench.time.advance(901)
        if newest is not None:
            match name:
                case "capture-number":
                    self.command(desk.capture(ANNA, newest, FieldName.CARD_NUMBER))
                case "capture-code":
                    self.command(desk.capture(ANNA, newest, FieldName.SECURITY_CODE))
                case "submit" | "pay":
                    self.command(desk.submit(ANNA, newest))
                case "cancel":
                    self.command(desk.cancel(ANNA, newest))
        self.check_voice()
        self.cards += [live.session.card() for live in desk._live.all()]

    def check_voice(self) -> None:
        """While a field is keyed, nobody is heard whom the profile mutes."""
        for live in self.bench.desk._live.all():
            call = self.bench.calls.live.get(live.session.opening.call)
            if call is not None and live.session.status is Status.COLLECTING:
                assert call.muted == self.mutes

    def command(self, work: Coroutine[Any, Any, AgentView]) -> None:
        self.commands.append(asyncio.ensure_future(_allowing_refusal(work)))

    async def end(self) -> None:
        self.bench.store.failing.clear()
        self.bench.acquirer.gate.set()
        await asyncio.gather(*self.commands)
        await self.bench.desk.close()
        restarted = self.bench.new_desk()
        await restarted.recover()
        await restarted.close()


async def _allowing_refusal(work: Coroutine[Any, Any, AgentView]) -> None:
    with contextlib.suppress(SessionError):
        await work


@settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEPS, max_size=30), st.booleans())
def test_any_order_of_events_ends_well(steps: list[str], mutes: bool) -> None:
    async def tell() -> None:
        story = Story(mutes=mutes)
        for name in ["start", "turns", *steps]:
            story.step(name)
            if name in ("turns", "start"):
                await turns()
            story.check_voice()
            await asyncio.sleep(0)
        await story.end()
        check(story)

    asyncio.run(tell())


def check(story: Story) -> None:
    bench = story.bench
    opened = bench.store.sessions.values()
    assert len(bench.calls.released) >= len(bench.calls.secured)
    assert bench.desk._live.all() == []
    for card in story.cards:
        assert len(card.number) == len(card.expiry) == 0
        assert card.security_code is None or len(card.security_code) == 0
    for record in opened:
        approved = [
            attempt
            for attempt in bench.store.attempts.values()
            if attempt.session == record.session and attempt.outcome is AttemptOutcome.APPROVED
        ]
        charged = [key for key in bench.acquirer.approved if key.startswith(record.session)]
        assert [attempt.key for attempt in approved] == charged
        assert len(charged) <= 1
        assert bool(charged) == (record.status is Status.SUCCEEDED)
    for view in bench.desk.sessions(ANNA):
        assert view.actions == ()
        assert not view.secure
