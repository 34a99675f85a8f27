"""How many calls fit into slots, ports and open files, and what is said where they are too few."""

import subprocess
import sys
from dataclasses import replace
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from bridge.media.open_files import calls_within, files_needed, port_pairs_within
from bridge.media.settings import WorkerSettings
from bridge.workers.capacity import most_calls, shortages, within_open_files

PLENTY: Final = 2**20
SETTINGS: Final = WorkerSettings(host="127.0.0.1", first_port=20_000, last_port=20_399, calls=100)


class TestOpenFiles:
    @given(st.integers(0, 2**20))
    def test_as_many_calls_fit_as_there_are_files_for(self, open_files: int) -> None:
        calls = calls_within(open_files)
        assert not calls or files_needed(calls) <= open_files
        assert files_needed(calls + 1) > open_files

    @given(st.integers(1, 4000))
    def test_every_call_has_its_ports_though_as_many_rest(self, calls: int) -> None:
        assert port_pairs_within(files_needed(calls), calls) >= 4 * calls

    def test_slots_are_no_more_than_the_files_allow(self) -> None:
        assert within_open_files(SETTINGS, files_needed(40)) == replace(SETTINGS, calls=40)
        assert within_open_files(SETTINGS, PLENTY) == SETTINGS
        assert within_open_files(SETTINGS, 3).calls == 0


class TestShortages:
    def test_nothing_is_said_where_all_calls_fit(self) -> None:
        assert shortages(SETTINGS, files_needed(100)) == ()

    def test_too_few_files_are_told_with_what_is_needed_and_where_to_raise_it(self) -> None:
        (shortage,) = shortages(SETTINGS, 300)
        assert shortage.calls == calls_within(300) == 26
        assert "964 open files are needed, 300 are allowed" in shortage.reason
        assert "LimitNOFILE" in shortage.reason

    def test_too_few_ports_are_told_by_their_setting(self) -> None:
        narrow = replace(SETTINGS, last_port=20_009)
        (shortage,) = shortages(narrow, PLENTY)
        assert shortage.calls == most_calls(narrow) == 2
        assert "400 RTP ports are needed, the worker has 10" in shortage.reason
        assert "rtp.first_port" in shortage.reason

    def test_without_a_range_there_are_ports_for_4096_calls(self) -> None:
        anywhere = replace(SETTINGS, first_port=0, last_port=0)
        assert shortages(replace(anywhere, calls=4096), PLENTY) == ()
        assert [s.calls for s in shortages(replace(anywhere, calls=4097), PLENTY)] == [4096]


_SCRIPT: Final = """
import asyncio, resource, sys, time
from datetime import UTC, datetime
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), int(sys.argv[2])))

from bridge.config import BridgeConfig
from bridge.media import messages as m
from bridge.workers.pool import MediaPool
from bridge.node import BridgeNode

node = BridgeNode(
    BridgeConfig(sip_port=0, calls_per_worker=50),
    password_of=lambda user: None, on_event=print, utc_now=lambda: datetime.now(UTC),
)
told = asyncio.Queue()
# What the node itself has no phones for here: calls come from the script.
node._media._on_report = told.put_nowait

async def main():
    await node.start()
    print("slots", node._media._settings[0].calls)
    print("limits", *(resource.prlimit(pid, resource.RLIMIT_NOFILE) for pid in node.worker_pids()))
    for number in range(7):
        node._media.open(m.OpenCall(call=m.CallId(str(number))))
    for number in range(7):
        report = await told.get()
        print(type(report).__name__, getattr(report, "reason", ""))
    await node.stop()

try:
    asyncio.run(main())
except OSError as error:
    print("OSError", error.strerror)
"""


def run(soft: int, hard: int) -> list[str]:
    """Run a node for 50 calls under a limit of open files; return the lines that it prints."""
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, str(soft), str(hard)],
        capture_output=True,
        check=True,
        text=True,
        timeout=120,
    )
    return done.stdout.splitlines()


class TestUnderALimit:
    """A process of its own, for a hard limit cannot be raised again."""

    def test_the_soft_limit_is_raised_and_all_calls_that_fit_into_the_hard_one_are_carried(
        self,
    ) -> None:
        lines = run(soft=24, hard=files_needed(6) + 2)
        assert "fewer calls than configured" in "\n".join(lines)
        assert "514 open files are needed, 120 are allowed" in "\n".join(lines)
        said = lines[next(i for i, line in enumerate(lines) if line.startswith("slots")) :]
        assert said[:2] == ["slots 6", "limits (120, 120)"]
        assert sorted(line for line in said if line.startswith("Call")) == [
            *["CallOpened "] * 6,
            "CallRefused no media worker has room for it",
        ]

    def test_where_no_call_fits_the_start_fails_and_says_why(self) -> None:
        (line,) = run(soft=60, hard=60)
        assert line.startswith("OSError no call can be carried: 514 open files are needed, 60 are")
