"""A tick that begins too late: what it finds is read for keys, and not sent to anybody."""

from collections.abc import Iterator

import numpy as np
import pytest

from bridge.media import messages as m
from tests.bridge.media.call_rig import FRAME, Rig, frames, murmur, pressed


@pytest.fixture
def rig() -> Iterator[Rig]:
    rig = Rig()
    yield rig
    rig.close()


def test_a_tick_that_follows_after_several_packet_times_takes_as_many_packets(rig: Rig) -> None:
    rig.play(murmur(5 * FRAME))
    rig.agent.listen()
    for frame in frames(murmur(6 * FRAME)):
        rig.caller.send(rig.caller.frame(frame))
    rig.calls.path.now += 0.062
    rig.calls.intake.drain()
    assert len(rig.agent.listen()) == 4
    rig.calls.path.now += 0.005
    rig.calls.intake.drain()
    assert len(rig.agent.listen()) == 1, "in a usual tick it is one"


def test_nothing_of_an_open_call_is_sent(rig: Rig) -> None:
    rig.play(murmur(5 * FRAME))
    before = len(rig.agent.heard)
    assert before > 0
    rig.calls.path.withholds = True
    rig.play(murmur(5 * FRAME))
    rig.play(murmur(5 * FRAME), rig.agent)
    assert len(rig.agent.heard) == before
    assert rig.caller.heard == []


def test_keys_of_a_secure_call_are_read_and_nothing_is_sent(rig: Rig) -> None:
    rig.play(murmur(5 * FRAME))
    rig.secure()
    before = len(rig.agent.heard)
    rig.calls.path.withholds = True
    rig.play(pressed("159#"))
    assert [key for key, _ in rig.presses()] == list("159#")
    assert len(rig.agent.heard) == before


def test_the_sound_and_the_beeps_follow_when_ticks_are_in_time_again(rig: Rig) -> None:
    rig.play(murmur(5 * FRAME))
    rig.secure()
    rig.calls.path.withholds = True
    rig.play(pressed("1"))
    rig.calls.path.withholds = False
    before = len(rig.agent.heard)
    rig.play(np.zeros(30 * FRAME, np.int16))
    assert len(rig.agent.heard) > before
    assert np.abs(rig.agent.sound()[before * FRAME :]).max() > 1000, "the beep of the press"


def test_what_was_withheld_is_no_sound_that_passed_in_evidence(rig: Rig) -> None:
    rig.play(murmur(5 * FRAME))
    rig.secure()
    rig.calls.path.withholds = True
    rig.play(murmur(20 * FRAME))
    totals = rig.calls.path.lines.totals(0)
    assert totals.frames_passed == 0
    assert totals.frames_masked == 20


def test_an_overloaded_worker_takes_no_new_call_and_keeps_those_it_has(rig: Rig) -> None:
    rig.calls.overloaded = True
    rig.calls.handle(m.OpenCall(call=m.CallId("call-2")))
    (refused,) = [report for report in rig.reports if isinstance(report, m.CallRefused)]
    assert refused == m.CallRefused(
        call=m.CallId("call-2"), reason="the media worker is overloaded"
    )
    rig.play(murmur(5 * FRAME))
    assert rig.agent.heard
