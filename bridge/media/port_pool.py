"""RTP port pairs: an even port for RTP and the next one for RTCP (RFC 3550 section 11).

A closed call's sockets stay bound and are drained for a while, so that late packets of that call can never reach the
next one. Sockets are bound once and handed out; there is no bind-probe-rebind.
"""

import errno
import socket
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bridge.errors import NoPortError

QUARANTINE_S: Final = 5.0
"How long a closed call's ports stay bound: longer than any far end goes on sending after a BYE that it has answered."

ANY_PORTS: Final = (16384, 32767)
"""Where ports are looked for when no range is given: below Linux's ephemeral ports (32768 on), so that the kernel's
own choices do not get in the way. The kernel cannot choose them: a socket that it gave a port to loses it when it is
disconnected, which latching anew needs."""

RECEIVE_BUFFER_BYTES: Final = 65536
"Some 300 packets of 20 ms: a worker that stalls longer than that has lost the call anyway."

EXPEDITED_FORWARDING: Final = 0xB8
"DSCP EF in the TOS byte (RFC 3246)."


@dataclass(slots=True)
class PortPair:
    """Two bound, non-blocking UDP sockets."""

    rtp: socket.socket
    rtcp: socket.socket
    port: int
    "Of `rtp`; even."

    def close(self) -> None:
        """Close both."""
        self.rtp.close()
        self.rtcp.close()


class PortPool:
    """The ports of one worker, `first` to `last`; `first == 0` takes any that are free.

    `start` (0 to 1) is where in the range the search begins; `most_pairs` is how many may be bound at once, where the
    process may not open more sockets.
    """

    def __init__(
        self,
        host: str,
        first: int,
        last: int,
        start: float = 0.0,
        *,
        most_pairs: int | None = None,
    ) -> None:
        first, last = (first, last) if first else ANY_PORTS
        self._most_pairs = most_pairs
        self._host, self._first, self._last = host, first + first % 2, last
        self._next = self._first + int(start * (last - first)) // 2 * 2
        self._used: set[int] = set()
        self._quarantine: deque[tuple[float, PortPair]] = deque()

    @property
    def ports(self) -> int:
        """How many there are, two a pair."""
        return (self._last - self._first + 1) // 2 * 2

    @property
    def ports_in_use(self) -> int:
        """How many are taken, or in quarantine."""
        return 2 * len(self._used)

    def take(self, host: str = "") -> PortPair:
        """Return a fresh pair at `host`, or at the pool's own; raise :class:`NoPortError` that says why there is none.

        A port serves one call, whichever of our addresses it is at.
        """
        host = host or self._host
        if self._most_pairs is not None and len(self._used) >= self._most_pairs:
            raise NoPortError(
                f"{2 * len(self._used)} sockets are open, resting ones too: the limit of open files allows no more"
            )
        for _ in range((self._last - self._first + 1) // 2):
            port = self._next
            self._next = port + 2 if port + 3 <= self._last else self._first
            if port not in self._used and (pair := self._try_pair(host, port)) is not None:
                self._used.add(port)
                return pair
        raise NoPortError(f"all RTP ports from {self._first} to {self._last} on {host} are in use")

    def give_back(self, pair: PortPair, now: float) -> None:
        """Put a closed call's pair into quarantine."""
        self._quarantine.append((now + QUARANTINE_S, pair))

    def rest(self, ports: Iterable[int], now: float) -> None:
        """Put into quarantine what a worker that is gone had in use: its far ends may still send there."""
        for port in ports:
            if (pair := self._try_pair(self._host, port)) is not None:
                self._used.add(port)
                self.give_back(pair, now)

    def drain(self, now: float) -> None:
        """Close the pairs whose quarantine is over."""
        while self._quarantine and self._quarantine[0][0] <= now:
            _, pair = self._quarantine.popleft()
            pair.close()
            self._used.discard(pair.port)

    def close(self) -> None:
        """Close what is in quarantine."""
        self.drain(float("inf"))

    def _try_pair(self, host: str, port: int) -> PortPair | None:
        rtp = _try_bind(host, port)
        if rtp is None:
            return None
        rtcp = _try_bind(host, port + 1)
        if rtcp is None:
            rtp.close()
            return None
        return PortPair(rtp, rtcp, port)


def _try_bind(host: str, port: int) -> socket.socket | None:
    try:
        return _bind(host, port)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        return None


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        if family == socket.AF_INET:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, EXPEDITED_FORWARDING)
        else:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, EXPEDITED_FORWARDING)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock
