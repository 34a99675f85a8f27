"""One agent, one call, one payment: what every test of a key transport sets up, waits for and looks at afterwards."""

import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from bridge.recording.keys_in_wav import read_channels
from ivr.app.gateway import Gateway
from ivr.session.view import AgentView, CallView
from ivr.session.words import FieldName, FieldState, RecorderState, Status
from tests.e2e.gateway_rig import (
    PASSWORD,
    Agent,
    config_for,
    dial_string,
    registered,
    running_gateway,
)
from tests.e2e.phones import agent_phone
from tests.support import spandsp
from tests.support.baresip import DEFAULT_CODECS, Baresip
from tests.support.canary import CANARY_CARD
from tests.support.pjsip import Pjsip
from tests.support.wav import speech

CARD, EXPIRY, CODE = f"{CANARY_CARD}#", "1239", "123"
KEYED: Final = CARD + EXPIRY + CODE
MASK: Final = "*" * 12 + CANARY_CARD[-4:]

BEFORE, AFTER = "5", "8"
"""Pressed while the line is open: the agent gets them by the very way by which the card must not come. What is silent
all the time proves nothing."""


P = TypeVar("P", Baresip, Pjsip)


class PaymentCall(Generic[P]):
    """A caller's call to the agent, seen from the agent's side."""

    def __init__(self, folder: Path, gateway: Gateway, phone: P) -> None:
        self.phone: P = phone
        self.agent = Agent(gateway)
        self._read = spandsp.reader()
        self.dial_string, self.sip_address = dial_string(gateway), gateway.node.sip_address
        self._data = folder / "var"

    async def secured(self) -> tuple[CallView, AgentView]:
        """Return the call and the payment just begun on it: paused recorder, closed gate, card number asked for."""
        call = await self.agent.call()
        payment = await self.agent.take_payment(call)
        assert (payment.secure, payment.recorder) == (True, RecorderState.PAUSED)
        assert payment.collecting is FieldName.CARD_NUMBER
        return call, payment

    async def shows(self, payment: AgentView, keys: int) -> AgentView:
        """Return the view once it shows so many keys; fail where it shows more."""
        view = await self.shows_at_least(payment, keys)
        assert _keys_shown(view) == keys, "a press was counted twice"
        return view

    async def shows_at_least(self, payment: AgentView, keys: int) -> AgentView:
        """Return the view once all fields together show so many keys; fail where the line opens meanwhile."""

        def accept(view: AgentView) -> bool:
            assert (view.secure, view.recorder) == (True, RecorderState.PAUSED)
            return _keys_shown(view) >= keys

        return await self.agent.session(payment, accept)

    async def valid(self, payment: AgentView, name: FieldName) -> AgentView:
        """Return the view once this field is complete and right."""
        return await self.agent.session(
            payment,
            lambda view: any((f.name, f.state) == (name, FieldState.VALID) for f in view.fields),
        )

    async def paid(self, call: CallView, payment: AgentView, *, attempts: int = 1) -> None:
        """Charge what was keyed, which is valid only if every key of the card was counted exactly once.

        `attempts` is how many the card number took. The line is open again on return.
        """
        collected = await self.agent.collected(payment)
        assert [field.state for field in collected.fields] == [FieldState.VALID] * 3
        assert collected.fields[0].mask == MASK
        assert [field.attempt for field in collected.fields] == [attempts, 1, 1]
        paid = await self.agent.submit(collected)
        assert (paid.status, paid.amount.minor) == (Status.SUCCEEDED, 1250)
        await self.agent.released(call)

    def read_digits(self) -> tuple[str, str, str]:
        """Return what spandsp reads in what the agent heard and in both channels of the recording.

        Complete only once everything has ended, as are the two below.
        """
        left, right = read_channels(self._only("*.wav"))
        return self._read(self.phone.heard()), self._read(left), self._read(right)

    def recorder_states(self) -> list[str]:
        """Return what the notes beside the recording say of the recorder, in order."""
        notes: dict[str, Any] = json.loads(self._only("*.json").read_text())
        times = [*(change["at"] for change in notes["recorder"]), notes["ended_at"]]
        assert times == sorted(times)
        return [change["recorder"] for change in notes["recorder"]]

    def charges(self) -> int:
        """Return how many charges were ever begun."""
        with closing(sqlite3.connect(self._database)) as database:
            (count,) = database.execute("SELECT count(*) FROM payment_attempts").fetchone()
        return int(count)

    @property
    def _database(self) -> Path:
        (path,) = self._data.glob("*.db")
        return path

    def _only(self, pattern: str) -> Path:
        (path,) = (self._data / "recordings").glob(pattern)
        return path


def _keys_shown(view: AgentView) -> int:
    return sum(len(field.mask) for field in view.fields)


@asynccontextmanager
async def payment_call(
    folder: Path, *, codecs: str = DEFAULT_CODECS
) -> AsyncIterator[PaymentCall[Baresip]]:
    """Run a gateway with baresip as the agent's phone; both have ended when the block has."""
    async with (
        running_gateway(config_for(folder)) as gateway,
        agent_phone(folder, gateway, codecs=codecs) as phone,
    ):
        await registered(gateway, "agent")
        yield PaymentCall(folder, gateway, phone)


@asynccontextmanager
async def payment_call_to_pjsip(folder: Path) -> AsyncIterator[PaymentCall[Pjsip]]:
    """Run a gateway with PJSIP as the agent's phone, which records on after a hold and keys by SIP INFO."""
    async with (
        running_gateway(config_for(folder)) as gateway,
        Pjsip(
            folder,
            username="agent",
            microphone=speech(3.0),
            registrar=gateway.node.sip_address,
            password=PASSWORD,
        ) as phone,
    ):
        await registered(gateway, "agent")
        yield PaymentCall(folder, gateway, phone)
