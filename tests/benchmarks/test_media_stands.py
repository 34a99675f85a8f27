"""Relays in a contest: real gateway, real workers, real SIP; few calls for a moment, and no claim about speed.

They want two cores of their own, so that `make test` leaves them out: `make test ARGS="-m contest"`.
"""

import asyncio
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from benchmarks import media_flood, media_soak
from benchmarks.media_processes import cores
from benchmarks.media_rtpengine import PROGRAM, Value, encoded, text_in
from benchmarks.media_sound import track
from benchmarks.media_stands import Entry, Kind, Measured, contest, stand
from benchmarks.rows import OURS, Case, Outcome, answer
from tests.support.peers import require_program

_SECONDS = 1.5
_GATE_MS = 20

_ATTEMPTS = 5
_MOST_WAITED = 0.1

_SOAKED = 12
"Calls: some of them key within seconds."


def _require_machine(*programs: str) -> None:
    for program in ("cc", *programs):
        require_program(program)
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("a contest needs two cores")


async def _contest(*entries: Entry) -> list[Measured]:
    """Hold a contest, and another where something else had the cores: what is lost or late then is its doing."""
    for _ in range(_ATTEMPTS):
        found = await contest(entries, turns=1, seconds=_SECONDS, seed=1)
        if all(turn.waited < _MOST_WAITED for each in found for turn in each.turns):
            return found
    pytest.skip("something else has the cores")


def _asked(cases: Callable[[], Sequence[Case]]) -> dict[str, Outcome]:
    """Ask all rows; return the outcomes by name. What is lost meanwhile is the machine's affair."""
    return {case.row.name: answer(case) for case in cases()}


@pytest.mark.contest
async def test_secured_calls_are_carried_held_back_and_read() -> None:
    _require_machine()
    ours, floor = await _contest(Entry(calls=20), Entry(kind=Kind.FLOOR, calls=20))
    assert (ours.counts.lost, floor.counts.lost) == (0, 0)
    assert ours.keys.keyed > 0
    assert (ours.keys.missed, ours.keys.false) == (0, 0)
    assert ours.counts.from_caller.p50_ms > ours.counts.from_agent.p50_ms + _GATE_MS / 2
    assert ours.counts.from_caller.found < ours.counts.from_caller.received, "no key was masked"
    assert floor.counts.from_caller.found == floor.counts.from_caller.received
    assert ours.cost_us > floor.cost_us > 0
    assert ours.bytes_a_call > 0


@pytest.mark.contest
async def test_unsecured_calls_pass_as_they_are() -> None:
    _require_machine()
    (ours,) = await _contest(Entry(calls=20, secure=False))
    assert ours.counts.lost == 0
    assert ours.counts.from_caller.found == ours.counts.from_caller.received


@pytest.mark.contest
async def test_two_workers_share_the_calls() -> None:
    _require_machine()
    with tempfile.TemporaryDirectory() as folder:
        entry, sound = Entry(calls=4, workers=2), track(20.0, seed=1)
        async with stand(entry, Path(folder), sound, cores()) as calls:
            assert len(set(calls.relay.pids)) == 2
            turn = await calls.turn(0.5)
            assert turn.counts.lost < turn.counts.sent / 2
            assert len(calls.relay.ports) == 4


@pytest.mark.contest
@pytest.mark.peer(PROGRAM)
async def test_rtpengine_masks_the_same_calls() -> None:
    _require_machine(PROGRAM)
    (peer,) = await _contest(Entry(kind=Kind.RTPENGINE, calls=20))
    assert peer.counts.from_caller.found < peer.counts.from_caller.received, "no key was masked"
    assert peer.counts.from_caller.p50_ms > 2 * _GATE_MS
    assert peer.cost_us > 0


@pytest.mark.contest
def test_a_soak_watches_the_worker_for_as_long_as_it_is_told() -> None:
    _require_machine()
    outcomes = _asked(lambda: media_soak.cases(_SOAKED, minutes=0.06, seed=1))
    assert outcomes["memory grown"].figures[OURS].base > 0
    while_they_begin = 4 * (3 + 2 + 1)
    talked = _SOAKED * 50 * (3.6 + 2) + while_they_begin
    assert outcomes["packets lost"].figures[OURS].base == 2 * talked
    assert outcomes["keys missed"].figures[OURS].base > 0
    if os.geteuid() == 0:
        assert outcomes["descriptors"].met


@pytest.mark.contest
def test_a_flood_reaches_one_port() -> None:
    _require_machine()
    outcomes = _asked(lambda: media_flood.cases(3, seconds=0.5, seed=1))
    lost = [outcome for name, outcome in outcomes.items() if name.endswith("lost")]
    assert len(lost) == 2
    for outcome in lost:
        assert "beside 125,000 of the flood" in outcome.figures[OURS].text


def test_bencode() -> None:
    command: Mapping[str, Value] = {
        "command": "offer",
        "flags": ["a", "bc"],
        "delay-buffer": 60,
        "sdp": b"v=0",
    }
    assert encoded(command) == b"d7:command5:offer12:delay-bufferi60e5:flagsl1:a2:bce3:sdp3:v=0e"
    assert text_in(encoded(command), "sdp") == b"v=0"
    with pytest.raises(KeyError):
        text_in(encoded(command), "result")


def test_a_contest_leaves_no_task_behind() -> None:
    _require_machine()

    async def run() -> None:
        await _contest(Entry(kind=Kind.FLOOR, calls=1))
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(run())
