"""A desk and accounts that tests move by hand; nothing behind them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from ivr.money import AmountError, Money
from ivr.session.ports import (
    Accounts,
    AgentDesk,
    CallsChanged,
    DeskUpdate,
    SessionChanged,
    SessionError,
    User,
)
from ivr.session.view import (
    AgentId,
    AgentView,
    CallId,
    CallView,
    FieldView,
    ProfileView,
    SessionId,
    StartPayment,
)
from ivr.session.words import (
    ErrorType,
    FieldName,
    FieldState,
    RecorderState,
    Result,
    Role,
    Status,
)

AGENT = AgentId("ada")
PASSWORD = "correct horse battery"
ASKED = (FieldName.CARD_NUMBER, FieldName.EXPIRATION_DATE, FieldName.SECURITY_CODE)

PROFILES = [
    ProfileView(
        name="default",
        label="Card payments",
        currency="GBP",
        minimum=Money(100, "GBP"),
        maximum=Money(50_000, "GBP"),
        fields=ASKED,
    ),
    ProfileView(
        name="donations",
        label="Donations (euro)",
        currency="EUR",
        minimum=Money(500, "EUR"),
        maximum=Money(100_000, "EUR"),
        fields=ASKED,
    ),
]


class FakeAccounts(Accounts):
    """Ada may take calls, Grace may not; both have the same password."""

    def __init__(self) -> None:
        self.users = {
            "ada": User(agent=AGENT, display_name="Ada Byron", roles=frozenset({Role.AGENT})),
            "grace": User(
                agent=AgentId("grace"), display_name="Grace", roles=frozenset({Role.ADMIN})
            ),
        }
        self.tokens: dict[str, User] = {}
        self.origins: list[str] = []

    async def sign_in(self, username: str, password: str, *, origin: str) -> str | None:
        self.origins.append(origin)
        if username not in self.users or password != PASSWORD:
            return None
        token = f"token-{len(self.origins)}"
        self.tokens[token] = self.users[username]
        return token

    async def find_user(self, token: str) -> User | None:
        return self.tokens.get(token)

    async def peek_user(self, token: str) -> User | None:
        return self.tokens.get(token)

    async def sign_out(self, token: str) -> None:
        self.tokens.pop(token, None)


class FakeDesk(AgentDesk):
    """One agent's calls and sessions, and the keys that a test presses on them."""

    def __init__(self) -> None:
        self.live: dict[CallId, CallView] = {}
        self.views: dict[SessionId, AgentView] = {}
        self.commands: list[tuple[str, object]] = []
        self.outcome: tuple[Status, str] = (Status.SUCCEEDED, "Payment of £12.50 accepted.")
        self.bank_open = asyncio.Event()
        "Cleared, a submit waits for the bank."
        self.bank_open.set()
        self.fault: Exception | None = None
        "Raised by the next command."
        self._queues: set[asyncio.Queue[DeskUpdate | None]] = set()

    # What a test does.

    def ring(self, call: str = "c1", caller: str = "+44 20 7946 0018") -> CallId:
        """A call to the agent begins."""
        view = CallView(
            call=CallId(call),
            agent=AGENT,
            caller=caller,
            called="+44 800 496 0000",
            state="talking",
            secure=False,
            recorder=RecorderState.RECORDING,
            started_at="2026-11-20T08:58:00+00:00",
        )
        self.live[view.call] = view
        self._publish_calls()
        return view.call

    def hang_up(self, call: CallId) -> None:
        """A call ends."""
        del self.live[call]
        self._publish_calls()

    def press(self, session: SessionId, keys: int = 1, *, brand: str | None = None) -> None:
        """The caller presses keys of the field that is asked for."""
        for _ in range(keys):
            field = self._asked(session)
            keyed = replace(
                field,
                state=FieldState.COLLECTING,
                mask=field.mask + "*",
                brand=brand or field.brand,
                error=None,
                message="",
            )
            self._set_field(session, keyed, seconds_left=5.0)

    def accept(self, session: SessionId, mask: str = "") -> None:
        """The field that is asked for is valid; the next one is asked for."""
        field = self._asked(session)
        self._set_field(
            session, replace(field, state=FieldState.VALID, mask=mask or field.mask), None
        )
        missing = [f for f in self.views[session].fields if f.state is not FieldState.VALID]
        if missing:
            self._ask(session, missing[0].name)
        else:
            self.change(
                session,
                status=Status.COLLECTED,
                collecting=None,
                seconds_left=None,
                message="All fields are complete. Submit when the caller agrees.",
            )

    def reject(self, session: SessionId, error: ErrorType, message: str) -> None:
        """What was keyed for the field that is asked for is wrong."""
        field = self._asked(session)
        self._set_field(
            session,
            replace(field, state=FieldState.INVALID, mask="", error=error, message=message),
            seconds_left=20.0,
        )

    def key_whole_card(self, session: SessionId) -> None:
        """The caller keys all three fields without a slip."""
        self.press(session, 16, brand="visa")
        self.accept(session, "*" * 12 + "1111")
        self.press(session, 4)
        self.accept(session)
        self.press(session, 3)
        self.accept(session)

    def change(self, session: SessionId, **changes: object) -> AgentView:
        """Change a session and tell everybody who listens."""
        view = self.views[session]
        self.views[session] = replace(view, seq=view.seq + 1, **changes)  # type: ignore[arg-type]  # by name
        self._publish(SessionChanged(view=self.views[session]))
        return self.views[session]

    def end_updates(self) -> None:
        """The stream of updates ends, as when the desk shuts down."""
        for queue in self._queues:
            queue.put_nowait(None)

    @property
    def listeners(self) -> int:
        """How many channels listen."""
        return len(self._queues)

    # What the panel does.

    def profiles(self) -> list[ProfileView]:
        return PROFILES

    def calls(self, agent: AgentId) -> list[CallView]:
        return [call for call in self.live.values() if call.agent == agent]

    def sessions(self, agent: AgentId) -> list[AgentView]:
        return [view for view in reversed(self.views.values()) if view.agent == agent]

    async def start(self, agent: AgentId, request: StartPayment) -> AgentView:
        self._note("start", request)
        if not request.payee:
            raise SessionError("invalid-payee", "Enter who is paid.", field="payee")
        try:
            amount = Money.parse(request.amount, "GBP")
        except AmountError as error:
            raise SessionError("invalid-amount", str(error), field="amount") from None
        session = SessionId(f"s{len(self.views) + 1}")
        self.views[session] = AgentView(
            session=session,
            call=request.call,
            agent=agent,
            status=Status.COLLECTING,
            payee=request.payee,
            interaction_type=request.interaction_type,
            profile=request.profile,
            amount=amount,
            reason=request.reason,
            fields=tuple(FieldView(name=name, state=FieldState.IDLE, mask="") for name in ASKED),
            collecting=None,
            seconds_left=None,
            secure=True,
            recorder=RecorderState.PAUSED,
        )
        return self._ask(session, FieldName.CARD_NUMBER)

    async def capture(self, agent: AgentId, session: SessionId, field: FieldName) -> AgentView:
        self._note("capture", field)
        self._find(agent, session)
        return self._ask(session, field)

    async def submit(self, agent: AgentId, session: SessionId) -> AgentView:
        self._note("submit", session)
        if self._find(agent, session).status is not Status.COLLECTED:
            raise SessionError("not-collected", "Some fields are still missing.")
        self.change(session, status=Status.PROCESSING, message="The payment is being made.")
        await self.bank_open.wait()
        status, message = self.outcome
        approved = status is Status.SUCCEEDED
        return self.change(
            session,
            status=status,
            message=message,
            confirmation="TW-4F7K-2291" if approved else "",
            result=Result.SUCCESS if approved else None,
            secure=status is Status.DECLINED,
            recorder=RecorderState.PAUSED if status is Status.DECLINED else RecorderState.RECORDING,
        )

    async def cancel(self, agent: AgentId, session: SessionId) -> AgentView:
        self._note("cancel", session)
        self._find(agent, session)
        return self.change(
            session,
            status=Status.CANCELLED,
            message="You cancelled the payment. Nothing was charged.",
            collecting=None,
            seconds_left=None,
            secure=False,
            recorder=RecorderState.RECORDING,
        )

    @asynccontextmanager
    async def updates(self, agent: AgentId) -> AsyncIterator[AsyncIterator[DeskUpdate]]:
        queue: asyncio.Queue[DeskUpdate | None] = asyncio.Queue()
        self._queues.add(queue)
        try:
            yield _drain(queue)
        finally:
            self._queues.discard(queue)

    def _note(self, command: str, detail: object) -> None:
        self.commands.append((command, detail))
        if self.fault is not None:
            fault, self.fault = self.fault, None
            raise fault

    def _find(self, agent: AgentId, session: SessionId) -> AgentView:
        view = self.views.get(session)
        if view is None or view.agent != agent:
            raise SessionError("unknown-session", "There is no such payment.")
        return view

    def _asked(self, session: SessionId) -> FieldView:
        view = self.views[session]
        return next(field for field in view.fields if field.name is view.collecting)

    def _ask(self, session: SessionId, name: FieldName) -> AgentView:
        field = next(field for field in self.views[session].fields if field.name is name)
        asked = replace(
            field,
            state=FieldState.COLLECTING,
            mask="",
            brand=None,
            error=None,
            message="",
            attempt=field.attempt + 1,
        )
        self.views[session] = replace(
            self.views[session], collecting=name, status=Status.COLLECTING, message=""
        )
        return self._set_field(session, asked, seconds_left=20.0)

    def _set_field(
        self, session: SessionId, changed: FieldView, seconds_left: float | None
    ) -> AgentView:
        fields = tuple(
            changed if field.name is changed.name else field for field in self.views[session].fields
        )
        return self.change(session, fields=fields, seconds_left=seconds_left)

    def _publish_calls(self) -> None:
        self._publish(CallsChanged(calls=tuple(self.live.values())))

    def _publish(self, update: DeskUpdate) -> None:
        for queue in self._queues:
            queue.put_nowait(update)


async def _drain(queue: asyncio.Queue[DeskUpdate | None]) -> AsyncIterator[DeskUpdate]:
    while (update := await queue.get()) is not None:
        yield update
