"""The life of one media worker process: how it starts, how it ends, what it leaves behind."""

import asyncio
import contextlib
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Final

import pytest

from bridge.media import messages as m
from bridge.media.message_codec import MAX_MESSAGE_BYTES, decode, encode
from bridge.media.report_queue import LEAST_REPORTS
from bridge.media.settings import WorkerSettings
from bridge.media.statistics import WorkerStatistics
from bridge.workers.pool import MediaPool
from bridge.workers.worker_process import WorkerProcess

SETTINGS: Final = WorkerSettings(host="127.0.0.1", first_port=0, last_port=0, calls=2)
LIMIT_S: Final = 30.0
"Longest wait for what takes under a second on an idle machine."

_GATEWAY: Final = """
import asyncio
from bridge.media.settings import WorkerSettings
from bridge.media.statistics import WorkerStatistics
from bridge.workers.worker_process import WorkerProcess

async def main():
    settings = WorkerSettings(host="127.0.0.1", first_port=0, last_port=0, calls=2)
    beat = asyncio.Event()
    worker = await WorkerProcess.start()
    worker.listen(lambda report: beat.set(), lambda: None)
    worker.begin(settings)
    await beat.wait()
    print(worker.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


class Started:
    """A worker and what it told."""

    def __init__(self, settings: WorkerSettings = SETTINGS) -> None:
        self._settings = settings
        self.reports: asyncio.Queue[m.Report] = asyncio.Queue()
        self.gone = asyncio.Event()
        self.times_gone = 0
        self.process: WorkerProcess

    async def start(self) -> None:
        """Start it, and return once its loop runs."""
        self.process = await WorkerProcess.start()
        self.process.listen(self.reports.put_nowait, self._gone)
        self.process.begin(self._settings)
        await self.told(m.Heartbeat)

    async def told(self, kind: type[m.Report]) -> m.Report:
        """Return the next report of a kind."""
        async with asyncio.timeout(LIMIT_S):
            while not isinstance(report := await self.reports.get(), kind):
                pass
        return report

    def _gone(self) -> None:
        self.times_gone += 1
        self.gone.set()


@pytest.fixture
async def started() -> AsyncIterator[Started]:
    started = Started()
    await started.start()
    yield started
    await started.process.stop()


class PidFd(AbstractContextManager["PidFd"]):
    """Any process, to wait for its end: also one that is not a child."""

    def __init__(self, pid: int) -> None:
        self._fd = os.pidfd_open(pid)

    def has_ended(self, limit_s: float = LIMIT_S) -> bool:
        """Wait for the end; return False where it does not come."""
        ready, _, _ = select.select([self._fd], [], [], limit_s)
        return bool(ready)

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)


async def test_a_call_is_opened_and_its_presses_come_back(started: Started) -> None:
    call = m.CallId("call-1")
    started.process.send(m.OpenCall(call=call))
    opened = await started.told(m.CallOpened)
    assert isinstance(opened, m.CallOpened)
    assert opened.call == call
    assert opened.caller_port != opened.agent_port


async def test_a_worker_tells_what_it_counts(started: Started) -> None:
    first = await statistics(started)
    started.process.send(m.OpenCall(call=m.CallId("call-1")))
    while (told := await statistics(started)).calls == 0:
        pass  # it was on its way before the call
    assert told.calls == 1
    assert sum(first.tick_counts) < sum(told.tick_counts)
    assert 0 < first.cpu_s <= told.cpu_s


async def statistics(started: Started) -> WorkerStatistics:
    report = await started.told(m.WorkerCounted)
    assert isinstance(report, m.WorkerCounted)
    return report.statistics


async def test_a_worker_ends_in_order_when_the_gateway_closes_its_end(started: Started) -> None:
    with PidFd(started.process.pid) as process:
        await started.process.stop()
        assert process.has_ended()
    assert started.process.returncode == 0
    assert not started.gone.is_set()


async def test_a_killed_worker_is_told_once_and_commands_to_it_are_nothing(
    started: Started,
) -> None:
    os.kill(started.process.pid, signal.SIGKILL)
    async with asyncio.timeout(LIMIT_S):
        await started.gone.wait()
    for _ in range(3):
        started.process.send(m.OpenCall(call=m.CallId("call-2")))
    await started.process.stop()
    assert started.times_gone == 1
    assert started.process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_signals_for_the_whole_service_leave_the_ending_to_the_gateway(
    started: Started, number: signal.Signals
) -> None:
    os.kill(started.process.pid, number)
    started.process.send(m.OpenCall(call=m.CallId("call-3")))
    await started.told(m.CallOpened)
    await started.process.stop()
    assert started.process.returncode == 0


async def test_a_worker_runs_on_the_cpu_that_it_was_given_and_on_no_other() -> None:
    cpu = max(os.sched_getaffinity(0))
    pinned = Started(replace(SETTINGS, cpu=cpu))
    await pinned.start()
    assert os.sched_getaffinity(pinned.process.pid) == {cpu}
    await pinned.process.stop()


def test_a_worker_that_lets_many_ports_rest_tells_meanwhile_that_it_lives() -> None:
    """It is taken for hung otherwise, as soon as it takes the place of one that had thousands."""
    resting = tuple(range(30_000, 31_200, 2))
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        ours.send(replace(SETTINGS, resting_ports=resting).to_json().encode())
        ours.shutdown(socket.SHUT_WR)  # so that its loop ends as soon as it begins
        subprocess.run(
            [sys.executable, "-m", "bridge.media"],
            stdin=theirs.fileno(),
            check=True,
            timeout=LIMIT_S,
        )
        theirs.close()
        told = []
        while data := ours.recv(MAX_MESSAGE_BYTES):
            told.append(decode(data))
    assert [type(report) for report in told] == [m.Heartbeat] * 3


async def test_an_abandoned_worker_is_killed_and_nobody_is_told(started: Started) -> None:
    os.kill(started.process.pid, signal.SIGSTOP)
    started.process.abandon()
    await started.process.stop()
    assert started.process.returncode == -signal.SIGKILL
    assert started.times_gone == 0


async def test_a_gateway_that_reads_late_gets_every_answer_and_one_that_never_does_is_left(
    started: Started,
) -> None:
    """The worker does not wait for it: it goes on until answers would have to be dropped, and then it ends."""
    loop, control = asyncio.get_running_loop(), started.process._control
    loop.remove_reader(control.fileno())
    asked = 0
    with (
        PidFd(started.process.pid) as process,
        contextlib.suppress(BrokenPipeError, ConnectionResetError),
    ):
        while asked < 20 * LEAST_REPORTS:
            try:
                control.send(encode(m.OpenCall(call=m.CallId(f"call-{asked}"))))
            except BlockingIOError:
                process.has_ended(0.01)  # the worker has to read first; it does so every 5 ms
            else:
                asked += 1
    assert LEAST_REPORTS < asked < 20 * LEAST_REPORTS
    answered = []
    with contextlib.suppress(ConnectionResetError):
        while data := control.recv(MAX_MESSAGE_BYTES):
            if isinstance(report := decode(data), m.CallOpened | m.CallRefused):
                answered.append(report.call)
    assert answered == [f"call-{index}" for index in range(len(answered))]
    loop.add_reader(control.fileno(), started.process._receive)
    async with asyncio.timeout(LIMIT_S):
        await started.gone.wait()
    await started.process.stop()
    assert started.process.returncode == 0


async def test_a_worker_writes_no_core_dump(started: Started) -> None:
    assert resource.prlimit(started.process.pid, resource.RLIMIT_CORE) == (0, 0)


def test_a_core_dump_is_forbidden_even_where_it_would_be_piped_to_a_program() -> None:
    """core(5): the limit does not hold there, being undumpable does (PR_GET_DUMPABLE is 3)."""
    script = (
        "import ctypes; from bridge.media.hardening import forbid_core_dumps; forbid_core_dumps();"
        "print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert done.stdout.strip() == b"0"


def test_a_worker_dies_with_its_gateway_even_where_it_cannot_read() -> None:
    """The worker is stopped, so that it cannot see its socket close: the kernel must end it (PR_SET_PDEATHSIG)."""
    with subprocess.Popen([sys.executable, "-c", _GATEWAY], stdout=subprocess.PIPE) as gateway:
        assert gateway.stdout is not None
        pid = int(gateway.stdout.readline())
        with PidFd(pid) as worker:
            os.kill(pid, signal.SIGSTOP)
            gateway.kill()
            gateway.wait()
            assert worker.has_ended()


async def test_many_calls_given_in_one_moment_to_a_worker_that_only_starts_are_all_answered() -> (
    None
):
    """As where it takes the place of a lost one: the kernel holds some 150 commands."""
    many = Started(replace(SETTINGS, calls=400))
    many.process = await WorkerProcess.start()
    many.process.listen(many.reports.put_nowait, many._gone)
    many.process.begin(many._settings)
    calls = [m.CallId(f"call-{number}") for number in range(400)]
    for call in calls:
        many.process.send(m.OpenCall(call=call))
    answered: list[m.CallId] = []
    async with asyncio.timeout(LIMIT_S):
        while len(answered) < len(calls):
            if isinstance(report := await many.reports.get(), m.CallOpened | m.CallRefused):
                answered.append(report.call)
    await many.process.stop()
    assert (answered, many.times_gone) == (calls, 0)


async def test_a_worker_that_does_not_read_is_killed_rather_than_left_with_an_open_gate(
    started: Started,
) -> None:
    os.kill(started.process.pid, signal.SIGSTOP)
    async with asyncio.timeout(LIMIT_S):
        while not started.gone.is_set():
            started.process.send(m.SetSecure(call=m.CallId("call-1"), secure=True))
            await asyncio.sleep(0)
    await started.process.stop()
    assert started.process.returncode == -signal.SIGKILL


async def test_a_worker_that_does_not_end_is_killed(
    started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.workers.worker_process.STOP_S", 0.05)
    os.kill(started.process.pid, signal.SIGSTOP)
    await started.process.stop()
    assert started.process.returncode == -signal.SIGKILL


def pool_of(
    settings: tuple[WorkerSettings, ...],
    on_report: Callable[[m.CallReport], None] = lambda report: None,
    on_lost: Callable[[], None] = lambda: None,
) -> MediaPool:
    return MediaPool(settings, on_report, lambda calls, reason: on_lost(), now=time.monotonic)


class TestPool:
    """All workers of a node."""

    async def test_one_that_cannot_be_started_leaves_none_behind(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The fixtures of every test look for sockets and processes that are left."""
        spawn, calls = asyncio.create_subprocess_exec, 0

        async def one_only(*args: str, **options: object) -> asyncio.subprocess.Process:
            nonlocal calls
            calls += 1
            if calls > 1:
                raise OSError(11, "Resource temporarily unavailable")
            return await spawn(*args, **options)  # type: ignore[arg-type]  # passed on as they are

        monkeypatch.setattr(asyncio, "create_subprocess_exec", one_only)
        pool = pool_of((SETTINGS, SETTINGS))
        with pytest.raises(OSError, match="temporarily unavailable"):
            await pool.start()
        assert calls == 2
        assert pool.pids() == []

    async def test_a_dead_worker_is_replaced_though_the_first_try_fails(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        spawn, tries = asyncio.create_subprocess_exec, 0
        opened, lost = asyncio.Event(), asyncio.Event()

        async def fail_once(*args: str, **options: object) -> asyncio.subprocess.Process:
            nonlocal tries
            tries += 1
            if tries == 1:
                raise OSError(11, "Resource temporarily unavailable")
            return await spawn(*args, **options)  # type: ignore[arg-type]  # passed on as they are

        def reported(report: m.CallReport) -> None:
            if isinstance(report, m.CallOpened):
                opened.set()

        pool = pool_of((SETTINGS,), reported, lost.set)
        await pool.start()
        monkeypatch.setattr(asyncio, "create_subprocess_exec", fail_once)
        (pid,) = pool.pids()
        async with asyncio.timeout(LIMIT_S):
            pool.open(m.OpenCall(call=m.CallId("before")))
            await opened.wait()
            os.kill(pid, signal.SIGKILL)
            await lost.wait()
            opened.clear()
            pool.reopen(m.OpenCall(call=m.CallId("after")))
            await opened.wait()
        assert tries == 2
        assert pool.pids() != [pid]
        await pool.stop()

    async def test_without_a_worker_a_call_is_refused_at_once(self) -> None:
        told: list[m.CallReport] = []
        pool = pool_of((), told.append)
        pool.open(m.OpenCall(call=m.CallId("call-1")))
        assert told == [
            m.CallRefused(call=m.CallId("call-1"), reason="no media worker has room for it")
        ]
