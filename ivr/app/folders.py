"""The gateway's folders: made where they do not exist, and held by one gateway at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_PRIVATE: Final = 0o700
"Who paid what, and who said what, is nobody else's business on a shared machine."


def prepare_folder(path: Path, *, what: str, key: str) -> None:
    """Make sure that files can be written to `path`; raise OSError that names it, its use and its configuration key."""
    try:
        path.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
        writable = os.access(path, os.W_OK | os.X_OK)
        reason = "" if writable else "this user may not write to it"
    except FileExistsError:
        reason = "it is not a folder"
    except OSError as error:
        reason = f"it cannot be made: {error.strerror}"
    if reason:
        raise OSError(f"{what} {path}: {reason}; change its owner or mode, or set {key}")


@contextmanager
def held_by_one_gateway(data: Path, node: str) -> Iterator[None]:
    """Keep a second gateway of the same name off the data folder; raise OSError where one runs.

    Each recovers at its start what its name left unfinished: the second would end the payments of the first.
    """
    path = data / f"{node}.lock"
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OSError(
                f"data folder {data}: a gateway named {node!r} runs on it already; stop that one, or set data"
            ) from None
        yield
