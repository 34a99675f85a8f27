"""A 2xx to INVITE until its ACK comes: the callee repeats it itself (RFC 3261 section 13.3.1.4)."""

from collections.abc import Callable

from bridge.sip.client_transaction import Send
from bridge.sip.incoming import Address
from bridge.sip.timers import SipTimers


class SuccessResponse:
    """Sends its datagram after T1, 2*T1, ... up to every T2, and gives up after 64*T1."""

    def __init__(
        self,
        data: bytes,
        destination: Address,
        *,
        timers: SipTimers,
        send: Send,
        on_timeout: Callable[[float], None],
        now: float,
    ) -> None:
        self._data = data
        self._destination = destination
        self._timers = timers
        self._send = send
        self._on_timeout = on_timeout
        self._interval_s = timers.t1_s
        self._send_at: float | None = now + timers.t1_s
        self._deadline = now + timers.transaction_s

    def stop(self) -> None:
        """Send no more: the ACK came, or the call is over."""
        self._send_at = None

    def next_timer(self) -> float | None:
        """Return when something is due, None once stopped."""
        return None if self._send_at is None else min(self._send_at, self._deadline)

    def handle_timer(self, now: float) -> None:
        """Send again, or give up."""
        if self._send_at is None:
            return
        if self._deadline <= now:
            self._send_at = None
            self._on_timeout(now)
        elif self._send_at <= now:
            self._send(self._data, self._destination)
            self._interval_s = min(2 * self._interval_s, self._timers.t2_s)
            self._send_at = now + self._interval_s
