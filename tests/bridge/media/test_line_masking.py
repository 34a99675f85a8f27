"""What may differ from secure call to secure call: how much is held back, who is heard, how beeps come."""

from collections.abc import Iterator

import numpy as np
import pytest

from bridge.media import messages as m
from bridge.media.line_masking import LineMasking
from bridge.rtp.telephone_event import TelephoneEvent
from dtmf import decode as read_digits
from dtmf.keys import EVENT_KEYS
from dtmf.tones import BEEP_SAMPLES, tone
from tests.bridge.media.call_rig import CALL, FRAME, Pcm, Phone, Rig, murmur, pressed

TWO_HELD = LineMasking(hold_frames=2)
MUTED = LineMasking(muted=True)
EVEN = LineMasking(muted=True, even_beeps=True)


@pytest.fixture
def in_band() -> Iterator[Rig]:
    """A caller with whom no telephone events are agreed on."""
    rig = Rig(caller=Phone(telephone_event=-1))
    yield rig
    rig.close()


@pytest.fixture
def by_events() -> Iterator[Rig]:
    rig = Rig()
    yield rig
    rig.close()


def told(rig: Rig) -> m.SecureChanged:
    """Return the newest confirmation."""
    return [report for report in rig.reports if isinstance(report, m.SecureChanged)][-1]


def lateness(rig: Rig) -> int:
    """Return by how many frames noise comes late."""
    rig.play(murmur(800, seed=7))
    rig.agent.heard.clear()
    sound = murmur(8000, seed=8)
    rig.play(sound)
    heard = rig.agent.sound()
    return max(range(4), key=lambda late: same(heard[late * FRAME :], sound))


def same(heard: Pcm, sent: Pcm) -> float:
    return float(np.corrcoef(heard, sent[: len(heard)])[0, 1])


def press_by_event(rig: Rig, key: str) -> None:
    start = rig.caller.timestamp
    for number in range(1, 6):
        event = TelephoneEvent(
            event=EVENT_KEYS.index(key), end=number == 5, volume=10, duration_samples=number * FRAME
        )
        rig.caller.send(rig.caller.event(bytes(event), start, marker=number == 1))
        rig.tick()
        rig.agent.listen()
    rig.caller.timestamp = (start + 5 * FRAME) % 2**32


def beeps(rig: Rig) -> list[int]:
    """Return the frames, counted by RTP timestamp, with which sound begins that the agent hears."""
    first = rig.agent.heard[0].timestamp
    size = (rig.agent.heard[-1].timestamp - first) % 2**32 + FRAME
    heard = np.zeros(size, np.bool_)
    sound = rig.agent.sound().reshape(-1, FRAME)
    for packet, frame in zip(rig.agent.heard, sound, strict=True):
        at = (packet.timestamp - first) % 2**32
        heard[at : at + FRAME] = np.abs(frame.astype(int)).max() > 100
    rising = np.flatnonzero(np.diff(heard.astype(int), prepend=0) == 1)
    falling = np.flatnonzero(np.diff(heard.astype(int), append=0) == -1) + 1
    assert {int(length) for length in falling - rising} <= {BEEP_SAMPLES}
    return [int(at) // FRAME for at in rising]


class TestHold:
    def test_without_telephone_events_sound_is_20_ms_late(self, in_band: Rig) -> None:
        in_band.secure()
        assert told(in_band).hold_frames == 1
        assert lateness(in_band) == 1

    def test_where_telephone_events_are_agreed_on_it_is_40_ms_late(self, by_events: Rig) -> None:
        by_events.secure()
        assert told(by_events).hold_frames == 2
        assert lateness(by_events) == 2

    @pytest.mark.parametrize(("masking", "frames"), [(LineMasking(), 4), (TWO_HELD, 5)])
    def test_tones_mask_further_back_only_where_asked_for(
        self, by_events: Rig, masking: LineMasking, frames: int
    ) -> None:
        """A tone of one frame masks the one before, itself, the next (its end shows there) and the one after."""
        by_events.secure(masking)
        sound = murmur(20 * FRAME, seed=4)
        sound[10 * FRAME : 11 * FRAME] = tone("5", FRAME)
        by_events.play(sound)
        heard = by_events.agent.sound().reshape(-1, FRAME)[3:]  # the stream begins masked
        assert int((~heard.any(axis=1)).sum()) == frames

    def test_two_frames_are_held_where_asked_for(self, in_band: Rig) -> None:
        in_band.secure(TWO_HELD)
        assert told(in_band).hold_frames == 2
        assert lateness(in_band) == 2

    def test_an_open_call_holds_nothing(self, by_events: Rig) -> None:
        by_events.secure(TWO_HELD)
        by_events.play(murmur(800))
        by_events.secure(secure=False)
        by_events.play(murmur(1600))
        assert told(by_events) == m.SecureChanged(call=CALL, secure=False)
        assert lateness(by_events) == 0

    def test_the_next_payment_holds_as_it_asks(self, in_band: Rig) -> None:
        in_band.secure(TWO_HELD)
        in_band.secure(secure=False)
        in_band.play(murmur(1600))
        in_band.secure()
        assert lateness(in_band) == 1

    @pytest.mark.parametrize("split", range(20, 121, 20))
    def test_a_stub_before_an_event_does_not_pass(self, by_events: Rig, split: int) -> None:
        """15 ms of tone across two frames, then the event: too short for the detector, too soon for the event."""
        by_events.secure()
        by_events.play(np.zeros(1600, np.int16))
        by_events.agent.heard.clear()
        stub = np.zeros(2 * FRAME, np.int16)
        stub[FRAME - split : FRAME - split + 120] = tone("5", 120)
        by_events.play(stub)
        press_by_event(by_events, "5")
        by_events.play(np.zeros(1600, np.int16))
        before_the_beep = by_events.agent.sound()[: 2 * FRAME]
        assert not before_the_beep.any()
        assert len(beeps(by_events)) == 1

    def test_events_that_are_agreed_on_later_are_held_for_at_once(self, in_band: Rig) -> None:
        in_band.secure()
        in_band.play(np.concatenate([np.zeros(800, np.int16), tone("5", 40)]))
        in_band.agent.heard.clear()
        in_band.caller.telephone_event = 101
        in_band.describe(m.Leg.CALLER, in_band.caller)
        assert lateness(in_band) == 2

    def test_events_that_are_agreed_on_no_more_change_nothing_until_the_line_is_open(
        self, by_events: Rig
    ) -> None:
        by_events.secure()
        by_events.caller.telephone_event = -1
        by_events.describe(m.Leg.CALLER, by_events.caller)
        assert lateness(by_events) == 2

    def test_a_key_that_is_down_as_the_line_is_secured_is_masked_from_there(
        self, by_events: Rig
    ) -> None:
        by_events.play(tone("5", 800))
        by_events.agent.heard.clear()
        by_events.secure()
        by_events.play(np.concatenate([tone("5", 1600), np.zeros(1600, np.int16)]))
        assert len(beeps(by_events)) == 1
        assert read_digits(by_events.agent.sound()) == []


class TestMuted:
    def test_nothing_of_the_caller_is_heard_but_beeps(self, in_band: Rig) -> None:
        in_band.secure(MUTED)
        in_band.play(np.concatenate([murmur(3200), pressed("123"), murmur(3200)]))
        assert len(beeps(in_band)) == 3
        assert [key for key, _ in in_band.presses()] == ["1", "2", "3"]

    def test_it_is_confirmed(self, in_band: Rig) -> None:
        in_band.secure(MUTED)
        assert told(in_band) == m.SecureChanged(call=CALL, secure=True, hold_frames=1, muted=True)

    def test_the_caller_hears_the_agent_all_the_same(self, in_band: Rig) -> None:
        in_band.secure(MUTED)
        sound = murmur(3200)
        in_band.play(sound, in_band.agent)
        assert same(in_band.caller.sound(), sound) > 0.99

    def test_the_caller_is_heard_again_when_told_so_and_keys_stay_masked(
        self, in_band: Rig
    ) -> None:
        in_band.secure(MUTED)
        in_band.play(murmur(1600))
        in_band.secure()
        assert told(in_band) == m.SecureChanged(call=CALL, secure=True, hold_frames=1)
        assert lateness(in_band) == 1
        in_band.play(pressed("45"))
        assert read_digits(in_band.agent.sound()) == []

    @pytest.mark.parametrize("after", [MUTED, LineMasking()])
    def test_a_change_in_the_middle_of_a_key_leaves_it_one_press_and_masked(
        self, in_band: Rig, after: LineMasking
    ) -> None:
        in_band.secure(LineMasking(muted=not after.muted))
        key = tone("5", 6 * FRAME)
        in_band.play(np.concatenate([np.zeros(1600, np.int16), key[: 2 * FRAME]]))
        in_band.secure(after)
        in_band.play(np.concatenate([key[2 * FRAME :], np.zeros(1600, np.int16)]))
        assert len(beeps(in_band)) == 1
        assert [key for key, _ in in_band.presses()] == ["5"]

    def test_opening_ends_it(self, in_band: Rig) -> None:
        in_band.secure(MUTED)
        in_band.secure(secure=False)
        in_band.play(murmur(1600))
        assert told(in_band) == m.SecureChanged(call=CALL, secure=False)
        assert lateness(in_band) == 0

    def test_what_is_muted_is_counted_apart_from_what_the_gate_masks(self, in_band: Rig) -> None:
        in_band.play(murmur(800))
        in_band.secure(MUTED)
        in_band.play(murmur(1600))
        in_band.calls.handle(m.CloseCall(call=CALL))
        (counted,) = [r for r in in_band.reports if isinstance(r, m.SecureSpanCounted)]
        assert (counted.frames_passed, counted.frames_masked, counted.frames_muted) == (0, 10, 9)
        assert counted.highest_passed_score is None


class TestEvenBeeps:
    def test_beeps_come_a_second_apart_whatever_the_rhythm(self, in_band: Rig) -> None:
        in_band.secure(EVEN)
        rhythm = (0.2, 0.9, 0.3, 0.15, 0.7, 0.25)
        parts = [np.zeros(1600, np.int16)]
        for key, pause_s in zip("159046", rhythm, strict=True):
            parts += [tone(key, 480), murmur(round(pause_s * 8000))]
        in_band.play(np.concatenate([*parts, murmur(5 * 8000)]))
        assert np.diff(beeps(in_band)).tolist() == [50] * 5

    def test_who_waits_longer_is_heard_on_the_next_full_second(self, in_band: Rig) -> None:
        in_band.secure(EVEN)
        parts = [np.zeros(1600, np.int16)]
        for key, pause_s in (("1", 2.3), ("2", 1.4), ("3", 3.0)):
            parts += [tone(key, 480), murmur(round(pause_s * 8000))]
        in_band.play(np.concatenate(parts))
        assert np.diff(beeps(in_band)).tolist() == [150, 50]

    def test_a_card_keyed_as_fast_as_can_be_is_beeped_to_the_end(self, in_band: Rig) -> None:
        in_band.secure(EVEN)
        in_band.play(np.concatenate([pressed("4111111111111111", 400, 400), murmur(17 * 8000)]))
        assert np.diff(beeps(in_band)).tolist() == [50] * 15

    def test_beeps_that_wait_do_not_hold_up_the_opening(self, in_band: Rig) -> None:
        in_band.secure(EVEN)
        in_band.play(pressed("12345", 480, 480))
        in_band.secure(secure=False)
        in_band.play(murmur(1600))
        assert told(in_band) == m.SecureChanged(call=CALL, secure=False)
        in_band.agent.heard.clear()
        in_band.play(np.zeros(16_000, np.int16))
        assert beeps(in_band) == []

    def test_a_caller_without_sound_is_beeped_evenly_too(self, by_events: Rig) -> None:
        by_events.secure(EVEN)
        by_events.play(murmur(800))
        by_events.agent.heard.clear()
        for key in "123":
            press_by_event(by_events, key)
        for _ in range(200):
            by_events.tick()
            by_events.agent.listen()
        assert len(by_events.agent.heard) == 3 * 4
        assert len(beeps(by_events)) == 3
