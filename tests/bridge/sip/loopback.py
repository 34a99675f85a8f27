"""Two endpoints joined by hand: every datagram, every loss and every second is the test's own."""

from collections.abc import Callable
from itertools import count

from bridge.sip.config import SipConfig, SipLimits
from bridge.sip.endpoint import SipEndpoint
from bridge.sip.events import DialogId, InviteReceived, SipEvent
from bridge.sip.incoming import Address
from bridge.sip.message import Request, Response, parse_message
from bridge.sip.name_addr import NameAddr
from bridge.sip.uri import Uri

CALLER: Address = ("192.0.2.1", 5060)
CALLEE: Address = ("192.0.2.2", 5060)
OFFER = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n"
ANSWER = b"v=0\r\no=- 2 1 IN IP4 192.0.2.2\r\ns=-\r\n"

Lose = Callable[[int], bool]
"Told the number of a datagram, counted from 0; true where it is lost."


def make_endpoint(
    address: Address = CALLEE,
    *,
    prefix: str = "",
    limits: SipLimits | None = None,
    password_of: Callable[[str], str | None] = lambda user: None,
    digest_algorithms: tuple[str, ...] = ("SHA-256", "MD5"),
) -> SipEndpoint:
    """Return an endpoint whose random numbers count up from 1 behind `prefix`."""
    numbers = count(1)
    return SipEndpoint(
        SipConfig(
            host=address[0],
            port=address[1],
            limits=limits or SipLimits(),
            digest_algorithms=digest_algorithms,
        ),
        token=lambda: f"{prefix}{next(numbers):08x}",
        password_of=password_of,
    )


class Pair:
    """A caller, a callee and the network between them."""

    def __init__(self, lose: Lose = lambda number: False) -> None:
        self.now = 0.0
        self.caller = make_endpoint(CALLER, prefix="a")
        self.callee = make_endpoint(CALLEE, prefix="b")
        self.caller_events: list[SipEvent] = []
        self.callee_events: list[SipEvent] = []
        self.sent: list[str] = []
        "Start line's method or status of every datagram, with `>` from the caller and `<` from the callee."
        self._lose = lose

    def run(self) -> None:
        """Move datagrams until none is left."""
        while self._move(self.caller, self.callee, ">") or self._move(
            self.callee, self.caller, "<"
        ):
            pass

    def run_until(self, time_s: float) -> None:
        """Let time pass, timer by timer, up to `time_s`."""
        self.run()
        while (at := self._next_timer()) is not None and at <= time_s:
            self.now = at
            self.caller.handle_timer(at)
            self.callee.handle_timer(at)
            self.run()
        self.now = time_s

    def call(self) -> DialogId:
        """Send an INVITE and return the caller's dialog."""
        dialog = call(self.caller, CALLEE, now=self.now)
        self.run()
        return dialog

    def establish(self) -> tuple[DialogId, DialogId]:
        """Set up a call and return the caller's and the callee's dialog; all events are taken."""
        ours = self.call()
        theirs = self.offered()
        self.callee.respond(theirs, 200, body=ANSWER, now=self.now)
        self.run()
        self.caller_events.clear()
        self.callee_events.clear()
        self.sent.clear()
        return ours, theirs

    def offered(self) -> DialogId:
        """Return the dialog of the one call that the callee was offered."""
        (offered,) = [e for e in self.callee_events if isinstance(e, InviteReceived)]
        return offered.dialog

    def _next_timer(self) -> float | None:
        times = [self.caller.next_timer(), self.callee.next_timer()]
        return min((at for at in times if at is not None), default=None)

    def _move(self, from_: SipEndpoint, to: SipEndpoint, arrow: str) -> bool:
        self._take_events()
        datagrams = from_.datagrams_to_send()
        source = CALLER if from_ is self.caller else CALLEE
        for data, _ in datagrams:
            number = len(self.sent)
            self.sent.append(arrow + first_word(data))
            if not self._lose(number):
                to.receive_datagram(data, source, self.now)
        self._take_events()
        return bool(datagrams)

    def _take_events(self) -> None:
        self.caller_events += events_of(self.caller)
        self.callee_events += events_of(self.callee)


def call(endpoint: SipEndpoint, destination: Address, *, now: float = 0.0) -> DialogId:
    """Make `endpoint` call `sip:bob@destination`."""
    host, port = destination
    return endpoint.invite(
        request_uri=Uri(user="bob", host=host, port=port),
        from_=NameAddr.parse('"Alice" <sip:alice@example.com>'),
        to=NameAddr.parse("<sip:bob@example.com>"),
        destination=destination,
        body=OFFER,
        now=now,
    )


def first_word(data: bytes) -> str:
    """Return the method or the status of a message."""
    words = data.split(b" ", 2)
    return (words[1] if words[0] == b"SIP/2.0" else words[0]).decode()


def events_of(endpoint: SipEndpoint) -> list[SipEvent]:
    """Take all events."""
    events: list[SipEvent] = []
    while (event := endpoint.next_event()) is not None:
        events.append(event)
    return events


def sent_by(endpoint: SipEndpoint) -> list[str]:
    """Take all datagrams and return their method or status."""
    return [first_word(data) for data, _ in endpoint.datagrams_to_send()]


def responses_of(endpoint: SipEndpoint) -> list[Response]:
    """Take all datagrams, all of which must be responses."""
    messages = [parse_message(data) for data, _ in endpoint.datagrams_to_send()]
    found = [message for message in messages if isinstance(message, Response)]
    assert len(found) == len(messages)
    return found


def requests_of(endpoint: SipEndpoint) -> list[Request]:
    """Take all datagrams, all of which must be requests."""
    messages = [parse_message(data) for data, _ in endpoint.datagrams_to_send()]
    found = [message for message in messages if isinstance(message, Request)]
    assert len(found) == len(messages)
    return found
