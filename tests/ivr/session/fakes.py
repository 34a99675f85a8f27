"""What surrounds a payment session, in memory: time moved by hand, calls, a store, an audit log, a caller's fingers."""

import asyncio
import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from ivr.payments.processor import HttpReply, HttpRequest
from ivr.payments.processors.test_processor import TestAcquirer, TestProcessor
from ivr.payments.runner import Account, Runner
from ivr.session.line_masking import LineMasking
from ivr.session.ports import CallLostError
from ivr.session.profile import PaymentProfile
from ivr.session.profile_toml import read_profile
from ivr.session.service import SessionService
from ivr.session.store import (
    AttemptOutcome,
    AttemptRecord,
    AuditEntry,
    SessionRecord,
    StoreError,
)
from ivr.session.view import AgentId, AgentView, CallId, CallView, SessionId, StartPayment
from ivr.session.words import InteractionType, RecorderState, Status
from tests.ivr.keys import PressedKey

ANNA = AgentId("anna")
CALL = CallId("call-1")
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
VISA = "4111111111111111"
CARD_KEYS = f"{VISA}#1228123"
"A whole Visa: number and end key, expiry and code, which end by themselves."


@dataclass(slots=True)
class _Alarm:
    callback: Callable[[], None] | None

    def cancel(self) -> None:
        """Take the alarm back."""
        self.callback = None


class ManualTime:
    """A clock and an alarm that stand still until a test moves them."""

    def __init__(self) -> None:
        self._now_s = 1000.0
        self._order = itertools.count()
        self._alarms: list[tuple[float, int, _Alarm]] = []

    def monotonic_s(self) -> float:
        """Return seconds."""
        return self._now_s

    def utc_now(self) -> datetime:
        """Return the moment that belongs to the seconds."""
        return NOON + timedelta(seconds=self._now_s - 1000.0)

    def call_at(self, when_s: float, callback: Callable[[], None]) -> _Alarm:
        """Ring once `advance` gets there."""
        alarm = _Alarm(callback)
        heapq.heappush(self._alarms, (when_s, next(self._order), alarm))
        return alarm

    def advance(self, seconds: float) -> None:
        """Move on, ringing each alarm at its own moment."""
        end = self._now_s + seconds
        while self._alarms and self._alarms[0][0] <= end:
            when, _, alarm = heapq.heappop(self._alarms)
            self._now_s = max(self._now_s, when)
            if alarm.callback is not None:
                alarm.callback()
        self._now_s = end


class FakeCalls:
    """Implements `CallControl`: what was asked of which call, and failures on demand."""

    def __init__(self) -> None:
        self.live: dict[CallId, CallView] = {}
        self.secured: list[CallId] = []
        self.maskings: list[LineMasking] = []
        "As each of them was to be masked."
        self.muted: list[bool] = []
        self.mute_error: Exception | None = None
        self.mute_gate = asyncio.Event()
        "Muting and the way back wait while it is shut."
        self.mute_gate.set()
        self.released: list[CallId] = []
        self.secure_gate: asyncio.Event | None = None
        "When set, securing waits for it."
        self.secure_error: Exception | None = None
        self.release_error: Exception | None = None
        self.release_gate = asyncio.Event()
        "Releasing waits while it is shut."
        self.release_gate.set()

    def ring(self, call: CallId = CALL, agent: AgentId = ANNA) -> None:
        """Let a call of this agent be live."""
        self.live[call] = CallView(
            call=call,
            agent=agent,
            caller="+447911123456",
            called="100",
            state="talking",
            secure=False,
            recorder=RecorderState.RECORDING,
            started_at=NOON.isoformat(),
        )

    async def secure(self, call: CallId, masking: LineMasking) -> None:
        """Pause and mask, when the test lets it."""
        if self.secure_gate is not None:
            await self.secure_gate.wait()
        if self.secure_error is not None:
            raise self.secure_error
        if call not in self.live:
            raise CallLostError
        self.secured.append(call)
        self.maskings.append(masking)
        self._set(call, secure=True, recorder=RecorderState.PAUSED, muted=masking.muted)

    async def mute(self, call: CallId, *, muted: bool) -> None:
        """Mute or not, when the test lets it."""
        await self.mute_gate.wait()
        if self.mute_error is not None:
            raise self.mute_error
        self.muted.append(muted)
        if call in self.live and self.live[call].secure:
            self.live[call] = replace(self.live[call], muted=muted)

    async def release(self, call: CallId) -> None:
        """Unmask and resume."""
        await self.release_gate.wait()
        if self.release_error is not None:
            raise self.release_error
        self.released.append(call)
        if call in self.live:
            self._set(call, secure=False, recorder=RecorderState.RECORDING, muted=False)

    def find_call(self, call: CallId) -> CallView | None:
        """Return the live call."""
        return self.live.get(call)

    def calls_of(self, agent: AgentId) -> list[CallView]:
        """Return the agent's live calls."""
        return [call for call in self.live.values() if call.agent == agent]

    def _set(self, call: CallId, *, secure: bool, recorder: RecorderState, muted: bool) -> None:
        self.live[call] = replace(self.live[call], secure=secure, recorder=recorder, muted=muted)


class GatedAcquirer(TestAcquirer):
    """The test acquirer, which answers only once its gate is open."""

    def __init__(self) -> None:
        super().__init__(pause=at_once)
        self.gate = asyncio.Event()
        self.gate.set()

    @property
    def approved(self) -> list[str]:
        """Return the keys of charges that took money."""
        return [key for key, (_, body) in self._charges.items() if b"approved" in body]

    async def send(self, request: HttpRequest, *, timeout_s: float) -> HttpReply:
        """Wait for the gate, then answer."""
        await self.gate.wait()
        return await super().send(request, timeout_s=timeout_s)


@dataclass
class MemoryStore:
    """Implements `SessionStore`; `failing` names methods that raise."""

    sessions: dict[SessionId, SessionRecord] = field(default_factory=dict)
    attempts: dict[str, AttemptRecord] = field(default_factory=dict)
    failing: set[str] = field(default_factory=set)
    written: list[object] = field(default_factory=list)
    "Every record that was ever stored, in order."

    async def create_session(self, record: SessionRecord) -> None:
        """Store a new session."""
        self._check("create_session")
        assert record.session not in self.sessions
        self._keep(record)

    async def save_session(self, record: SessionRecord) -> None:
        """Replace a session unless the stored one is later."""
        self._check("save_session")
        kept = self.sessions.get(record.session)
        if kept is None or kept.updated_at <= record.updated_at:
            self._keep(record)

    async def find_session(self, session: SessionId) -> SessionRecord | None:
        """Return a session."""
        return self.sessions.get(session)

    async def recent_sessions(self, agent: AgentId, *, limit: int) -> list[SessionRecord]:
        """Return the agent's sessions, newest first."""
        own = [record for record in self.sessions.values() if record.agent == agent]
        return list(reversed(own))[:limit]

    async def unsettled_sessions(self, node: str) -> list[SessionRecord]:
        """Return what has not ended or is in review."""
        self._check("unsettled_sessions")
        return [
            record
            for record in self.sessions.values()
            if record.node == node and (not record.ended or record.status is Status.REVIEW)
        ]

    async def start_attempt(self, attempt: AttemptRecord, session: SessionRecord) -> None:
        """Store a new attempt."""
        self._check("start_attempt")
        if attempt.key in self.attempts:
            raise StoreError("the key exists")
        self.attempts[attempt.key] = attempt
        self.written.append(attempt)
        await self.save_session(session)

    async def finish_attempt(self, attempt: AttemptRecord, session: SessionRecord) -> None:
        """Update an attempt; a final outcome stays."""
        self._check("finish_attempt")
        if self.attempts[attempt.key].finished_at is None:
            self.attempts[attempt.key] = attempt
            self.written.append(attempt)
        await self.save_session(session)

    async def attempts_of(self, session: SessionId) -> list[AttemptRecord]:
        """Return the session's attempts."""
        return [attempt for attempt in self.attempts.values() if attempt.session == session]

    async def unfinished_attempts(self, node: str) -> list[AttemptRecord]:
        """Return attempts without a final outcome."""
        self._check("unfinished_attempts")
        open_outcomes = (None, AttemptOutcome.UNKNOWN, AttemptOutcome.PENDING)
        return [
            attempt
            for attempt in self.attempts.values()
            if attempt.node == node and attempt.outcome in open_outcomes
        ]

    def _check(self, method: str) -> None:
        if method in self.failing:
            raise StoreError(f"{method} failed")

    def _keep(self, record: SessionRecord) -> None:
        self.sessions[record.session] = record
        self.written.append(record)


@dataclass
class MemoryAudit:
    """Implements `AuditLog`."""

    entries: list[AuditEntry] = field(default_factory=list)
    failing: bool = False

    async def write(self, entry: AuditEntry) -> None:
        """Append."""
        if self.failing:
            raise StoreError("audit failed")
        self.entries.append(entry)

    def words(self) -> list[tuple[str, bool]]:
        """Return what happened and whether it was allowed."""
        return [(entry.what, entry.success) for entry in self.entries]


def profile(**changes: object) -> PaymentProfile:
    """Return a profile with these values of its TOML table changed."""
    table = {
        "label": "Household bills",
        "currency": "GBP",
        "minimum": "1.00",
        "maximum": "500.00",
        **changes,
    }
    return read_profile("bills", table, source="test")


def start_request(**changes: str) -> StartPayment:
    """Return what an agent types to start."""
    request = StartPayment(
        call=CALL,
        payee="Northern Water",
        interaction_type=InteractionType.BILL,
        profile="bills",
        amount="12.50",
        reason="Invoice 4711",
    )
    return replace(request, **changes)  # type: ignore[arg-type]  # all changed fields are texts


async def at_once(seconds: float) -> None:
    """Wait no time, but let others run."""
    del seconds
    await asyncio.sleep(0)


async def turns() -> None:
    """Let every task go as far as it can."""
    for _ in range(60):
        await asyncio.sleep(0)


class Bench:
    """A session service with everything around it in memory."""

    def __init__(self, *profiles: PaymentProfile) -> None:
        self.time = ManualTime()
        self.calls = FakeCalls()
        self.store = MemoryStore()
        self.audit = MemoryAudit()
        self.acquirer = GatedAcquirer()
        self.profiles = list(profiles) or [profile()]
        self.desk = self.new_desk()
        self.calls.ring()

    def new_desk(self) -> SessionService:
        """Return a service over the same store and calls, as after a restart."""
        account = Account(processor=TestProcessor(), transport=self.acquirer)
        return SessionService(
            control=self.calls,
            store=self.store,
            audit=self.audit,
            runner=Runner({"test": account}, pause=at_once),
            profiles=self.profiles,
            clock=self.time,
            alarm=self.time,
        )

    def press(self, keys: str, *, call: CallId = CALL, gap_s: float = 0.2) -> None:
        """Press keys on the caller's phone, `gap_s` apart."""
        for key in keys:
            self.time.advance(gap_s)
            self.desk.key_pressed(call, PressedKey(key))

    def view(self, agent: AgentId = ANNA) -> AgentView:
        """Return the agent's newest session."""
        return self.desk.sessions(agent)[0]

    def record(self) -> SessionRecord:
        """Return the newest stored session."""
        return list(self.store.sessions.values())[-1]

    async def started(self) -> AgentView:
        """Start a payment."""
        return await self.desk.start(ANNA, start_request())

    async def collected(self, number: str = VISA, rest: str = "1228123") -> AgentView:
        """Start a payment and key a whole card."""
        await self.started()
        self.press(f"{number}#{rest}")
        return self.view()

    async def processing(self, number: str = VISA) -> "asyncio.Task[AgentView]":
        """Key and submit a card; return the submitting task while the processor thinks.

        `acquirer.gate.set()` lets it answer.
        """
        view = await self.collected(number)
        self.acquirer.gate.clear()
        submitting = asyncio.create_task(self.desk.submit(ANNA, view.session))
        await turns()
        assert self.view().status is Status.PROCESSING
        return submitting

    async def paid(self, number: str = VISA) -> AgentView:
        """Start, key and submit."""
        view = await self.collected(number)
        return await self.desk.submit(ANNA, view.session)
