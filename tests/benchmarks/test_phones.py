"""Packets are what a phone and a network would make of sound and keys; calls carry them."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.phones import Keys, Network, stubs, traffic
from benchmarks.secure_calls import TELEPHONE_EVENT, SecureCalls, Traffic, masked_frames
from benchmarks.signals import FRAME, Keying, Pcm, coded, samples_of_ms, white_noise
from bridge.media.line_masking import PLAIN_MASKING, LineMasking
from bridge.rtp.packet import RtpPacket
from bridge.rtp.telephone_event import TelephoneEvent

_KEYED = Keying(keys=lambda _: "159", on_ms=(100, 100), off_ms=(300, 300), lead_ms=(100, 100)).play(
    np.random.default_rng(2)
)
_PCM = coded(_KEYED.signal)
_PLAIN = Network()


def _traffic(keys: Keys = Keys.IN_BAND, network: Network = _PLAIN) -> Traffic:
    return traffic(
        _PCM,
        _KEYED.presses,
        codec="PCMU",
        keys=keys,
        network=network,
        rng=np.random.default_rng(2),
    )


def _sequence(sent: Traffic) -> list[int]:
    numbers = [RtpPacket.parse(arrival.packet).sequence_number for arrival in sent.arrivals]
    return [(number - numbers[0] + 100) % 2**16 - 100 for number in numbers]


@pytest.mark.parametrize("packet_ms", [10, 20, 30, 40, 60])
def test_packets_hold_the_packet_time(packet_ms: int) -> None:
    packets = [
        RtpPacket.parse(a.packet) for a in _traffic(network=Network(packet_ms=packet_ms)).arrivals
    ]
    assert {len(packet.payload) for packet in packets} == {samples_of_ms(packet_ms)}
    steps = {
        (b.timestamp - a.timestamp) % 2**32 for a, b in zip(packets, packets[1:], strict=False)
    }
    assert steps == {samples_of_ms(packet_ms)}


def test_loss_leaves_gaps_in_the_sequence_numbers() -> None:
    numbers = _sequence(_traffic(network=Network(lost=0.2)))
    assert numbers == sorted(numbers)
    assert len(numbers) < numbers[-1] + 1


@pytest.mark.parametrize("network", [Network(swapped=0.2), Network(late=0.2)])
def test_disorder_loses_nothing(network: Network) -> None:
    numbers = _sequence(_traffic(network=network))
    assert numbers != sorted(numbers)
    assert sorted(numbers) == _sequence(_traffic())


def test_events_tell_each_press_and_end_three_times() -> None:
    packets = [RtpPacket.parse(arrival.packet) for arrival in _traffic(Keys.BOTH).arrivals]
    events = [p for p in packets if p.payload_type == TELEPHONE_EVENT]
    ends = [TelephoneEvent.parse(p.payload) for p in events if TelephoneEvent.parse(p.payload).end]
    assert [event.event for event in ends] == [1, 1, 1, 5, 5, 5, 9, 9, 9]
    assert sum(packet.marker for packet in events) == 3


def test_a_gateway_leaks_only_the_start_of_a_tone() -> None:
    leaked, told = stubs(replace(_KEYED, signal=_KEYED.signal.copy()), np.random.default_rng(2))
    for press, event in zip(_KEYED.presses, told, strict=True):
        assert samples_of_ms(10) <= event.start - press.start <= samples_of_ms(40)
        assert leaked[press.start : event.start].any()
        assert not leaked[event.start : press.end].any()


def _carry(pcm: Pcm, masking: LineMasking | None) -> Pcm:
    sent = traffic(
        pcm,
        (),
        codec="PCMU",
        keys=Keys.IN_BAND,
        network=Network(),
        rng=np.random.default_rng(2),
    )
    with SecureCalls(1, masking=masking) as calls:
        return calls.run([sent], len(pcm) + 4 * FRAME)[0].audio


def test_noise_passes_a_secure_call_one_frame_later_than_an_open_one() -> None:
    noise = coded(white_noise(50 * FRAME, -40, np.random.default_rng(2)))
    assert not masked_frames(noise, _carry(noise, None), FRAME).any()
    held = masked_frames(noise, _carry(noise, PLAIN_MASKING), 2 * FRAME)
    assert not held[1:-1].any(), "what a stream begins with is masked"
    assert held[-1], "the last frame waits for the one after it"


@pytest.mark.parametrize("keys", list(Keys))
def test_every_way_of_keying_is_told_once(keys: Keys) -> None:
    played, told = _KEYED, list(_KEYED.presses)
    if keys is Keys.EVENTS_AND_STUB:
        signal, told = stubs(played, np.random.default_rng(2))
        played = replace(played, signal=signal)
    sent = traffic(
        coded(played.signal),
        told,
        codec="PCMU",
        keys=keys,
        network=Network(),
        rng=np.random.default_rng(2),
    )
    with SecureCalls(1, events=keys in (Keys.BOTH, Keys.EVENTS_AND_STUB)) as calls:
        (side,) = calls.run([sent], len(_PCM) + 20 * FRAME)
    assert side.keys == "159"
