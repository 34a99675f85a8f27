"""Start of a media worker process: `python -m bridge.media FD SETTINGS`."""

import os
import socket
import sys

from bridge.media.hardening import die_with_gateway, forbid_core_dumps, leave_ending_to_gateway
from bridge.media.settings import WorkerSettings
from bridge.media.warm_up import warm_up
from bridge.media.worker import Worker


def main() -> None:
    """Run one worker on the socket pair end that was inherited as descriptor FD."""
    forbid_core_dumps()
    die_with_gateway()
    leave_ending_to_gateway()
    warm_up()
    control = socket.socket(fileno=int(sys.argv[1]))
    settings = WorkerSettings.from_argument(sys.argv[2])
    if settings.cpu is not None:
        os.sched_setaffinity(0, {settings.cpu})
    Worker(settings, control).run()


main()
