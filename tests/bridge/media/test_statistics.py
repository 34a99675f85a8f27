"""What a worker counts over all its calls: right at once, and never less later."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Final

import pytest

from bridge.media import messages as m
from bridge.media.statistics import LoopTotals, WorkerStatistics
from tests.bridge.media.call_rig import CALL, FRAME, Rig, murmur, pressed

LOOP: Final = LoopTotals(
    cpu_s=1.5, late_ticks=2, withheld_ticks=1, tick_counts=(3, 4), tick_total_s=0.25
)
GAUGES: Final = {"calls", "secure_calls", "ports_in_use", "ports", "jitter_s"}
TOTALS: Final = [item.name for item in fields(WorkerStatistics) if item.name not in GAUGES]


@pytest.fixture
def rig() -> Iterator[Rig]:
    rig = Rig()
    yield rig
    rig.close()


def counted(rig: Rig) -> WorkerStatistics:
    return rig.calls.statistics(LOOP)


def test_a_worker_without_a_packet_has_counted_nothing(rig: Rig) -> None:
    told = counted(rig)
    assert (told.calls, told.secure_calls, told.ports_in_use) == (1, 0, 4)
    assert told.ports == 16384
    assert {name: getattr(told, name) for name in TOTALS if getattr(told, name)} == {
        "cpu_s": 1.5,
        "late_ticks": 2,
        "withheld_ticks": 1,
        "tick_counts": (3, 4),
        "tick_total_s": 0.25,
    }


def test_packets_are_counted_each_by_what_became_of_it(rig: Rig) -> None:
    rig.play(murmur(10 * FRAME))
    rig.caller.skip(2)
    rig.play(murmur(5 * FRAME))
    late = rig.caller.frame(murmur(FRAME))
    for _ in range(2):
        rig.caller.send(late)
        rig.tick()
    rig.caller.send(b"no RTP at all")
    rig.caller.send(rig.caller.frame(murmur(FRAME), payload_type=96))
    rig.tick()
    told = counted(rig)
    assert (told.packets_missed, told.packets_late) == (2, 1)
    assert (told.packets_malformed, told.packets_foreign) == (1, 1)
    assert told.packets_sent == 16
    assert told.packets_received >= 16


def test_a_secured_call_is_counted_with_its_frames_and_presses(rig: Rig) -> None:
    rig.play(murmur(5 * FRAME))
    rig.secure()
    rig.play(pressed("415"))
    told = counted(rig)
    assert (told.calls, told.secure_calls) == (1, 1)
    assert (told.presses_in_band, told.presses_rfc4733, told.presses_sip_info) == (3, 0, 0)
    assert told.frames_masked + told.frames_passed == len(pressed("415")) // FRAME
    assert told.frames_masked >= 15


def test_no_total_falls_when_calls_end_and_others_take_their_slots(rig: Rig) -> None:
    before = counted(rig)
    rig.play(murmur(5 * FRAME))
    rig.caller.skip(1)
    rig.secure()
    rig.play(pressed("4"))
    during = counted(rig)
    rig.calls.handle(m.CloseCall(call=CALL))
    for number in range(9):  # more than there are slots
        name = m.CallId(f"next-{number}")
        rig.calls.handle(m.OpenCall(call=name))
        after = counted(rig)
        for name_of in TOTALS:
            assert getattr(before, name_of) <= getattr(during, name_of) <= getattr(after, name_of)
        rig.calls.handle(m.CloseCall(call=name))
    assert (after.packets_missed, after.presses_in_band) == (1, 1)
    assert after.packets_received == during.packets_received
    assert (counted(rig).calls, counted(rig).secure_calls) == (0, 0)


def test_ports_rest_before_they_are_free(rig: Rig) -> None:
    rig.calls.handle(m.CloseCall(call=CALL))
    assert counted(rig).ports_in_use == 4
    rig.tick(10.0)
    assert counted(rig).ports_in_use == 0
