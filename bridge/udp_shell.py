"""The SIP endpoint's socket and timer."""

import asyncio
from collections.abc import Callable
from typing import cast

from bridge.sip.endpoint import SipEndpoint
from bridge.sip.events import SipEvent


class UdpShell(asyncio.DatagramProtocol):
    """Feed, drain, re-arm. All that can be wrong lives in the endpoint, not here."""

    def __init__(self, endpoint: SipEndpoint, on_event: Callable[[SipEvent], None]) -> None:
        self._endpoint, self._on_event = endpoint, on_event
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.DatagramTransport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._pumping = False
        self._pumped = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(
        self, data: bytes, addr: tuple[str, int] | tuple[str, int, int, int]
    ) -> None:
        """Feed one datagram. An IPv6 source has flow and scope behind its host and port."""
        self._endpoint.receive_datagram(data, addr[:2], self._loop.time())
        self.pump()

    def error_received(self, exc: Exception) -> None:
        """Leave a far end's closed port (ICMP) to the transaction timers."""

    def pump(self) -> None:
        """Deliver events, send datagrams, arm the one timer. Call after every command too."""
        if self._pumping:
            return  # a command given while events are delivered; the running pump sends what it made
        self._pumping = True
        while (event := self._endpoint.next_event()) is not None:
            self._deliver(event)
        self._pumping = False
        if self._transport is None or self._transport.is_closing():
            return
        for data, address in self._endpoint.datagrams_to_send():
            self._transport.sendto(data, address)
        self._arm()
        self._pumped.set()

    async def until(self, done: Callable[[], bool]) -> None:
        """Return once `done()` holds of the endpoint; it is asked again after every datagram and timer."""
        while not done():
            self._pumped.clear()
            await self._pumped.wait()

    def _deliver(self, event: SipEvent) -> None:
        try:
            self._on_event(event)
        except Exception as error:
            # A bug in one call must not keep the datagrams and the timers of all others waiting.
            context = {"message": f"{type(event).__name__} was not treated", "exception": error}
            self._loop.call_exception_handler(context)

    def close(self) -> None:
        """Close the socket and forget the timer."""
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.close()

    def _arm(self) -> None:
        at = self._endpoint.next_timer()
        if at is None or (self._timer is not None and self._timer.when() <= at):
            return  # a timer that fires early only arms the next one: cheaper than to set it anew each time
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(at, self._fire, at)

    def _fire(self, at: float) -> None:
        self._timer = None
        self._endpoint.handle_timer(max(at, self._loop.time()))
        self.pump()
