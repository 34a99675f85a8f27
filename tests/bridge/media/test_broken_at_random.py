"""Invariant: whatever becomes of the caller's packets while the call is secure, the agent gets silence and beeps.

The caller sends nothing but tones and silence here, so every other sample that comes out is a piece of a tone.
"""

import random
from collections.abc import Callable

import numpy as np
import pytest

from bridge.media.line_masking import LineMasking
from bridge.media.messages import Leg
from bridge.rtp.g711 import decode, encode
from bridge.rtp.packet import RtpPacket
from bridge.rtp.telephone_event import TelephoneEvent
from dtmf.tones import beep, tone
from tests.bridge.media.call_rig import FRAME, Pcm, Phone, Rig, frames

SEEDS = range(100)
KEYS_A_CALL = 4
BREAKS = 0.35
"Of the packets: enough that most tones meet several breaks."

SILENCE = 8
"PCMA has no zero: its silence is +-8."

_BEEPS = [decode(encode(frame, "PCMU"), "PCMU") for frame in frames(beep())]


class BadLine:
    """Sends the caller's frames as a bad line does."""

    def __init__(self, rig: Rig, chance: random.Random) -> None:
        self._rig, self._chance = rig, chance
        self._breaks: list[Callable[[RtpPacket], None]] = [
            self._lost,
            self._burst_lost,
            self._doubled_and_late,
            self._new_stream,
            self._codec_changed,
            self._held_and_resumed,
            self._beside_an_event,
            self._beside_a_foreign_payload,
            self._opening_called_off,
            self._masked_otherwise,
            self._events_agreed_on_or_not,
        ]

    def send(self, frame: Pcm) -> None:
        """Send one frame, or break something."""
        packet = self._rig.caller.frame(frame)
        if self._chance.random() < BREAKS:
            self._chance.choice(self._breaks)(packet)
        else:
            self._rig.caller.send(packet)
        self._rig.tick(self._chance.choice([0.005, 0.02, 0.04]))

    def _lost(self, packet: RtpPacket) -> None:
        pass

    def _burst_lost(self, packet: RtpPacket) -> None:
        self._rig.caller.skip(self._chance.randrange(1, 9))

    def _doubled_and_late(self, packet: RtpPacket) -> None:
        self._rig.tick()
        self._rig.caller.send(packet)
        self._rig.caller.send(packet)

    def _new_stream(self, packet: RtpPacket) -> None:
        caller, chance = self._rig.caller, self._chance
        caller.ssrc, caller.timestamp = chance.randrange(2**32), chance.randrange(2**32)
        caller.sequence_number = chance.randrange(2**16)
        caller.send(packet)

    def _codec_changed(self, packet: RtpPacket) -> None:
        self._rig.caller.codec = "PCMA" if self._rig.caller.codec == "PCMU" else "PCMU"
        self._rig.describe(Leg.CALLER, self._rig.caller)
        self._rig.caller.send(packet)

    def _held_and_resumed(self, packet: RtpPacket) -> None:
        self._rig.describe(Leg.CALLER, self._rig.caller, receive=False)
        self._rig.caller.send(packet)
        self._rig.tick()
        self._rig.describe(Leg.CALLER, self._rig.caller)

    def _beside_an_event(self, packet: RtpPacket) -> None:
        event = TelephoneEvent(event=5, end=True, volume=10, duration_samples=FRAME)
        self._rig.caller.send(
            self._rig.caller.event(bytes(event), packet.timestamp, payload_type=101)
        )
        self._rig.caller.send(packet)

    def _beside_a_foreign_payload(self, packet: RtpPacket) -> None:
        self._rig.caller.send(self._rig.caller.frame(packet_sound(packet), payload_type=18))
        self._rig.caller.send(packet)

    def _opening_called_off(self, packet: RtpPacket) -> None:
        self._rig.secure(secure=False)
        self._rig.secure(any_masking(self._chance))
        self._rig.caller.send(packet)

    def _masked_otherwise(self, packet: RtpPacket) -> None:
        self._rig.secure(any_masking(self._chance))
        self._rig.caller.send(packet)

    def _events_agreed_on_or_not(self, packet: RtpPacket) -> None:
        self._rig.caller.telephone_event = self._chance.choice([-1, 101])
        self._rig.describe(Leg.CALLER, self._rig.caller)
        self._rig.caller.send(packet)


def any_masking(chance: random.Random) -> LineMasking:
    return LineMasking(
        hold_frames=chance.choice([1, 2]),
        muted=chance.random() < 0.3,
        even_beeps=chance.random() < 0.3,
    )


def packet_sound(packet: RtpPacket) -> Pcm:
    return decode(packet.payload, "PCMU")


def is_silence_or_beep(packet: RtpPacket) -> bool:
    if packet.payload_type != 0:
        return False
    sound = packet_sound(packet)
    return np.abs(sound).max() <= SILENCE or any(np.array_equal(sound, part) for part in _BEEPS)


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_but_silence_and_beeps_comes_out(seed: int) -> None:
    chance = random.Random(seed)
    rig = Rig(caller=Phone(telephone_event=chance.choice([-1, 101])))
    rig.secure(any_masking(chance))
    rig.play(np.zeros(5 * FRAME, np.int16))
    line = BadLine(rig, chance)
    for _ in range(KEYS_A_CALL):
        key, level = chance.choice("0123456789*#"), chance.choice([1.0, 0.5, 0.1, 0.03])
        parts = [np.zeros(chance.randrange(FRAME), np.int16), tone(key, chance.randrange(320, 960))]
        sound = np.concatenate([*parts, np.zeros(chance.randrange(320, 1200), np.int16)])
        size = chance.choice([80, FRAME, FRAME, 240, 480])
        for at in range(0, len(sound) - size + 1, size):
            line.send((level * sound[at : at + size]).astype(np.int16))
            rig.agent.listen()
    leaked = [packet for packet in rig.agent.heard if not is_silence_or_beep(packet)]
    rig.close()
    assert len(rig.agent.heard) > KEYS_A_CALL
    assert not leaked
