"""What a test may leave behind: nothing. Finds live child processes, open sockets and written files."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from tests.support.canary import holds_canary

_PYTHON_OWN_CHILDREN: Final = (b"multiprocessing.resource_tracker", b"multiprocessing.forkserver")
"Python starts these once and keeps them for the life of the process."

_LARGEST_SEARCHED_BYTES: Final = 64 * 2**20
"A bigger file under tmp_path is a mistake of the test, and is reported as one."


def open_sockets() -> frozenset[str]:
    """Return the sockets this process holds, each as `socket:[inode]`."""
    found = set()
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{descriptor}")
        except OSError:
            continue
        if target.startswith("socket:"):
            found.add(target)
    return frozenset(found)


def live_children() -> dict[int, str]:
    """Return the running child processes of this one, process id to command; ended ones do not count."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return {}
    return {pid: command for pid, command in _children_in_proc() if command}


def _children_in_proc() -> Iterator[tuple[int, str]]:
    own = str(os.getpid()).encode()
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            stat = Path("/proc", name, "stat").read_bytes()
            command = Path("/proc", name, "cmdline").read_bytes()
        except OSError:
            continue
        state, parent = stat[stat.rindex(b")") + 2 :].split()[:2]
        if parent == own and state not in b"ZX" and not _is_pythons_own(command):
            yield int(name), command.replace(b"\0", b" ").decode(errors="replace").strip()


def _is_pythons_own(command: bytes) -> bool:
    return any(mark in command for mark in _PYTHON_OWN_CHILDREN)


def files_with_canary(folder: Path, *, allowed: Iterable[Path] = ()) -> list[str]:
    """Return why each offending file under `folder` may not stay; `allowed` are files or folders to leave out."""
    exempt = tuple(path.resolve() for path in allowed)
    reasons = []
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        if any(path.resolve().is_relative_to(allowed_path) for allowed_path in exempt):
            continue
        if path.stat().st_size > _LARGEST_SEARCHED_BYTES:
            reasons.append(f"{path} is too large to be searched for the test card number")
        elif holds_canary(path.read_bytes()) or holds_canary(str(path.relative_to(folder))):
            reasons.append(f"{path} holds the test card number")
    return reasons
