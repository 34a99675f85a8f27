"""What holds for every test: no card number anywhere, nothing left running, no peer skipped in CI."""

import asyncio
import gc
import inspect
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support.canary import holds_canary
from tests.support.clock import ManualClock
from tests.support.leaks import files_with_canary, live_children, open_sockets

settings.register_profile("tests", deadline=None)  # a busy machine is no slow code
settings.load_profile("tests")

AllowCardIn = Callable[[Path], None]


logging.getLogger("aiosqlite").setLevel(logging.WARNING)  # as ivr.log does: it drowns every report


class _CanaryLog(logging.Handler):
    """Reads every record at every level, traceback included, and remembers which loggers leaked."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.leaks: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self.format(record)
        except (TypeError, ValueError):  # a record that cannot be formatted is pytest's to report
            text = repr(record.args)
        if holds_canary(text):
            self.leaks.append(f"a {record.levelname} record of logger {record.name}")


@pytest.fixture
def manual_clock() -> ManualClock:
    """A clock that only :meth:`ManualClock.advance` moves."""
    return ManualClock()


@pytest.fixture
def _card_files() -> list[Path]:
    return []


@pytest.fixture
def allow_card_in(_card_files: list[Path]) -> AllowCardIn:
    """Call it with a file or folder under `tmp_path` that is the caller's own: it may hold the card number."""
    return _card_files.append


@pytest.fixture(autouse=True)
def no_leak(request: pytest.FixtureRequest, _card_files: list[Path]) -> Iterator[None]:
    """Fail a test that leaves the card number, a socket or a child process behind.

    Set up before and torn down after the test's own fixtures, so it sees what they leave too.
    Standard output and error are read in :func:`pytest_runtest_makereport`.
    """
    sockets_before, children_before = open_sockets(), live_children()
    root = logging.getLogger()
    level_before, log = root.level, _CanaryLog()
    root.addHandler(log)
    root.setLevel(logging.DEBUG)  # a card number may not be logged at any level
    yield
    root.removeHandler(log)
    root.setLevel(level_before)
    found = log.leaks
    tmp_path = getattr(request.node, "funcargs", {}).get("tmp_path")
    if isinstance(tmp_path, Path):
        found += files_with_canary(tmp_path, allowed=_card_files)
    found += _sockets_left(sockets_before)
    found += _children_left(children_before)
    if found:
        pytest.fail("left behind: " + "; ".join(found), pytrace=False)


def _sockets_left(before: frozenset[str]) -> list[str]:
    if open_sockets() <= before:
        return []
    gc.collect()  # what only a cycle holds is closed here, and its ResourceWarning names this test
    return [f"an open {left}" for left in sorted(open_sockets() - before)]


def _children_left(before: dict[int, str]) -> list[str]:
    left = {pid: command for pid, command in live_children().items() if pid not in before}
    for pid in left:
        os.kill(pid, signal.SIGKILL)  # it would disturb the tests that follow
    return [f"child process {pid} ({command})" for pid, command in left.items()]


@pytest.fixture(autouse=True)
def no_task_left(request: pytest.FixtureRequest, no_leak: None) -> None:
    """Fail an asynchronous test that leaves a task running."""
    if inspect.iscoroutinefunction(getattr(request.node, "obj", None)):
        request.getfixturevalue("_tasks_all_done")


@pytest.fixture
async def _tasks_all_done() -> AsyncIterator[None]:
    async with no_task_of_its_own_left():
        yield


@asynccontextmanager
async def no_task_of_its_own_left() -> AsyncIterator[None]:
    """Fail where tasks run on that began within the block."""
    before = asyncio.all_tasks()
    yield
    await asyncio.sleep(
        0
    )  # a task cancelled in the test's last step still has to run its last step
    if left := asyncio.all_tasks() - before - {asyncio.current_task()}:
        names = sorted(f"{task.get_name()} ({task.get_coro()!r})" for task in left)
        pytest.fail("left behind: task " + "; task ".join(names), pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail what printed the card number, and in CI what skipped for want of a peer."""
    report = yield
    if holds_canary(report.capstdout + report.capstderr):
        _fail(report, "left behind: the test card number on standard output or standard error")
    skipped = report.skipped and not hasattr(report, "wasxfail")
    if skipped and os.environ.get("CI") == "true" and item.get_closest_marker("peer"):
        _fail(report, f"a peer is missing, and CI=true: {report.longrepr}")
    return report


def _fail(report: pytest.TestReport, reason: str) -> None:
    report.outcome = "failed"
    report.longrepr = reason
