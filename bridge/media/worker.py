"""The media worker's loop: every 5 ms drain the sockets, treat all packets together, send. No asyncio.

Garbage collection is frozen and off while calls run: a collection pause would be heard. The loop makes no reference
cycles; what others make is collected when the worker has no call.
"""

import gc
import select
import socket
import time
from collections import deque
from typing import Final

from bridge.media import messages as m
from bridge.media.calls import WorkerCalls
from bridge.media.settings import WorkerSettings

TICK_S: Final = 0.005
"A quarter of a packet time: short enough to add little delay, long enough to treat many packets at once."

HEARTBEAT_S: Final = 0.2
FLUSH_S: Final = 0.1

MAX_REPORTS: Final = 4096
"Reports that wait while the gateway does not read. Beyond it heartbeats go first; key presses are never dropped."


class GatewayGoneError(Exception):
    """The gateway closed its end: without it nobody could open or close a gate, so the worker stops."""


class Worker:
    """One worker process. `control` is its end of the socket pair (SOCK_SEQPACKET)."""

    def __init__(self, settings: WorkerSettings, control: socket.socket) -> None:
        control.setblocking(False)
        self._control = control
        self._reports: deque[m.Report] = deque()
        self._calls = WorkerCalls(
            settings, self._reports.append, epoch_s=time.time() - time.monotonic()
        )
        self._late_ticks = 0
        self._heartbeat_s = self._flush_s = 0.0

    def run(self) -> None:
        """Run until the gateway is gone."""
        gc.freeze()
        gc.disable()
        try:
            self._loop()
        except GatewayGoneError:
            pass  # the one way this loop ends
        finally:
            self._calls.close()

    def _loop(self) -> None:
        deadline = time.monotonic()
        while True:
            if not self._calls:
                self._idle()
                deadline = time.monotonic()
            deadline += TICK_S
            self._wait_until(deadline)
            now = time.monotonic()
            if now - deadline > TICK_S:
                self._late_ticks += 1
                deadline = now
            self._tick(now)

    def _idle(self) -> None:
        """Without a call: wait for the gateway, and clean up."""
        gc.collect()
        select.select([self._control], [], [], HEARTBEAT_S)

    def _wait_until(self, deadline: float) -> None:
        if (rest := deadline - time.monotonic()) > 0:
            time.sleep(rest)

    def _tick(self, now: float) -> None:
        self._calls.path.now = now
        self._receive_commands()
        self._calls.intake.drain()
        self._calls.tick(now)
        if now - self._flush_s >= FLUSH_S:
            self._flush_s = now
            self._calls.flush_recordings(now)
        if now - self._heartbeat_s >= HEARTBEAT_S:
            self._heartbeat_s = now
            self._reports.append(m.Heartbeat(calls=len(self._calls), late_ticks=self._late_ticks))
        self._send_reports()

    def _receive_commands(self) -> None:
        while True:
            try:
                data = self._control.recv(m.MAX_MESSAGE_BYTES)
            except BlockingIOError:
                return
            except OSError as error:
                raise GatewayGoneError from error
            if not data:
                raise GatewayGoneError
            message = m.decode(data)
            assert isinstance(message, m.Command)
            self._calls.handle(message)

    def _send_reports(self) -> None:
        while self._reports:
            try:
                self._control.send(m.encode(self._reports[0]))
            except BlockingIOError:
                self._shed_reports()
                return
            except OSError as error:
                raise GatewayGoneError from error
            self._reports.popleft()

    def _shed_reports(self) -> None:
        if len(self._reports) > MAX_REPORTS:
            kept = [report for report in self._reports if not isinstance(report, m.Heartbeat)]
            self._reports.clear()
            self._reports.extend(kept)
