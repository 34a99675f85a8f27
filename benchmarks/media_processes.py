"""Processes under measurement: on which core they run, what they spend, what they hold."""

import os
import resource
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.rows import NotAvailableError

_PROCESSOR_TIME: Final = 2
"CPUCLOCK_SCHED of clock_getcpuclockid(3): what the scheduler gave to all threads, in nanoseconds."


def cores() -> list[int]:
    """Return the cores that we may use; raise NotAvailableError where there are less than two."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        raise NotAvailableError("load and relay need a core each, and there is only one")
    return allowed


@contextmanager
def confined(core: int) -> Iterator[None]:
    """Keep this process, and what it starts, on one core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def pin(pid: int, core: int) -> None:
    """Move every thread of a process to `core`."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        os.sched_setaffinity(int(thread), {core})


def prefer(pid: int) -> bool:
    """Let a process run before all others of its core, ours included; return False where we may not (only root may).

    A negative nice value would not do: with sched_autogroup it counts only among processes of one session.
    """
    try:
        os.sched_setscheduler(pid, os.SCHED_FIFO, os.sched_param(1))
    except PermissionError:
        return False
    return True


def spent_s(pids: Sequence[int]) -> float:
    """Return the processor time of the processes so far; raise NotAvailableError where one has ended."""
    try:
        return sum(time.clock_gettime(~pid << 3 | _PROCESSOR_TIME) for pid in pids)
    except OSError:
        raise NotAvailableError("a process has ended while it was measured") from None


def waited_s(pids: Sequence[int]) -> float:
    """Return how long the processes were ready to run while something else had their core."""
    threads = (thread for pid in pids for thread in Path(f"/proc/{pid}/task").iterdir())
    return sum(int((thread / "schedstat").read_text().split()[1]) for thread in threads) / 1e9


def resident_bytes(pid: int) -> int:
    """Return the resident memory of a process; the kernel's socket buffers are not in it."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def descriptors(pid: int) -> int:
    """Return how many files a process has open; raise PermissionError where we may not look."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def allow_descriptors(wanted: int) -> None:
    """Raise the limit of open files, which workers inherit; raise NotAvailableError where `wanted` are too many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise NotAvailableError(f"{wanted} open files are needed, {hard} are allowed (ulimit -Hn)")
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
