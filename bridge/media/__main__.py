"""Start of a media worker process: `python -m bridge.media FD SETTINGS`."""

import ctypes
import resource
import signal
import socket
import sys
from typing import Final

from bridge.media.settings import WorkerSettings
from bridge.media.worker import Worker

_PR_SET_PDEATHSIG: Final = 1


def main() -> None:
    """Run one worker on the socket pair end that was inherited as descriptor FD."""
    # A core dump would hold keys; and a worker without its gateway must not go on passing sound.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # Ctrl-C goes to the whole terminal group; the gateway ends its calls first and then closes the socket pair.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control = socket.socket(fileno=int(sys.argv[1]))
    Worker(WorkerSettings.from_argument(sys.argv[2]), control).run()


main()
