"""What processes spend and hold is read as the kernel tells it."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks import media_processes
from benchmarks.rows import NotAvailableError


def test_processor_time_is_the_process_s_own() -> None:
    before, told_before = time.process_time(), media_processes.spent_s([os.getpid()])
    while time.process_time() - before < 0.05:
        sum(range(1000))
    spent, told = time.process_time() - before, media_processes.spent_s([os.getpid()]) - told_before
    assert told == pytest.approx(spent, abs=0.02)


def test_processor_time_of_several_is_added_up() -> None:
    one = media_processes.spent_s([os.getpid()])
    assert media_processes.spent_s([os.getpid()] * 2) >= 2 * one


def test_who_shares_a_core_waits_for_it() -> None:
    core = min(os.sched_getaffinity(0))
    busy = [sys.executable, "-c", "while True: pass"]
    with subprocess.Popen(busy) as one, subprocess.Popen(busy) as other:
        pids = [one.pid, other.pid]
        for pid in pids:
            media_processes.pin(pid, core)
        while media_processes.spent_s(pids) < 0.2:
            pass
        assert media_processes.waited_s(pids) > 0.05
        one.kill()
        other.kill()


def test_memory_that_is_touched_shows() -> None:
    before = media_processes.resident_bytes(os.getpid())
    block = bytearray(os.urandom(1)) * (32 << 20)
    assert media_processes.resident_bytes(os.getpid()) - before > 24 << 20
    del block


def test_an_open_file_shows(tmp_path: Path) -> None:
    before = media_processes.descriptors(os.getpid())
    with (tmp_path / "file").open("w"):
        assert media_processes.descriptors(os.getpid()) == before + 1


def test_a_process_is_confined_and_let_go_again() -> None:
    before = os.sched_getaffinity(0)
    with media_processes.confined(min(before)):
        assert os.sched_getaffinity(0) == {min(before)}
        with pytest.raises(NotAvailableError, match="core"):
            media_processes.cores()
    assert os.sched_getaffinity(0) == before


def test_another_process_is_pinned() -> None:
    core = max(os.sched_getaffinity(0))
    with subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        media_processes.pin(process.pid, core)
        assert os.sched_getaffinity(process.pid) == {core}
        process.kill()


def test_a_process_is_preferred_where_we_may() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        preferred = media_processes.prefer(process.pid)
        assert (os.sched_getscheduler(process.pid) == os.SCHED_FIFO) is preferred
        process.kill()


def test_more_open_files_than_are_allowed_are_not_available() -> None:
    with pytest.raises(NotAvailableError, match="ulimit"):
        media_processes.allow_descriptors(1 << 40)
