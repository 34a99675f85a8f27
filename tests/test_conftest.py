"""The suite's own net: each thing a test may not leave behind is left behind here, in a run of its own."""

import os
import re
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

import pytest

from ivr.payments.processors.test_cards import BEHAVIOURS, Behaviour
from tests.support.canary import CANARY_CARD, CANARY_DASHED, CANARY_SPACED, holds_canary
from tests.support.clock import ManualClock

_ROOT = Path(__file__).parent.parent

_LEAKY = """
import asyncio, base64, gc, logging, socket, subprocess, sys
import pytest
from tests.support.canary import CANARY_CARD, CANARY_SPACED

pytest_plugins = ["tests.conftest"]
kept = []

def test_logs_at_debug():
    logging.getLogger("any").debug("card %s", CANARY_SPACED)

def test_logs_a_traceback():
    try:
        raise ValueError(CANARY_CARD)
    except ValueError:
        logging.getLogger("any").exception("failed")

def test_prints():
    print(CANARY_CARD[:8])

def test_child_prints():
    subprocess.run([sys.executable, "-c", f"print({CANARY_CARD})"], check=True)

def test_writes_a_file(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"x" + base64.b64encode(b"a" + CANARY_CARD.encode()))

def test_leaves_a_socket():
    kept.append(socket.socket())

def test_leaves_a_child():
    kept.append(subprocess.Popen(["sleep", "60"]))

async def test_leaves_a_task():
    kept.append(asyncio.create_task(asyncio.sleep(60)))

@pytest.mark.peer("nobody")
def test_skips_for_want_of_a_peer():
    pytest.skip("nobody is not installed")
"""

_CLEAN = """
import asyncio, logging, socket, subprocess
import pytest
from tests.support.canary import CANARY_CARD

pytest_plugins = ["tests.conftest"]

def test_says_what_a_receipt_may():
    print("card", "400000", CANARY_CARD[-4:])
    logging.getLogger("any").info("12345678901234567890")

def test_card_is_in_a_file_that_may_hold_it(tmp_path, allow_card_in):
    allow_card_in(tmp_path / "caller")
    (tmp_path / "caller").mkdir()
    (tmp_path / "caller" / "keys.txt").write_text(CANARY_CARD)

def test_ends_its_child():
    subprocess.run(["true"], check=True)

def test_closes_its_socket():
    socket.socket().close()

async def test_ends_its_task():
    task = asyncio.create_task(asyncio.sleep(60))
    await asyncio.sleep(0)
    task.cancel()

def test_skips_for_another_reason():
    pytest.skip("not today")
"""


def _run(folder: Path, source: str, *, ci: str) -> str:
    """Run `source` as a test file under the suite's settings and return pytest's report."""
    file = folder / "test_inner.py"
    file.write_text(source)
    command = [sys.executable, "-m", "pytest", "-c", str(_ROOT / "pyproject.toml"), "--rootdir"]
    command += [str(_ROOT), "-q", "-rA", "-p", "no:cacheprovider", "--no-header", str(file)]
    environment = {**os.environ, "CI": ci, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        command, cwd=_ROOT, env=environment, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def test_every_leak_fails_the_test_that_leaks(tmp_path: Path) -> None:
    report = _run(tmp_path, _LEAKY, ci="true")
    reported = {line.split("::")[1].split()[0] for line in report.splitlines() if _is_bad(line)}
    declared = set(re.findall(r"def (test_\w+)", _LEAKY))
    assert reported == declared, report


def test_clean_tests_pass(tmp_path: Path, allow_card_in: object) -> None:
    report = _run(tmp_path, _CLEAN, ci="true")
    assert "5 passed, 1 skipped" in report, report


def test_a_missing_peer_only_skips_outside_ci(tmp_path: Path) -> None:
    peer_only = (
        _LEAKY[: _LEAKY.index("def test_logs")] + _LEAKY[_LEAKY.index("@pytest.mark.peer") :]
    )
    assert "1 skipped" in _run(tmp_path, peer_only, ci="")


def _is_bad(line: str) -> bool:
    return line.startswith(("FAILED", "ERROR")) and "::" in line


@pytest.mark.parametrize("form", [CANARY_CARD, CANARY_SPACED, CANARY_DASHED, CANARY_CARD[:8]])
def test_canary_is_found_however_it_is_spaced(form: str) -> None:
    assert holds_canary(f"card={form};")


@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
def test_canary_is_found_encoded(before: str) -> None:
    text = f"{before}{CANARY_CARD}z".encode()
    assert holds_canary(b64encode(text))
    assert holds_canary(text.hex())
    assert holds_canary(b"\x00" + bytes.fromhex(CANARY_CARD))


def test_canary_is_a_card_that_the_test_processor_approves() -> None:
    assert BEHAVIOURS[CANARY_CARD] is Behaviour.APPROVED


def test_canary_is_not_seen_where_it_is_not() -> None:
    assert not holds_canary("0123456789 1234567890 4111111111111111 400000...7899")


def test_manual_clock_moves_both_times_together() -> None:
    clock = ManualClock()
    utc, monotonic_s = clock.utc_now(), clock.monotonic_s()
    clock.advance(1.5)
    assert (clock.utc_now() - utc).total_seconds() == clock.monotonic_s() - monotonic_s == 1.5
    with pytest.raises(ValueError, match="does not go back"):
        clock.advance(-1)
