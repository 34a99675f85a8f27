"""One call through a bridge, by hand: two phones, the bridge's endpoint and its flow on a network without sockets."""

from datetime import UTC, datetime
from typing import Final, TypeVar

from bridge.call.events import CallInfo, CallState
from bridge.call.flow import CallFlow
from bridge.call.routing import Target
from bridge.call.setup import CallSetup
from bridge.media import messages as m
from bridge.sip.config import SipLimits
from bridge.sip.endpoint import SipEndpoint
from bridge.sip.events import (
    DialogEvent,
    DialogId,
    InviteReceived,
    SipEvent,
)
from bridge.sip.incoming import Address
from bridge.sip.name_addr import NameAddr
from bridge.sip.uri import Uri
from tests.bridge.sip.loopback import events_of, first_word, make_endpoint

ALICE: Final[Address] = ("192.0.2.1", 5060)
BOB: Final[Address] = ("192.0.2.2", 5060)
BRIDGE: Final[Address] = ("192.0.2.10", 5060)
E = TypeVar("E", bound=SipEvent)

CALL: Final = m.CallId("call-1")
CALLER_PORT, AGENT_PORT = 20_000, 20_002

FORGET_S: Final = 400.0
"Long enough for every transaction and every ringing to be over."

NO_SDP: Final = b"v=0\r\nthis is no description\r\n"

_PAYLOAD_TYPE: Final = {"PCMU": 0, "PCMA": 8, "opus": 111}


def sdp(
    host: str, *codecs: str, port: int = 4000, direction: str = "sendrecv", version: int = 1
) -> bytes:
    """Return a phone's description of one audio stream."""
    codecs = codecs or ("PCMU", "PCMA")
    numbers = " ".join(str(_PAYLOAD_TYPE[codec]) for codec in codecs)
    maps = "".join(f"a=rtpmap:{_PAYLOAD_TYPE[codec]} {codec}/8000\r\n" for codec in codecs)
    return (
        f"v=0\r\no=- 7 {version} IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
        f"m=audio {port} RTP/AVP {numbers} 101\r\n{maps}"
        f"a=rtpmap:101 telephone-event/8000\r\na={direction}\r\n"
    ).encode()


class Rig:
    """Alice dials, the bridge rings Bob. `first` says whether Alice is the customer or the agent."""

    def __init__(
        self,
        *,
        first: m.Leg = m.Leg.CALLER,
        recording: str = "",
        limits: SipLimits | None = None,
    ) -> None:
        self.now = 0.0
        self.alice = make_endpoint(ALICE, prefix="a")
        self.bob = make_endpoint(BOB, prefix="b")
        self.bridge = make_endpoint(BRIDGE, prefix="c", limits=limits)
        self.alice_events: list[SipEvent] = []
        self.bob_events: list[SipEvent] = []
        self.sent: list[str] = []
        "`alice>INVITE` for what Alice sends, `bridge>alice 180` for what the bridge sends."
        self.to_bob: list[bytes] = []
        "What the bridge sent to Bob, as it was on the wire."
        self.elsewhere: list[bytes] = []
        "What the bridge sent to an address where none of the two phones is."
        self.unplugged: set[Address] = set()
        "Nothing goes to or comes from here."
        self.losses = 0
        "As many of the next datagrams are lost."
        self.commands: list[m.Command] = []
        self.changes: list[tuple[CallInfo, str]] = []
        self._first, self._recording = first, recording
        self._flow: CallFlow | None = None

    @property
    def flow(self) -> CallFlow:
        """The call, once it has been dialled."""
        assert self._flow is not None, "nobody has called"
        return self._flow

    def dial(self, body: bytes | None = None, *, max_forwards: int = 70) -> DialogId:
        """Let Alice call Bob; the bridge has not opened media yet."""
        dialog = self.alice.invite(
            request_uri=Uri(user="bob", host=BRIDGE[0]),
            from_=NameAddr.parse('"Alice" <sip:alice@example.com>'),
            to=NameAddr.parse("<sip:bob@example.com>"),
            destination=BRIDGE,
            body=sdp(ALICE[0]) if body is None else body,
            max_forwards=max_forwards,
            now=self.now,
        )
        self.run()
        return dialog

    def open_media(self) -> None:
        """Let the worker have ports."""
        opened = m.CallOpened(call=CALL, caller_port=CALLER_PORT, agent_port=AGENT_PORT)
        self.flow.media_opened(opened, self.now)
        self.run()

    def ring(self, body: bytes | None = None) -> tuple[DialogId, DialogId]:
        """Dial, open media, and return Alice's and Bob's dialog: Bob's phone has the INVITE."""
        alice = self.dial(body)
        self.open_media()
        return alice, self.offered().dialog

    def talk(
        self, body: bytes | None = None, answer: bytes | None = None
    ) -> tuple[DialogId, DialogId]:
        """Connect the two and return their dialogs; what led to it is forgotten."""
        alice, bob = self.ring(body)
        self.bob.respond(bob, 200, body=answer or sdp(BOB[0]), now=self.now)
        self.run()
        assert self.flow.talking
        self.forget()
        return alice, bob

    def forget(self) -> None:
        """Clear all that was noted."""
        for noted in (self.alice_events, self.bob_events, self.sent, self.commands, self.changes):
            noted.clear()

    def offered(self) -> InviteReceived:
        """Return the one call that Bob was offered."""
        (offered,) = [e for e in self.bob_events if isinstance(e, InviteReceived)]
        return offered

    def legs(self) -> dict[m.Leg, m.SetLeg]:
        """Return what the worker was told last of each leg."""
        return {c.leg: c for c in self.commands if isinstance(c, m.SetLeg)}

    def closings(self) -> int:
        """Return how often the media was closed."""
        return sum(isinstance(command, m.CloseCall) for command in self.commands)

    def endings(self) -> list[str]:
        """Return the reasons of all tellings that the call has ended."""
        return [reason for info, reason in self.changes if info.state is CallState.ENDED]

    def ended_once(self) -> str:
        """Return why the call ended, having seen that it ended once, closed its media and left no dialog."""
        assert self.flow.ended
        assert self.closings() == 1
        assert isinstance(self.commands[-1], m.CloseCall)
        assert self.changes[-1][0].state is CallState.ENDED
        (reason,) = self.endings()
        self.run_until(self.now + FORGET_S)
        assert (self.bridge.dialog_count, self.bridge.transaction_count) == (0, 0)
        if not self.unplugged:
            assert (self.alice.dialog_count, self.bob.dialog_count) == (0, 0)
        return reason

    def run(self) -> None:
        """Move datagrams until none is left."""
        moved = True
        while moved:
            moved = False
            for address, endpoint in self._endpoints().items():
                moved |= self._move(address, endpoint)

    def run_until(self, time_s: float) -> None:
        """Let time pass, timer by timer, up to `time_s`."""
        self.run()
        while (at := self._next_timer()) is not None and at <= time_s:
            self.now = max(at, self.now)
            for endpoint in self._endpoints().values():
                endpoint.handle_timer(self.now)
            self.run()
        self.now = time_s

    def inject(self, data: bytes, source: Address) -> None:
        """Give the bridge a datagram that a test wrote."""
        self.bridge.receive_datagram(data, source, self.now)
        self.run()

    def _endpoints(self) -> dict[Address, SipEndpoint]:
        return {ALICE: self.alice, BRIDGE: self.bridge, BOB: self.bob}

    def _next_timer(self) -> float | None:
        times = [endpoint.next_timer() for endpoint in self._endpoints().values()]
        return min((at for at in times if at is not None), default=None)

    def _move(self, source: Address, endpoint: SipEndpoint) -> bool:
        self._take_events()
        datagrams = endpoint.datagrams_to_send()
        for data, destination in datagrams:
            self._carry(data, source, destination)
            self._take_events()
        return bool(datagrams)

    def _carry(self, data: bytes, source: Address, destination: Address) -> None:
        names = {ALICE: "alice", BOB: "bob"}
        way = f"bridge>{names.get(destination, '?')} " if source == BRIDGE else f"{names[source]}>"
        self.sent.append(way + first_word(data))
        if destination == BOB:
            self.to_bob.append(data)
        if self.losses:
            self.losses -= 1
        elif destination not in self._endpoints():
            self.elsewhere.append(data)
        elif not {source, destination} & self.unplugged:
            self._endpoints()[destination].receive_datagram(data, source, self.now)

    def _take_events(self) -> None:
        self.alice_events += events_of(self.alice)
        self.bob_events += events_of(self.bob)
        for event in events_of(self.bridge):
            if isinstance(event, InviteReceived):
                self._flow = CallFlow(
                    self._setup(event), self.bridge, self.commands.append, self._changed
                )
            elif isinstance(event, DialogEvent) and (
                self._flow is not None and event.dialog in self._flow.dialogs
            ):
                self._flow.receive(event, self.now)

    def _setup(self, invite: InviteReceived) -> CallSetup:
        return CallSetup(
            call=CALL,
            invite=invite,
            target=Target(
                uri=Uri(user="bob", host=BOB[0]), destination=BOB, agent="bob", trunk=None
            ),
            first=self._first,
            agent="bob",
            started_at=datetime(2030, 1, 2, tzinfo=UTC),
            hosts=dict.fromkeys(m.Leg, BRIDGE[0]),
            identity=lambda user: Uri(user=user, host=BRIDGE[0], port=BRIDGE[1]),
            session_id=77,
            recording=self._recording,
        )

    def _changed(self, flow: CallFlow, reason: str) -> None:
        self.changes.append((flow.info, reason))


def only(events: list[SipEvent], kind: type[E]) -> E:
    """Return the one event of a kind."""
    (found,) = [event for event in events if isinstance(event, kind)]
    return found
