"""Client transactions (RFC 3261 section 17.1, RFC 6026 section 7.2) over UDP.

Rules of this file: every legal step is a row of a table; a row names the state that follows and what is done on the
way. Retransmission intervals and deadlines belong to states. Nothing here knows of dialogs.
"""

from collections.abc import Callable
from enum import Enum, auto
from typing import Final

from bridge.sip.incoming import Address, IncomingResponse
from bridge.sip.message import Headers, Request
from bridge.sip.timers import SipTimers


class State(Enum):
    """Where a client transaction stands."""

    CALLING = auto()
    TRYING = auto()
    PROCEEDING = auto()
    COMPLETED = auto()
    ACCEPTED = auto()
    TERMINATED = auto()


class Trigger(Enum):
    """What moves a client transaction."""

    PROVISIONAL = auto()
    SUCCESS = auto()
    FAILURE = auto()
    RETRANSMIT = auto()
    "Timer A or E."
    DEADLINE = auto()
    "Timer B, D, F, K or M, or the longest time to ring."


class Action(Enum):
    """What a step does."""

    SEND = auto()
    ACK = auto()
    DELIVER = auto()
    TIME_OUT = auto()


Row = tuple[State, tuple[Action, ...]]
Table = dict[tuple[State, Trigger], Row]

INVITE: Final[Table] = {
    (State.CALLING, Trigger.RETRANSMIT): (State.CALLING, (Action.SEND,)),
    (State.CALLING, Trigger.DEADLINE): (State.TERMINATED, (Action.TIME_OUT,)),
    (State.CALLING, Trigger.PROVISIONAL): (State.PROCEEDING, (Action.DELIVER,)),
    (State.CALLING, Trigger.SUCCESS): (State.ACCEPTED, (Action.DELIVER,)),
    (State.CALLING, Trigger.FAILURE): (State.COMPLETED, (Action.ACK, Action.DELIVER)),
    (State.PROCEEDING, Trigger.PROVISIONAL): (State.PROCEEDING, (Action.DELIVER,)),
    (State.PROCEEDING, Trigger.SUCCESS): (State.ACCEPTED, (Action.DELIVER,)),
    (State.PROCEEDING, Trigger.FAILURE): (State.COMPLETED, (Action.ACK, Action.DELIVER)),
    (State.PROCEEDING, Trigger.DEADLINE): (State.TERMINATED, (Action.TIME_OUT,)),
    (State.COMPLETED, Trigger.PROVISIONAL): (State.COMPLETED, ()),
    (State.COMPLETED, Trigger.SUCCESS): (State.COMPLETED, ()),
    (State.COMPLETED, Trigger.FAILURE): (State.COMPLETED, (Action.ACK,)),
    (State.COMPLETED, Trigger.DEADLINE): (State.TERMINATED, ()),
    (State.ACCEPTED, Trigger.PROVISIONAL): (State.ACCEPTED, ()),
    # A retransmission, or another branch of a fork: the user acknowledges each (RFC 6026 section 7.2).
    (State.ACCEPTED, Trigger.SUCCESS): (State.ACCEPTED, (Action.DELIVER,)),
    (State.ACCEPTED, Trigger.FAILURE): (State.ACCEPTED, ()),
    (State.ACCEPTED, Trigger.DEADLINE): (State.TERMINATED, ()),
}

NON_INVITE: Final[Table] = {
    (State.TRYING, Trigger.RETRANSMIT): (State.TRYING, (Action.SEND,)),
    (State.TRYING, Trigger.DEADLINE): (State.TERMINATED, (Action.TIME_OUT,)),
    (State.TRYING, Trigger.PROVISIONAL): (State.PROCEEDING, (Action.DELIVER,)),
    (State.TRYING, Trigger.SUCCESS): (State.COMPLETED, (Action.DELIVER,)),
    (State.TRYING, Trigger.FAILURE): (State.COMPLETED, (Action.DELIVER,)),
    (State.PROCEEDING, Trigger.RETRANSMIT): (State.PROCEEDING, (Action.SEND,)),
    (State.PROCEEDING, Trigger.DEADLINE): (State.TERMINATED, (Action.TIME_OUT,)),
    (State.PROCEEDING, Trigger.PROVISIONAL): (State.PROCEEDING, (Action.DELIVER,)),
    (State.PROCEEDING, Trigger.SUCCESS): (State.COMPLETED, (Action.DELIVER,)),
    (State.PROCEEDING, Trigger.FAILURE): (State.COMPLETED, (Action.DELIVER,)),
    (State.COMPLETED, Trigger.PROVISIONAL): (State.COMPLETED, ()),
    (State.COMPLETED, Trigger.SUCCESS): (State.COMPLETED, ()),
    (State.COMPLETED, Trigger.FAILURE): (State.COMPLETED, ()),
    (State.COMPLETED, Trigger.DEADLINE): (State.TERMINATED, ()),
}

Send = Callable[[bytes, Address], None]
OnResponse = Callable[[IncomingResponse, float], None]
OnTimeout = Callable[[float], None]


class ClientTransaction:
    """One request of ours until nothing of it can arrive any more."""

    def __init__(
        self,
        request: Request,
        destination: Address,
        *,
        branch: str,
        timers: SipTimers,
        send: Send,
        on_response: OnResponse,
        on_timeout: OnTimeout,
        on_end: Callable[["ClientTransaction"], None],
        now: float,
    ) -> None:
        self.request = request
        self.branch = branch
        self.destination = destination
        self.is_invite = request.method == "INVITE"
        self.state = State.CALLING if self.is_invite else State.TRYING
        self._table = INVITE if self.is_invite else NON_INVITE
        self._timers = timers
        self._send = send
        self._on_response = on_response
        self._on_timeout = on_timeout
        self._on_end = on_end
        self.is_heard = False
        "A provisional response came."
        self._data = bytes(request)
        self.is_given_up = False
        "Its CANCEL was sent."
        self._interval_s = timers.t1_s
        self._retransmit_at: float | None = now + timers.t1_s
        self._deadline: float | None = now + timers.transaction_s
        send(self._data, destination)

    @property
    def key(self) -> tuple[str, str]:
        """Branch and method of the CSeq of its responses (RFC 3261 section 17.1.3)."""
        return self.branch, self.request.method

    def receive_response(self, response: IncomingResponse, now: float) -> None:
        """Take a response that matches this transaction."""
        if response.status < 200:
            self.is_heard = True
            trigger = Trigger.PROVISIONAL
        else:
            trigger = Trigger.SUCCESS if response.status < 300 else Trigger.FAILURE
        self._step(trigger, now, response)

    def give_up_at(self, deadline: float) -> None:
        """Let a ringing INVITE end by itself after its CANCEL (RFC 3261 section 9.1, last paragraph)."""
        if self.state is State.PROCEEDING:
            self.is_given_up = True
            self._deadline = deadline

    def next_timer(self) -> float | None:
        """Return when something is due, None once terminated."""
        times = [at for at in (self._retransmit_at, self._deadline) if at is not None]
        return min(times, default=None)

    def handle_timer(self, now: float) -> None:
        """Retransmit or end."""
        if self._deadline is not None and self._deadline <= now:
            self._step(Trigger.DEADLINE, now, None)
        elif self._retransmit_at is not None and self._retransmit_at <= now:
            self._step(Trigger.RETRANSMIT, now, None)

    def _step(self, trigger: Trigger, now: float, response: IncomingResponse | None) -> None:
        before = self.state
        if before is State.TERMINATED:
            return
        self.state, actions = self._table[before, trigger]
        if trigger is Trigger.RETRANSMIT or self.state is not before:
            self._set_timers(before, now)
        elif before is State.PROCEEDING and self.is_invite and not self.is_given_up:
            # Each further provisional response starts the time to ring anew.
            self._deadline = now + self._timers.proceeding_s
        for action in actions:
            self._act(action, now, response)

    def _act(self, action: Action, now: float, response: IncomingResponse | None) -> None:
        match action:
            case Action.SEND:
                self._send(self._data, self.destination)
            case Action.ACK:
                assert response is not None
                self._send(bytes(ack_of_failure(self.request, response)), self.destination)
            case Action.DELIVER:
                assert response is not None
                self._on_response(response, now)
            case Action.TIME_OUT:
                self._on_timeout(now)

    def _set_timers(self, before: State, now: float) -> None:
        """Arm what belongs to the state that was entered, or the next retransmission in it."""
        timers = self._timers
        match self.state:
            case State.CALLING:
                self._interval_s *= 2
                self._retransmit_at = now + self._interval_s
            case State.TRYING:
                self._interval_s = min(2 * self._interval_s, timers.t2_s)
                self._retransmit_at = now + self._interval_s
            case State.PROCEEDING if self.is_invite:
                self._retransmit_at = None
                self._deadline = now + timers.proceeding_s
            case State.PROCEEDING:
                # A running timer E runs on; from its next expiry on the interval is T2 (section 17.1.2.2).
                if before is State.PROCEEDING:
                    self._retransmit_at = now + timers.t2_s
            case State.COMPLETED | State.ACCEPTED:
                self._retransmit_at = None
                waits_s = timers.transaction_s if self.is_invite else timers.t4_s
                self._deadline = now + waits_s
            case State.TERMINATED:
                self._retransmit_at = self._deadline = None
                self._on_end(self)


def ack_of_failure(invite: Request, response: IncomingResponse) -> Request:
    """Return the ACK of a final response other than 2xx (RFC 3261 section 17.1.1.3)."""
    headers = invite.headers
    number = headers.only("CSeq").split()[0]
    lines = [("Via", headers.get_all("Via")[0])]
    lines += [("Route", route) for route in headers.get_all("Route")]
    lines += [
        ("From", headers.only("From")),
        ("To", response.message.headers.only("To")),
        ("Call-ID", headers.only("Call-ID")),
        ("CSeq", f"{number} ACK"),
        ("Max-Forwards", "70"),
    ]
    return Request(method="ACK", uri=invite.uri, headers=Headers(tuple(lines)))
