"""What the gate lets out where the caller's stream breaks off, starts anew or moves while the call is secure."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from bridge.media import messages as m
from bridge.media.latching import FORMER_SOURCE_S
from bridge.media.masking import EVENT_MASK_FRAMES, SUSPICION_LIMIT_S
from bridge.media.streams import MAX_BRIDGED_FRAMES
from bridge.rtp.telephone_event import TelephoneEvent
from dtmf.tones import tone
from tests.bridge.media.call_rig import CALL, FRAME, Pcm, Phone, Rig, murmur, pressed

STUB: Pcm = np.concatenate([tone("5", 64), np.zeros(FRAME - 64, np.int16)])
"A frame with the last 8 ms of a tone: too little to be evidence by itself."


@pytest.fixture
def rig() -> Iterator[Rig]:
    rig = Rig()
    rig.secure()
    rig.play(murmur(1600))
    yield rig
    rig.close()


@pytest.fixture
def elsewhere(rig: Rig) -> Iterator[Phone]:
    """Another place that packets of the caller may come from."""
    phone = Phone()
    phone.to, phone.ssrc = rig.caller.to, 0xEFEF
    yield phone
    phone.sock.close()


def restart(phone: Phone) -> None:
    phone.ssrc, phone.timestamp, phone.sequence_number = phone.ssrc + 1, 5, 7


def lose_too_much(phone: Phone) -> None:
    phone.skip(MAX_BRIDGED_FRAMES + 1)


def loudest(sound: Pcm) -> int:
    return int(np.abs(sound.astype(int)).max(initial=0))


def held_event(rig: Rig, key: int, packets: int) -> None:
    """A key that is held down: events and, beside them, sound (as from some gateways)."""
    start = rig.caller.timestamp
    for number in range(packets):
        event = TelephoneEvent(
            event=key, end=False, volume=10, duration_samples=min(FRAME * (number + 1), 0xFFFF)
        )
        rig.caller.send(rig.caller.event(bytes(event), start))
        rig.play(murmur(FRAME))


class TestNewStream:
    @pytest.mark.parametrize("breaks", [restart, lose_too_much])
    def test_the_end_of_a_tone_that_begins_it_is_masked(
        self, rig: Rig, breaks: Callable[[Phone], None]
    ) -> None:
        rig.play(tone("5", 1600))
        rig.play(np.zeros(20 * FRAME, np.int16))  # its beep
        rig.agent.heard.clear()
        breaks(rig.caller)
        rig.play(np.concatenate([STUB, np.zeros(10 * FRAME, np.int16)]))
        assert loudest(rig.agent.sound()) < 100

    def test_sound_after_an_event_is_masked_as_long_as_without_it(self, rig: Rig) -> None:
        """Phones send no sound during an event, so their stream has a hole behind it."""
        event = TelephoneEvent(event=5, end=True, volume=10, duration_samples=8 * FRAME)
        rig.caller.send(rig.caller.event(bytes(event), rig.caller.timestamp))
        rig.tick()
        rig.caller.timestamp += 8 * FRAME
        rig.calls.path.fillers.beeper.reset(0)  # a beep would hide what is masked
        rig.agent.heard.clear()
        rig.play(np.concatenate([STUB] * EVENT_MASK_FRAMES + [np.zeros(FRAME, np.int16)]))
        assert loudest(rig.agent.sound()) < 100

    def test_a_re_invite_voids_what_was_held_before_the_hold(self, rig: Rig) -> None:
        rig.play(STUB[::-1])
        rig.describe(m.Leg.CALLER, rig.caller, receive=False)
        rig.play(tone("5", 800))
        rig.describe(m.Leg.CALLER, rig.caller)
        rig.agent.heard.clear()
        rig.play(np.zeros(4 * FRAME, np.int16))
        assert loudest(rig.agent.sound()) < 100

    @pytest.mark.parametrize("lost_at", range(8))
    def test_a_lost_packet_of_10_ms_is_unknown_not_left_out(self, rig: Rig, lost_at: int) -> None:
        sound = np.concatenate([murmur(800), tone("5", 800), murmur(1600)])
        for index, at in enumerate(range(0, len(sound), 80)):
            packet = rig.caller.frame(sound[at : at + 80])
            if index != 10 + lost_at:
                rig.caller.send(packet)
            rig.tick(0.01)
        assert [key for key, _ in rig.presses()] == ["5"]


class TestOpening:
    def test_the_gate_stays_shut_as_long_as_events_come(self, rig: Rig) -> None:
        rig.secure(secure=False)
        held_event(rig, 5, int((SUSPICION_LIMIT_S + 1) * 50))
        assert m.SecureChanged(call=CALL, secure=False) not in rig.reports
        rig.play(murmur(1600))
        assert rig.reports[-1] == m.SecureChanged(call=CALL, secure=False)
        assert {packet.payload_type for packet in rig.agent.heard} == {0}


class TestMovedPhone:
    def test_packets_from_where_it_was_do_not_latch_the_leg_back(
        self, rig: Rig, elsewhere: Phone
    ) -> None:
        """The answer to its re-INVITE has not reached the phone yet: it still sends from its old port."""
        rig.describe(m.Leg.CALLER, elsewhere)
        rig.play(murmur(800))
        rig.play(pressed("7"), elsewhere)
        rig.play(murmur(800), rig.agent)
        assert [key for key, _ in rig.presses()] == ["7"]
        assert elsewhere.listen()

    def test_a_phone_that_stays_where_it_was_is_latched_again_soon(
        self, rig: Rig, elsewhere: Phone
    ) -> None:
        """Behind a NAT the SDP may change where the packets come from does not."""
        rig.describe(m.Leg.CALLER, elsewhere)
        rig.tick(FORMER_SOURCE_S + 0.1)
        rig.play(pressed("7"))
        assert [key for key, _ in rig.presses()] == ["7"]

    @pytest.mark.parametrize("payload_type", [96, 101])
    def test_events_are_read_by_our_number_and_by_the_phones(self, payload_type: int) -> None:
        """We offered 101 and the phone answered 96: both are right (RFC 3264 section 5.1)."""
        rig = Rig(Phone(telephone_event=96))
        rig.secure()
        rig.play(murmur(800))
        rig.caller.telephone_event = payload_type
        held_event(rig, 7, 5)
        assert [key for key, _ in rig.presses()] == ["7"]
        rig.close()

    def test_a_press_by_events_over_a_re_invite_is_one_press(self, rig: Rig) -> None:
        held_event(rig, 7, 5)
        rig.describe(m.Leg.CALLER, rig.caller)
        rig.caller.timestamp -= 5 * FRAME
        held_event(rig, 7, 5)
        assert [key for key, _ in rig.presses()] == ["7"]
