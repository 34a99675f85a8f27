"""Start of a media worker process: `python -m bridge.media`, with a socket pair's end as its standard input.

Rules of this file: what takes time comes before the settings, so that a spare worker has it behind itself.
"""

import os
import socket
import sys
from typing import Final

from bridge.media.hardening import die_with_gateway, forbid_core_dumps, leave_ending_to_gateway
from bridge.media.standby import await_settings
from bridge.media.warm_up import warm_up
from bridge.media.worker import GatewayGoneError, Worker

_UNUSED: Final = ("scipy", "cffi")
"Numba loads these where they are installed, to compile calls of theirs: a fifth of a worker's start, for nothing here."


def main() -> None:
    """Run one worker once it has its settings."""
    forbid_core_dumps()
    die_with_gateway()
    leave_ending_to_gateway()
    for name in _UNUSED:
        sys.modules[name] = None  # type: ignore[assignment]  # "not to be found": see importlib
    warm_up()
    control = socket.socket(fileno=sys.stdin.fileno())
    try:
        settings = await_settings(control)
    except GatewayGoneError:
        return
    if settings.cpu is not None:
        os.sched_setaffinity(0, {settings.cpu})
    Worker(settings, control).run()


main()
