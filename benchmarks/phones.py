"""How a caller's phone and network put sound and keys into packets: packet time, loss, order, RFC 4733, SIP INFO."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from numpy.random import Generator

from benchmarks.secure_calls import TELEPHONE_EVENT, Arrival, Info, Traffic
from benchmarks.signals import FRAME, RATE_HZ, Keyed, Pcm, Press, Signal, samples_of_ms
from bridge.rtp.g711 import encode
from bridge.rtp.packet import RtpPacket
from bridge.rtp.telephone_event import TelephoneEvent
from dtmf.keys import EVENT_KEYS

_EVENT_EVERY: Final = FRAME
"An update of an event each 20 ms."

_END_COPIES: Final = 3
"RFC 4733 section 2.5.1.4: the last packet is sent three times."


class Keys(StrEnum):
    """How keys travel."""

    IN_BAND = "in-band"
    BOTH = "in-band and RFC 4733 at once"
    EVENTS_AND_STUB = "RFC 4733, with the start of the tone before it"
    INFO_AND_IN_BAND = "SIP INFO and in-band"


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """What happens to packets."""

    packet_ms: int = 20
    lost: float = 0.0
    "Share of packets that never arrive."
    swapped: float = 0.0
    "Share of packets that arrive right after the next one."
    late: float = 0.0
    "Share of packets that arrive 40 ms late, after two others."
    late_ms: int = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class _Planned:
    """A packet before it has a sequence number."""

    at: int
    timestamp: int
    payload: bytes
    is_event: bool = False
    marker: bool = False


def stubs(
    keyed: Keyed, rng: Generator, stub_ms: tuple[float, float] = (10, 40)
) -> tuple[Signal, list[Press]]:
    """Return what a gateway leaks of the tones: their first `stub_ms`, before it has recognised them.

    The presses returned begin where the gateway's events begin.
    """
    signal = keyed.signal.copy()
    told = []
    for press in keyed.presses:
        seen = min(press.start + samples_of_ms(rng.uniform(*stub_ms)), press.end - 1)
        signal[seen : press.end] = 0
        told.append(Press(key=press.key, start=seen, end=press.end))
    return signal, told


def traffic(
    pcm: Pcm,
    presses: Sequence[Press],
    *,
    codec: str,
    keys: Keys,
    network: Network,
    rng: Generator,
) -> Traffic:
    """Return all that the phone sends of `pcm`; `presses` are those that it tells besides."""
    planned = _audio(pcm, codec, network.packet_ms)
    if keys is Keys.EVENTS_AND_STUB:
        planned = [packet for packet in planned if not _inside(packet, presses)]
    if keys in (Keys.BOTH, Keys.EVENTS_AND_STUB):
        planned += [packet for press in presses for packet in _events(press)]
    planned.sort(key=lambda packet: packet.at)
    infos = [_info(press, rng) for press in presses] if keys is Keys.INFO_AND_IN_BAND else []
    return Traffic(arrivals=_sent(planned, codec, network, rng), infos=infos)


def _audio(pcm: Pcm, codec: str, packet_ms: int) -> list[_Planned]:
    """Return whole packets of sound, each sent when its last sample is there."""
    size = samples_of_ms(packet_ms)
    return [
        _Planned(at=start + size, timestamp=start, payload=encode(pcm[start : start + size], codec))
        for start in range(0, len(pcm) - size + 1, size)
    ]


def _inside(packet: _Planned, presses: Sequence[Press]) -> bool:
    """Return whether a gateway would send events in place of this packet."""
    return any(press.start <= packet.timestamp < press.end for press in presses)


def _events(press: Press) -> list[_Planned]:
    """Return the packets of one telephone event."""
    length = press.end - press.start
    updates = [*range(_EVENT_EVERY, length, _EVENT_EVERY), *([length] * _END_COPIES)]
    return [
        _Planned(
            at=press.start + duration,
            timestamp=press.start,
            payload=bytes(
                TelephoneEvent(
                    event=EVENT_KEYS.index(press.key),
                    end=duration == length,
                    volume=10,
                    duration_samples=duration,
                )
            ),
            is_event=True,
            marker=number == 0,
        )
        for number, duration in enumerate(updates)
    ]


def _info(press: Press, rng: Generator) -> Info:
    """Return the request: sent at the press by some phones, at the release by others; 20 to 120 ms on the way."""
    sent = press.start if rng.random() < 0.5 else press.end
    duration_ms = round((press.end - press.start) * 1000 / RATE_HZ)
    return Info(
        at=sent + samples_of_ms(rng.uniform(20, 120)), key=press.key, duration_ms=duration_ms
    )


def _sent(
    planned: Sequence[_Planned], codec: str, network: Network, rng: Generator
) -> list[Arrival]:
    """Number the packets and let the network have its way with them."""
    payload_type = {"PCMU": 0, "PCMA": 8}[codec]
    first, step = int(rng.integers(0, 2**16)), samples_of_ms(network.packet_ms)
    ssrc, origin = int(rng.integers(1, 2**32)), int(rng.integers(0, 2**32))
    arrivals = []
    for number, packet in enumerate(planned):
        chance = float(rng.random())
        if number and chance < network.lost:
            continue
        delay = 0
        if number and chance < network.lost + network.swapped:
            delay = step + 1
        elif number and chance < network.lost + network.swapped + network.late:
            delay = samples_of_ms(network.late_ms) + 1
        wire = RtpPacket(
            payload_type=TELEPHONE_EVENT if packet.is_event else payload_type,
            sequence_number=(first + number) & 0xFFFF,
            timestamp=(origin + packet.timestamp) & 0xFFFFFFFF,
            ssrc=ssrc,
            payload=packet.payload,
            marker=packet.marker,
        )
        arrivals.append(Arrival(at=packet.at + delay, packet=bytes(wire)))
    return sorted(arrivals, key=lambda arrival: arrival.at)
