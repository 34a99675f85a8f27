"""The media worker's loop: every 5 ms drain the sockets, treat all packets together, send. No asyncio.

Garbage collection is frozen and off while calls run: a collection pause would be heard. The loop makes no reference
cycles; what others make is collected when the worker has no call.
"""

import gc
import select
import socket
import time
from typing import Final

from bridge.histogram import Histogram
from bridge.media import messages as m
from bridge.media.calls import WorkerCalls
from bridge.media.message_codec import MAX_MESSAGE_BYTES, decode
from bridge.media.report_queue import ReportQueue
from bridge.media.settings import WorkerSettings
from bridge.media.statistics import TICK_BOUNDS_S, LoopTotals
from bridge.media.tick_meter import TICK_S, TickMeter

HEARTBEAT_S: Final = 0.1
"Several fit into the silence after which the gateway takes a worker for hung."

STATISTICS_S: Final = 1.0
"Finer than anybody scrapes, and coarse enough to cost nothing."

FLUSH_S: Final = 0.1

PORTS_AT_ONCE: Final = 256
"To bind so many takes ten milliseconds."

MAX_COMMANDS: Final = 256
"Treated in one tick; the rest waits in the kernel, so that a busy gateway does not hold up the sound."


class GatewayGoneError(Exception):
    """The gateway closed its end, or does not read: nobody could open or close a gate any more, so the worker stops."""


class Worker:
    """One worker process. `control` is its end of the socket pair (SOCK_SEQPACKET)."""

    def __init__(self, settings: WorkerSettings, control: socket.socket) -> None:
        control.setblocking(False)
        self._control = control
        self._reports = ReportQueue(settings.calls)
        self._calls = WorkerCalls(
            settings, self._reports.add, epoch_s=time.time() - time.monotonic()
        )
        self._resting_ports = settings.resting_ports
        self._meter = TickMeter()
        self._tick_times = Histogram(TICK_BOUNDS_S)
        self._heartbeat_s = self._flush_s = self._statistics_s = 0.0

    def run(self) -> None:
        """Run until the gateway is gone."""
        gc.freeze()
        gc.disable()
        try:
            self._rest_ports()
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
            self._calls.path.withholds = self._meter.begin(deadline, now)
            self._calls.overloaded = self._meter.overloaded
            if now - deadline > TICK_S:
                deadline = now
            self._tick(now)
            self._tick_times.add(time.monotonic() - now)

    def _rest_ports(self) -> None:
        """Tell meanwhile that the worker lives: thousands of ports can take longer than it may be silent."""
        for first in range(0, len(self._resting_ports), PORTS_AT_ONCE):
            ports = self._resting_ports[first : first + PORTS_AT_ONCE]
            self._calls.rest_ports(ports, time.monotonic())
            self._reports.add(self._heartbeat())
            self._send_reports()

    def _idle(self) -> None:
        """Without a call: wait for the gateway, and clean up."""
        gc.collect()
        select.select([self._control], [], [], HEARTBEAT_S)
        self._meter.rest(time.monotonic())

    def _wait_until(self, deadline: float) -> None:
        if (rest := deadline - time.monotonic()) > 0:
            time.sleep(rest)

    def _tick(self, now: float) -> None:
        self._calls.path.now = now
        self._receive_commands()
        self._calls.intake.drain(withheld=self._calls.path.withholds)
        self._calls.tick(now)
        if now - self._flush_s >= FLUSH_S:
            self._flush_s = now
            self._calls.flush_recordings(now)
        if now - self._heartbeat_s >= HEARTBEAT_S:
            self._heartbeat_s = now
            self._reports.add(self._heartbeat())
        if now - self._statistics_s >= STATISTICS_S:
            self._statistics_s = now
            self._reports.add(m.WorkerCounted(statistics=self._calls.statistics(self._totals())))
        self._send_reports()

    def _totals(self) -> LoopTotals:
        return LoopTotals(
            cpu_s=round(time.process_time(), 3),
            late_ticks=self._meter.late_ticks,
            withheld_ticks=self._meter.withheld_ticks,
            tick_counts=self._tick_times.counts,
            tick_total_s=round(self._tick_times.total, 6),
        )

    def _heartbeat(self) -> m.Heartbeat:
        meter = self._meter
        return m.Heartbeat(
            calls=len(self._calls),
            late_ticks=meter.late_ticks,
            withheld_ticks=meter.withheld_ticks,
            overloaded=meter.overloaded,
        )

    def _receive_commands(self) -> None:
        for _ in range(MAX_COMMANDS):
            try:
                data = self._control.recv(MAX_MESSAGE_BYTES)
            except BlockingIOError:
                return
            except OSError as error:
                raise GatewayGoneError from error
            if not data:
                raise GatewayGoneError
            message = decode(data)
            assert isinstance(message, m.Command)
            self._calls.handle(message)

    def _send_reports(self) -> None:
        try:
            self._reports.send_to(self._control.send)
        except OSError as error:
            raise GatewayGoneError from error
        if self._reports.overflowed:
            raise GatewayGoneError
