"""Machine code is kept, but never longer than what it was made of stays as it was."""

import subprocess
import sys
from pathlib import Path

_LEAF = """
from dtmf.compiled import compiled

@compiled
def leaf() -> int:
    return {value}
"""

_CALLER = """
from dtmf.compiled import compiled
from calls.leaf import leaf

@compiled
def caller() -> int:
    return leaf()

print(caller(), len(caller.stats.cache_hits))
"""


def _told(folder: Path, value: int) -> list[str]:
    """Return what the caller returns when its leaf returns `value`, and whether its code was one that was kept."""
    package = folder / "calls"
    package.mkdir(exist_ok=True)
    (package / "leaf.py").write_text(_LEAF.format(value=value))
    (package / "caller.py").write_text(_CALLER)
    run = [sys.executable, "-c", f"import sys; sys.path[:0] = {[str(folder)]}; import calls.caller"]
    return subprocess.run(
        run, check=True, capture_output=True, text=True, timeout=60
    ).stdout.split()


def test_a_function_is_compiled_anew_where_one_that_it_calls_has_changed(tmp_path: Path) -> None:
    assert _told(tmp_path, 1) == ["1", "0"]
    assert _told(tmp_path, 1) == ["1", "1"]
    assert _told(tmp_path, 2) == ["2", "0"]
