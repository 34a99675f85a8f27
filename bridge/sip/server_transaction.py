"""Server transactions (RFC 3261 section 17.2, RFC 6026 section 7.1) over UDP.

Rules of this file: every legal step is a row of a table. A 2xx to INVITE is retransmitted
by the dialog, not here; everything else that was answered is answered again from here.
"""

from collections.abc import Callable
from enum import Enum, auto
from typing import Final

from bridge.sip.client_transaction import Send
from bridge.sip.incoming import Address, IncomingRequest, ServerKey
from bridge.sip.timers import SipTimers


class State(Enum):
    """Where a server transaction stands."""

    TRYING = auto()
    PROCEEDING = auto()
    COMPLETED = auto()
    CONFIRMED = auto()
    ACCEPTED = auto()
    TERMINATED = auto()


class Trigger(Enum):
    """What moves a server transaction."""

    REQUEST = auto()
    "A retransmission."
    ACK = auto()
    PROVISIONAL = auto()
    "Our response, as the next two."
    SUCCESS = auto()
    FAILURE = auto()
    RETRANSMIT = auto()
    "Timer G."
    DEADLINE = auto()
    "Timer H, I, J or L."


Row = tuple[State, bool]
"The state that follows, and whether the latest response is sent (again)."

Table = dict[tuple[State, Trigger], Row]

INVITE: Final[Table] = {
    (State.PROCEEDING, Trigger.REQUEST): (State.PROCEEDING, True),
    (State.PROCEEDING, Trigger.ACK): (State.PROCEEDING, False),
    (State.PROCEEDING, Trigger.PROVISIONAL): (State.PROCEEDING, True),
    (State.PROCEEDING, Trigger.SUCCESS): (State.ACCEPTED, True),
    (State.PROCEEDING, Trigger.FAILURE): (State.COMPLETED, True),
    (State.COMPLETED, Trigger.REQUEST): (State.COMPLETED, True),
    (State.COMPLETED, Trigger.RETRANSMIT): (State.COMPLETED, True),
    (State.COMPLETED, Trigger.ACK): (State.CONFIRMED, False),
    (State.COMPLETED, Trigger.DEADLINE): (State.TERMINATED, False),
    (State.CONFIRMED, Trigger.REQUEST): (State.CONFIRMED, False),
    (State.CONFIRMED, Trigger.ACK): (State.CONFIRMED, False),
    (State.CONFIRMED, Trigger.DEADLINE): (State.TERMINATED, False),
    (State.ACCEPTED, Trigger.REQUEST): (State.ACCEPTED, False),
    (State.ACCEPTED, Trigger.ACK): (State.ACCEPTED, False),
    (State.ACCEPTED, Trigger.DEADLINE): (State.TERMINATED, False),
}

NON_INVITE: Final[Table] = {
    (State.TRYING, Trigger.REQUEST): (State.TRYING, False),
    (State.TRYING, Trigger.PROVISIONAL): (State.PROCEEDING, True),
    (State.TRYING, Trigger.SUCCESS): (State.COMPLETED, True),
    (State.TRYING, Trigger.FAILURE): (State.COMPLETED, True),
    (State.PROCEEDING, Trigger.REQUEST): (State.PROCEEDING, True),
    (State.PROCEEDING, Trigger.PROVISIONAL): (State.PROCEEDING, True),
    (State.PROCEEDING, Trigger.SUCCESS): (State.COMPLETED, True),
    (State.PROCEEDING, Trigger.FAILURE): (State.COMPLETED, True),
    (State.COMPLETED, Trigger.REQUEST): (State.COMPLETED, True),
    (State.COMPLETED, Trigger.DEADLINE): (State.TERMINATED, False),
}


class ServerTransaction:
    """One request of the other side until no retransmission of it can arrive any more."""

    def __init__(
        self,
        request: IncomingRequest,
        *,
        destination: Address,
        to_tag: str,
        timers: SipTimers,
        send: Send,
        on_end: Callable[["ServerTransaction"], None],
    ) -> None:
        self.request = request
        self.destination = destination
        self.to_tag = to_tag
        "Tag that our responses add to a To that has none (RFC 3261 section 8.2.6.2)."
        self.key: ServerKey = request.transaction_key()
        self.is_invite = request.method == "INVITE"
        self.state = State.PROCEEDING if self.is_invite else State.TRYING
        self._table = INVITE if self.is_invite else NON_INVITE
        self._timers = timers
        self._send = send
        self._on_end = on_end
        self._response = b""
        self._interval_s = timers.t1_s
        self._retransmit_at: float | None = None
        self._deadline: float | None = None

    @property
    def is_answered(self) -> bool:
        """Tell whether a final response was given."""
        return self.state not in (State.TRYING, State.PROCEEDING)

    def receive_retransmission(self, now: float) -> None:
        """Answer the same request once more."""
        self._step(Trigger.REQUEST, now)

    def receive_ack(self, now: float) -> None:
        """Take the ACK of a final response other than 2xx; that of a 2xx is the dialog's."""
        self._step(Trigger.ACK, now)

    def respond(self, status: int, data: bytes, now: float) -> None:
        """Send a response; the caller has made sure that no final one was sent before."""
        assert not self.is_answered
        self._response = data
        if status < 200:
            self._step(Trigger.PROVISIONAL, now)
        else:
            self._step(Trigger.SUCCESS if status < 300 else Trigger.FAILURE, now)

    def next_timer(self) -> float | None:
        """Return when something is due, None while the user has not answered and once terminated."""
        times = [at for at in (self._retransmit_at, self._deadline) if at is not None]
        return min(times, default=None)

    def handle_timer(self, now: float) -> None:
        """Retransmit or end."""
        if self._deadline is not None and self._deadline <= now:
            self._step(Trigger.DEADLINE, now)
        elif self._retransmit_at is not None and self._retransmit_at <= now:
            self._step(Trigger.RETRANSMIT, now)

    def _step(self, trigger: Trigger, now: float) -> None:
        before = self.state
        if before is State.TERMINATED:
            return
        self.state, sends = self._table[before, trigger]
        if trigger is Trigger.RETRANSMIT:
            self._interval_s = min(2 * self._interval_s, self._timers.t2_s)
            self._retransmit_at = now + self._interval_s
        elif self.state is not before:
            self._set_timers(now)
        # Before the user has answered there is nothing to send again.
        if sends and self._response:
            self._send(self._response, self.destination)

    def _set_timers(self, now: float) -> None:
        timers = self._timers
        match self.state:
            case State.COMPLETED:
                self._retransmit_at = now + timers.t1_s if self.is_invite else None
                self._deadline = now + timers.transaction_s
            case State.CONFIRMED:
                self._retransmit_at = None
                self._deadline = now + timers.t4_s
            case State.ACCEPTED:
                self._deadline = now + timers.transaction_s
            case State.TERMINATED:
                self._retransmit_at = self._deadline = None
                self._on_end(self)
