"""What a media worker asks of Linux before it touches sound: no traces on disk, no life without its gateway."""

import ctypes
import resource
import signal
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4


def forbid_core_dumps() -> None:
    """Let no core dump be written: it would hold keys.

    The limit alone is not enough: the kernel does not heed it where dumps are piped to a program (core(5)).
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _prctl(_PR_SET_DUMPABLE, 0)


def die_with_gateway() -> None:
    """Be killed when the gateway dies: without it nobody could open or close a gate."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def leave_ending_to_gateway() -> None:
    """Ignore what a terminal's Ctrl-C or a service manager sends to every process of the service.

    The gateway gets it too, ends its calls and then closes the socket pair; a worker that went first would cut off
    recordings and BYEs.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def _prctl(option: int, value: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option}) failed")
