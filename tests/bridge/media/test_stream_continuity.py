"""What the far end's jitter buffer sees: sequence numbers, timestamps and the delay across mask, beep and prompt.

Invariant of the tests at random: whatever the other side's packets do, sequence numbers go up by one, a prompt is whole
and its frames follow each other by 160, one a frame time; and of each of the other side's frames that is heard the
timestamp stays as far from its own as before, so that nothing that was filled in is kept as delay.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.media import messages as m
from bridge.prompts.prompter import prompt_frames
from bridge.rtp.g711 import encode
from bridge.rtp.packet import RtpPacket
from bridge.rtp.telephone_event import EventReceiver, TelephoneEvent
from dtmf.keys import EVENT_KEYS, HiddenKey
from tests.bridge.media.call_rig import CALL, FRAME, Phone, Rig, murmur
from tests.support.wav import speech

TICK_S: Final = 0.005
TICKS_A_FRAME: Final = 4
FRAMES: Final = 60
PROMPT: Final = prompt_frames(speech(0.4))
PROMPT_SOUNDS: Final = [encode(frame, "PCMU") for frame in PROMPT]


@pytest.fixture
def rig() -> Iterator[Rig]:
    rig = Rig()
    yield rig
    rig.close()


def packets_of(phone: Phone, frames: int, frames_a_packet: int = 1) -> list[RtpPacket]:
    """Return murmur of which no two frames are the same."""
    sound = murmur(frames * FRAME).reshape(-1, frames_a_packet * FRAME)
    return [phone.frame(part) for part in sound]


def run(rig: Rig, arrivals: dict[int, list[RtpPacket]], ticks: int) -> list[tuple[int, RtpPacket]]:
    """Let the caller's packets arrive at their ticks; return what the agent hears, with its tick."""
    heard = []
    for tick in range(ticks):
        for packet in arrivals.get(tick, []):
            rig.caller.send(packet)
        rig.tick(TICK_S)
        heard += [(tick, packet) for packet in rig.agent.listen()]
    return heard


def in_time(packets: list[RtpPacket], frames_a_packet: int = 1) -> dict[int, list[RtpPacket]]:
    """Return the packets by the tick at which a network without jitter delivers them."""
    return {
        index * frames_a_packet * TICKS_A_FRAME: [packet] for index, packet in enumerate(packets)
    }


def steps(packets: list[RtpPacket]) -> set[tuple[int, int]]:
    """Return how sequence numbers and timestamps go on."""
    return {
        ((b.sequence_number - a.sequence_number) % 2**16, (b.timestamp - a.timestamp) % 2**32)
        for a, b in zip(packets, packets[1:], strict=False)
    }


def delays(sent: list[RtpPacket], heard: list[RtpPacket]) -> set[int]:
    """Return by how much the timestamps of the sender's frames differ from those that the listener gets them with."""
    timestamp_of = {}
    for packet in sent:
        for at in range(0, len(packet.payload), FRAME):
            timestamp_of[packet.payload[at : at + FRAME]] = packet.timestamp + at
    return {
        (packet.timestamp - timestamp_of[packet.payload]) % 2**32
        for packet in heard
        if packet.payload in timestamp_of
    }


@settings(max_examples=60, deadline=None)
@given(
    begins=st.integers(0, (FRAMES - 25) * TICKS_A_FRAME),
    late=st.lists(st.integers(0, 10), min_size=FRAMES, max_size=FRAMES),
    lost=st.sets(st.integers(1, FRAMES - 1), max_size=8),
    frames_a_packet=st.sampled_from([1, 1, 2, 3]),
)
def test_a_prompt_over_a_stream_that_comes_as_it_likes(
    begins: int, late: list[int], lost: set[int], frames_a_packet: int
) -> None:
    rig = Rig()
    packets = packets_of(rig.caller, FRAMES, frames_a_packet)
    arrivals: dict[int, list[RtpPacket]] = {}
    newest = 0
    for index, packet in enumerate(packets):
        newest = max(newest, index * frames_a_packet * TICKS_A_FRAME + late[index])
        if index not in lost:
            arrivals.setdefault(newest, []).append(packet)
    heard = run(rig, arrivals, begins)
    rig.calls.path.fillers.prompter.play(1, 1, PROMPT)
    later = {tick - begins: part for tick, part in arrivals.items() if tick >= begins}
    heard += [(begins + tick, packet) for tick, packet in run(rig, later, FRAMES * 6)]
    rig.close()
    stream = [packet for _, packet in heard]
    assert {step for step, _ in steps(stream)} == {1}
    first = next(at for at, packet in enumerate(stream) if packet.payload == PROMPT_SOUNDS[0])
    last = first + len(PROMPT) - 1
    assert [packet.payload for packet in stream[first : last + 1]] == PROMPT_SOUNDS
    assert steps(stream[first : last + 1]) == {(1, FRAME)}
    took = heard[last][0] - heard[first][0] - (len(PROMPT) - 1) * TICKS_A_FRAME
    # Its places are as late as the other side's frames, and the last of a long packet come with its first.
    assert abs(took) <= max(late) + 3 + (frames_a_packet - 1) * TICKS_A_FRAME
    if not lost:  # a hole of more than 100 ms is a new beginning
        assert len(delays(packets, stream)) == 1


@pytest.mark.parametrize("frames_a_packet", [2, 3])
def test_beeps_between_long_packets_do_not_delay_the_caller(rig: Rig, frames_a_packet: int) -> None:
    """What fills the 60 ms between two packets has taken the places of the frames that the next one brings."""
    rig.secure()
    packets = packets_of(rig.caller, FRAMES, frames_a_packet)
    arrivals = in_time(packets, frames_a_packet)
    heard = run(rig, arrivals, 40)
    for start in (40, 80, 120):
        rig.calls.handle(m.InfoKey(call=CALL, key=HiddenKey(str(start)[0]), duration_ms=100))
        part = {tick - start: sent for tick, sent in arrivals.items() if tick >= start}
        heard += run(rig, part, 40)
    stream = [packet for _, packet in heard]
    assert len(rig.presses()) == 3
    assert steps(stream) == {(1, FRAME)}
    assert len(delays(packets, stream)) == 1


def test_a_beep_after_a_pause_counts_it_and_begins_a_talkspurt(rig: Rig) -> None:
    """RFC 3550 section 5.1: the timestamp goes on with the clock; RFC 3551 section 4.1: the first one is marked."""
    rig.secure()
    first = run(rig, in_time(packets_of(rig.caller, 10)), 40)
    rig.tick(2.0)
    rig.calls.handle(m.InfoKey(call=CALL, key=HiddenKey("5"), duration_ms=100))
    beep = [packet for _, packet in run(rig, {}, 40)]
    before = first[-1][1]
    since = (beep[0].timestamp - before.timestamp) % 2**32
    assert abs(since - 8000 * 2.0) <= 2 * FRAME
    assert [packet.marker for packet in beep] == [True, False, False, False]
    assert steps([before, *beep]) == {(1, since), (1, FRAME)}


@pytest.mark.parametrize("counted", [True, False])
def test_a_beep_in_a_pause_takes_no_places_but_of_a_clock_that_stood_still(
    rig: Rig, counted: bool
) -> None:
    """A far end's clock runs on in a pause (RFC 3550 section 5.1); else what it sends next is late, as if held up."""
    rig.secure()
    run(rig, in_time(packets_of(rig.caller, 20)), 80)
    rig.calls.handle(m.InfoKey(call=CALL, key=HiddenKey("5"), duration_ms=100))
    pause = TICKS_A_FRAME * 30
    beep = run(rig, {}, pause)
    rig.caller.timestamp += FRAME * 30 if counted else 0
    heard = run(rig, in_time(packets_of(rig.caller, 20)), 80 + TICKS_A_FRAME)
    assert len(beep) == 4
    assert len(heard) == (20 if counted else 20 - len(beep))
    assert {step for step, _ in steps([packet for _, packet in beep + heard])} == {1}


def test_mask_beep_prompt_and_opening_are_one_steady_stream(rig: Rig) -> None:
    packets = packets_of(rig.caller, 200)
    arrivals = in_time(packets)

    def run_from(start: int, end: int) -> list[RtpPacket]:
        part = {tick - start: sent for tick, sent in arrivals.items() if start <= tick < end}
        return [packet for _, packet in run(rig, part, end - start)]

    stream = run_from(0, 80)
    rig.secure()
    stream += run_from(80, 160)
    rig.calls.handle(m.InfoKey(call=CALL, key=HiddenKey("5"), duration_ms=100))
    stream += run_from(160, 240)
    rig.calls.path.fillers.prompter.play(1, 1, PROMPT)
    stream += run_from(240, 400)
    rig.secure(secure=False)
    stream += run_from(400, 800)
    assert steps(stream) == {(1, FRAME)}
    assert [packet.marker for packet in stream] == [True] + [False] * 199


class TestTelephoneEventsGoOnAsTheyCome:
    """RFC 4733 packets are forwarded one by one and none is made up: a receiver needs neither the first nor the last.

    What is lost on our side is as if it were lost on the far end's: all packets of an event carry its start as their
    timestamp (section 2.2.1), so any of them is the event, and sound of a later time is its end.
    """

    PACKETS: Final = 6
    COPIES: Final = 3
    "Of the end (section 2.5.1.4)."

    @pytest.mark.parametrize(
        "lost",
        [
            set(),
            {0},  # with the marker
            {0, 1, 2},
            {6, 7},
            {5, 6, 7},  # every end
            {0, 5, 6, 7},
            {1, 3},
        ],
    )
    def test_one_press_of_its_key_is_one_press_at_the_far_end(
        self, rig: Rig, lost: set[int]
    ) -> None:
        run(rig, in_time(packets_of(rig.caller, 10)), 40)
        for key in "55":
            self.press(rig, key, lost)
            run(rig, in_time(packets_of(rig.caller, 10)), 40)
        heard = rig.agent.heard
        assert {step for step, _ in steps(heard)} == {1}
        events = [packet for packet in heard if packet.payload_type == 101]
        assert len(events) == 2 * (self.PACKETS - 1 + self.COPIES - len(lost))
        assert len({packet.timestamp for packet in events}) == 2
        receiver = EventReceiver()
        keys = [
            receiver.receive(TelephoneEvent.parse(packet.payload), packet.timestamp, 0.0)
            for packet in events
        ]
        assert [key.reveal() for key in keys if key is not None] == ["5", "5"]

    @pytest.mark.parametrize("lost", [set(), {5, 6, 7}])
    def test_the_sound_after_it_is_later_than_its_end(self, rig: Rig, lost: set[int]) -> None:
        run(rig, in_time(packets_of(rig.caller, 10)), 40)
        self.press(rig, "7", lost)
        run(rig, in_time(packets_of(rig.caller, 10)), 40)
        heard = rig.agent.heard
        last = max(at for at, packet in enumerate(heard) if packet.payload_type == 101)
        event = TelephoneEvent.parse(heard[last].payload)
        ends = heard[last].timestamp + event.duration_samples
        assert 0 <= (heard[last + 1].timestamp - ends) % 2**32 < self.PACKETS * FRAME

    def test_one_that_began_before_the_gate_closed_ends_with_the_masked_sound(
        self, rig: Rig
    ) -> None:
        run(rig, in_time(packets_of(rig.caller, 10)), 40)
        start = rig.caller.timestamp
        rig.caller.send(self.packet(rig.caller, "7", 0, start))
        run(rig, {}, TICKS_A_FRAME)
        rig.secure()
        for number in range(1, self.PACKETS):
            rig.caller.send(self.packet(rig.caller, "7", number, start))
            run(rig, {}, TICKS_A_FRAME)
        rig.caller.timestamp = start + self.PACKETS * FRAME
        run(rig, in_time(packets_of(rig.caller, 20)), 80)
        heard = rig.agent.heard
        events = [packet for packet in heard if packet.payload_type == 101]
        assert len(events) == 1
        sound = heard[heard.index(events[0]) + 1]
        assert 0 < (sound.timestamp - events[0].timestamp) % 2**32 < 10 * FRAME
        assert {step for step, _ in steps(heard)} == {1}

    def press(self, rig: Rig, key: str, lost: set[int]) -> None:
        """Press a key as phones do: no sound meanwhile, the last packet three times."""
        start = rig.caller.timestamp
        for number in range(self.PACKETS - 1 + self.COPIES):
            packet = self.packet(rig.caller, key, number, start)
            run(rig, {} if number in lost else {0: [packet]}, TICKS_A_FRAME)
        rig.caller.timestamp = start + self.PACKETS * FRAME

    def packet(self, phone: Phone, key: str, number: int, start: int) -> RtpPacket:
        event = TelephoneEvent(
            event=EVENT_KEYS.index(key),
            end=number >= self.PACKETS - 1,
            volume=10,
            duration_samples=FRAME * min(number + 1, self.PACKETS),
        )
        return phone.event(bytes(event), start, marker=number == 0)


def test_murmur_is_what_the_tests_take_it_for() -> None:
    sounds = [encode(frame, "PCMU") for frame in murmur(200 * FRAME).reshape(-1, FRAME)]
    assert len({*sounds, *PROMPT_SOUNDS}) == 200 + len(PROMPT_SOUNDS)
    assert len(np.unique(PROMPT, axis=0)) == len(PROMPT)
