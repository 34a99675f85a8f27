"""The two ways of a packet: what the compiled loop recognises comes out as the long way through Python has it.

Invariant: whatever some legs' far ends send, losses above all, the sink gets the same for each leg, and the same is
counted, whether the packets go through sockets and :class:`Intake` or one by one through :class:`Streams`.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bridge.media.intake import Intake
from bridge.media.leg_table import FRAME, LEG, LegTable
from bridge.media.streams import MAX_BRIDGED_FRAMES, Streams
from bridge.rtp.packet import RtpPacket
from bridge.rtp.reception import ReceptionTable
from bridge.rtp.telephone_event import TelephoneEvent
from dtmf.keys import HiddenKey

LEGS: Final = 3
COLUMNS: Final = [name for name in LEG.names or () if name not in ("socket", "in_came_s")]
"What both ways know alike: only the short one has to look for packets."
HOST: Final = "127.0.0.1"
EVENT: Final = 101


@dataclass
class Sink:
    """Keeps what each leg brings."""

    now: float = 0.0
    got: dict[int, list[tuple[object, ...]]] = field(default_factory=dict)
    batches: list[int] = field(default_factory=list)

    def take_frames(
        self,
        legs: NDArray[np.intp],
        coded: NDArray[np.uint8],
        lost: NDArray[np.bool_],
        timestamps: NDArray[np.int64],
    ) -> None:
        assert len(set(legs.tolist())) == len(legs) == len(coded) == len(lost) == len(timestamps)
        self.batches.append(len(legs))
        for row, leg in enumerate(legs.tolist()):
            self._keep(leg, bool(lost[row]), coded[row].tobytes(), int(timestamps[row]))

    def take_event(
        self, leg: int, event: TelephoneEvent, key: HiddenKey | None, packet: RtpPacket
    ) -> None:
        self._keep(leg, bytes(event), key is None, packet)

    def take_pause(self, leg: int, level: int) -> None:
        self._keep(leg, level)

    def restart_stream(self, leg: int, timestamp: int) -> None:
        self._keep(leg, timestamp)

    def _keep(self, leg: int, *what: object) -> None:
        self.got.setdefault(leg, []).append(what)


class World:
    """Legs of which a packet of each far end was taken, and what they bring."""

    def __init__(self, socks: list[socket.socket], first: list[RtpPacket]) -> None:
        self.sink = Sink()
        self.legs = LegTable(LEGS, np.random.default_rng(1))
        self.reception = ReceptionTable(
            self.legs.in_sequence, self.legs.in_due_s, self.legs.in_jitter_s
        )
        for leg, sock in enumerate(socks):
            self.legs.open(leg, sock, 0.0)
            self.legs.describe(
                leg, payload_type=0, telephone_events=(EVENT, -1), law=0, receives=True
            )
            self.legs.latch(leg, sock.getpeername())
            self.reception.open(leg)
        self.streams = Streams(self.legs, self.sink, self.reception)
        for leg, packet in enumerate(first):
            self.take(leg, packet)

    def take(self, leg: int, packet: RtpPacket) -> None:
        """Take a packet the long way."""
        self.streams.take(leg, bytes(packet))
        state = self.legs.state_of(leg)
        while state.pending:
            data, timestamp = state.pending.popleft()
            coded = np.frombuffer(data or bytes(FRAME), np.uint8)[None]
            legs, lost = np.array([leg]), np.array([data is None])
            self.sink.take_frames(legs, coded, lost, np.array([timestamp]))

    def counted(self) -> list[object]:
        """Return all that was counted, and what is known of each leg's stream."""
        figures: list[object] = [self.legs.in_late.tolist()]
        for leg in range(LEGS):
            report = self.reception.report(leg, 1)
            figures += [self.reception.received(leg), report, self.legs.rows[COLUMNS][leg].tolist()]
        return figures


class Ways:
    """The same packets both ways."""

    def __init__(self) -> None:
        self.far_ends, self.socks = ([_bound() for _ in range(LEGS)] for _ in range(2))
        for far_end, sock in zip(self.far_ends, self.socks, strict=True):
            far_end.connect(sock.getsockname())
            sock.connect(far_end.getsockname())
        self.next = [
            RtpPacket(payload_type=0, sequence_number=65_533, timestamp=2**32 - 400, ssrc=7 + leg)
            for leg in range(LEGS)
        ]
        self._payloads = np.random.default_rng(2)
        first = [self.packet(leg) for leg in range(LEGS)]
        self.long, self.short = World(self.socks, first), World(self.socks, first)
        self.intake = Intake(
            self.short.legs,
            self.short.sink,
            self.short.reception,
            latch=lambda *_: None,
            take_rtcp=lambda *_: None,
        )
        for leg in range(LEGS):
            self.intake.add(leg)

    def packet(self, leg: int, samples: int = FRAME) -> RtpPacket:
        """Return the next packet of a leg's far end."""
        packet = replace(self.next[leg], payload=self._payloads.bytes(samples))
        self.skip(leg, 1, samples)
        return packet

    def skip(self, leg: int, packets: int, samples: int) -> None:
        """Let sequence numbers and timestamps of a far end go on."""
        after = self.next[leg]
        self.next[leg] = replace(
            after,
            sequence_number=(after.sequence_number + packets) % 2**16,
            timestamp=(after.timestamp + samples) % 2**32,
        )

    def tick(self, packets: dict[int, RtpPacket], elapsed_s: float = 0.02) -> None:
        """Let one packet of each leg come."""
        for world in (self.long, self.short):
            world.sink.now += elapsed_s
        for leg, packet in packets.items():
            self.long.take(leg, packet)
            self.far_ends[leg].send(bytes(packet))
        self.intake.drain()

    def check(self) -> None:
        """Compare."""
        assert self.short.sink.got == self.long.sink.got
        assert self.short.counted() == self.long.counted()
        assert self.intake.counters == self.long.streams.counters

    def close(self) -> None:
        self.intake.close()
        for sock in self.far_ends + self.socks:
            sock.close()


def _bound() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    sock.bind((HOST, 0))
    return sock


@contextmanager
def both() -> Iterator[Ways]:
    ways = Ways()
    try:
        yield ways
        ways.check()
    finally:
        ways.close()


@pytest.mark.parametrize("lost", range(MAX_BRIDGED_FRAMES + 2))
def test_a_gap_is_bridged_alike(lost: int) -> None:
    with both() as ways:
        ways.tick({leg: ways.packet(leg) for leg in range(LEGS)})
        ways.skip(1, lost, lost * FRAME)
        ways.tick({leg: ways.packet(leg) for leg in range(LEGS)}, 0.033)
        ways.tick({leg: ways.packet(leg) for leg in range(LEGS)})
    assert ways.short.reception.received(1).missed == lost


def test_gaps_of_many_legs_are_treated_in_rounds() -> None:
    with both() as ways:
        for leg in range(LEGS):
            ways.skip(leg, leg, leg * FRAME)
        before = len(ways.short.sink.batches)
        ways.tick({leg: ways.packet(leg) for leg in range(LEGS)})
        assert ways.short.sink.batches[before:] == [3, 2, 1]


def test_the_usual_gap_does_not_take_the_long_way(monkeypatch: pytest.MonkeyPatch) -> None:
    with both() as ways:
        ways.skip(0, 2, 2 * FRAME)
        packet = ways.packet(0)
        ways.long.take(0, packet)
        monkeypatch.setattr(Streams, "take", None)
        ways.far_ends[0].send(bytes(packet))
        ways.intake.drain()


def test_a_clock_that_jumps_is_no_jitter_either_way() -> None:
    with both() as ways:
        ways.tick({0: ways.packet(0)}, 1.5)
    assert ways.short.reception.received(0).jitter_ms == 0


_STEPS: Final = st.one_of(
    st.just(("next", 0)),
    st.tuples(st.just("lose"), st.integers(1, MAX_BRIDGED_FRAMES + 2)),
    st.tuples(st.just("pause"), st.integers(1, MAX_BRIDGED_FRAMES + 2)),
    st.tuples(st.just("renumber"), st.integers(1, 4000)),
    st.tuples(st.just("again"), st.integers(0, 3)),
    st.tuples(st.just("length"), st.sampled_from([80, 240, 320])),
    st.just(("event", 0)),
    st.just(("comfort noise", 0)),
    st.just(("foreign", 0)),
    st.just(("mark", 0)),
    st.just(("source", 0)),
)


def _packet(ways: Ways, leg: int, step: str, how: int, sent: list[RtpPacket]) -> RtpPacket:
    match step:
        case "lose":
            ways.skip(leg, how, how * FRAME)
        case "pause":
            ways.skip(leg, 0, how * FRAME)
        case "renumber":
            ways.skip(leg, how, 0)
        case "again" if len(sent) > how:
            return sent[-1 - how]
        case "length":
            return ways.packet(leg, how)
        case "event":
            event = bytes(TelephoneEvent(event=5, end=False, volume=10, duration_samples=160))
            return replace(ways.packet(leg, 0), payload_type=EVENT, payload=event)
        case "comfort noise":
            return replace(ways.packet(leg, 0), payload_type=13, payload=b"\x3c")
        case "foreign":
            return replace(ways.packet(leg), payload_type=96)
        case "mark":
            return replace(ways.packet(leg), marker=True)
        case "source":
            ways.next[leg] = replace(ways.next[leg], ssrc=ways.next[leg].ssrc + 16)
    return ways.packet(leg)


@settings(deadline=None)
@given(
    ticks=st.lists(
        st.tuples(
            st.dictionaries(st.integers(0, LEGS - 1), _STEPS, min_size=1),
            st.sampled_from([0.005, 0.02, 0.025, 0.11, 1.2]),
        ),
        max_size=30,
    )
)
def test_both_ways_are_one(ticks: list[tuple[dict[int, tuple[str, int]], float]]) -> None:
    sent: dict[int, list[RtpPacket]] = {leg: [] for leg in range(LEGS)}
    with both() as ways:
        for steps, elapsed_s in ticks:
            packets = {
                leg: _packet(ways, leg, step, how, sent[leg])
                for leg, (step, how) in sorted(steps.items())
            }
            for leg, packet in packets.items():
                sent[leg].append(packet)
            ways.tick(packets, elapsed_s)
