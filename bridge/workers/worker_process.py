"""The gateway's end of one media worker: starts the process, talks to it, notices when it is gone."""

import asyncio
import os
import socket
import sys
from collections import deque
from collections.abc import Callable
from typing import Final, Self

from bridge.media import messages as m
from bridge.media.message_codec import MAX_MESSAGE_BYTES, decode, encode
from bridge.media.settings import WorkerSettings

_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"A worker is one core's; a linear algebra library that spreads small products over threads makes all workers slower."

STOP_S: Final = 5.0
"How long a worker may take to bring its recordings to disk before it is killed."

LEAST_COMMANDS: Final = 64
"May wait for any worker, though it carries one call only."

COMMANDS_A_CALL: Final = 8
"""May wait for a worker with many calls, beside the 150 or so that the kernel holds: where it takes the place of a lost
one it is given all calls of that in one moment. Moving a call takes six commands."""

OnReport = Callable[[m.Report], None]
OnGone = Callable[[], None]


class WorkerProcess:
    """One running worker process. It waits, and tells so by heartbeats, until :meth:`begin` gives it its settings."""

    def __init__(self, process: asyncio.subprocess.Process, control: socket.socket) -> None:
        self._process, self._control = process, control
        self._on_report: OnReport = lambda report: None
        self._on_gone: OnGone = lambda: None
        self._gone = self._killed = False
        self._waiting: deque[bytes] = deque()
        self._most_waiting = LEAST_COMMANDS
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(control.fileno(), self._receive)

    @classmethod
    async def start(cls) -> Self:
        """Start a worker process; it may be given its settings and commands at once (they wait in the socket).

        Raise OSError where the machine has no room for one more.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        try:
            with theirs:
                process = await _spawn(theirs)
        except BaseException:
            ours.close()
            raise
        return cls(process, ours)

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Exit code; negative where a signal ended it, None while it runs."""
        return self._process.returncode

    def listen(self, on_report: OnReport, on_gone: OnGone) -> None:
        """From now on `on_report` gets its reports; `on_gone` is called once when it is gone for any reason."""
        self._on_report, self._on_gone = on_report, on_gone

    def begin(self, settings: WorkerSettings) -> None:
        """Give it its settings, once, before any command: from then on it carries calls."""
        self._most_waiting = LEAST_COMMANDS + COMMANDS_A_CALL * settings.calls
        self._send(settings.to_json().encode())

    def send(self, command: m.Command) -> None:
        """Send one command, as soon as the worker has read enough of those before.

        A worker that does not read its commands cannot be told to close a gate: it is killed.
        """
        self._send(encode(command))

    def abandon(self) -> None:
        """Kill it and hear no more of it; `on_gone` is not called. :meth:`stop` waits for its end."""
        self._close_control()
        self._kill()

    async def stop(self) -> None:
        """Return when the worker has ended: in order where it lives, killed where it does not end by itself."""
        self._close_control()
        try:
            await asyncio.wait_for(self._process.wait(), STOP_S)
        except TimeoutError:
            self._kill()
            await self._process.wait()

    def _send(self, datagram: bytes) -> None:
        if self._gone or (not self._waiting and self._try_to_send(datagram)):
            return
        if len(self._waiting) >= self._most_waiting:
            self._kill()
            return
        if not self._waiting:
            self._loop.add_writer(self._control.fileno(), self._send_waiting)
        self._waiting.append(datagram)

    def _send_waiting(self) -> None:
        while self._waiting and self._try_to_send(self._waiting[0]):
            self._waiting.popleft()
        if not self._waiting:
            self._loop.remove_writer(self._control.fileno())

    def _try_to_send(self, datagram: bytes) -> bool:
        """Return False where the kernel has no room for more."""
        try:
            self._control.send(datagram)
        except BlockingIOError:
            return False
        except OSError:
            pass  # it died just now; :meth:`_receive` is about to see it
        return True

    def _receive(self) -> None:
        while not self._gone:
            try:
                data = self._control.recv(MAX_MESSAGE_BYTES)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self._close_control()
                self._on_gone()
                return
            report = decode(data)
            assert isinstance(report, m.Report)
            self._on_report(report)

    def _close_control(self) -> None:
        if not self._gone:
            self._gone = True
            self._loop.remove_reader(self._control.fileno())
            self._loop.remove_writer(self._control.fileno())
            self._waiting.clear()
            self._control.close()

    def _kill(self) -> None:
        # Once: a second time would reap the child behind asyncio's back, and its exit code would be lost.
        if self._process.returncode is None and not self._killed:
            self._killed = True
            self._process.kill()


async def _spawn(control: socket.socket) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bridge.media"),
        stdin=control.fileno(),
        env=os.environ | _ONE_THREAD,
    )
