"""RTCP of all legs on the wire: a port of its own (RFC 3550 section 11), or the one of RTP (RFC 5761).

Rules of this file: a leg's far end is who its RTP comes from, or whom its SDP names; RTCP from other hosts is dropped.
Where a far end sends its RTCP from is where ours goes (RFC 4961).
"""

import base64
import select
import socket
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bridge.media.leg_table import Address, LegTable
from bridge.media.sender import Sender
from bridge.rtp.quality import LegQuality
from bridge.rtp.reception import ReceptionTable
from bridge.rtp.rtcp import RtcpError
from bridge.rtp.rtcp_session import RtcpSession

MAX_DATAGRAM: Final = 1500
"What an Ethernet carries; a longer one is cut by the kernel and then refused."

MAX_A_TICK: Final = 64
"Datagrams read in one tick: a telephone sends one in five seconds. The rest waits in the kernel, which drops."

CNAME_BYTES: Final = 12
"96 random bits make a name that tells nothing about host, user or call (RFC 7022 section 4.2)."


@dataclass(slots=True)
class _Side:
    sock: socket.socket
    session: RtcpSession
    described: Address | None = None
    "Where the far end's SDP wants it."
    far_end: Address | None = None
    "Where it goes: as described, until the far end shows another port or, behind a NAT, another host."
    shares_port: bool = False
    "RTP and RTCP share one (RFC 5761)."


class RtcpPorts:
    """The RTCP side of a worker's legs. `epoch_s`: Unix time when the monotonic clock was 0."""

    def __init__(
        self,
        legs: LegTable,
        sender: Sender,
        reception: ReceptionTable,
        *,
        chance: np.random.Generator,
        epoch_s: float,
    ) -> None:
        self._legs, self._sender, self._reception = legs, sender, reception
        self._chance, self._epoch_s = chance, epoch_s
        rows = len(legs.state)
        self._sides: dict[int, _Side] = {}
        self._leg_of_fd: dict[int, int] = {}
        self._next_s: NDArray[np.float64] = np.full(rows, np.inf)
        "When each leg's timer ends."
        self._epoll = select.epoll()
        self.refused = 0
        "Datagrams that were no RTCP, or not from the far end."

    def open(self, leg: int, sock: socket.socket, now: float) -> None:
        """Start a leg's session; nothing is sent before :meth:`describe`."""
        self._reception.open(leg)
        session = RtcpSession(
            ssrc=int(self._legs.out_ssrc[leg]),
            cname=base64.b64encode(self._chance.bytes(CNAME_BYTES)).decode(),
            chance=self._chance.random,
            now=now,
            epoch_s=self._epoch_s,
        )
        self._sides[leg] = _Side(sock, session)
        self._next_s[leg] = session.next_timer()
        self._leg_of_fd[sock.fileno()] = leg
        self._epoll.register(sock.fileno(), select.EPOLLIN)

    def describe(self, leg: int, far_end: Address | None, *, shares_port: bool) -> None:
        """Set where the far end's SDP wants RTCP (RFC 3605); None where it names no address."""
        side = self._sides[leg]
        side.shares_port = shares_port
        if far_end != side.described:
            side.described = side.far_end = far_end

    def close(self, leg: int, now: float) -> None:
        """Say good-bye, and forget the leg."""
        side = self._sides.pop(leg)
        received = self._reception.report(leg, int(self._legs.in_ssrc[leg]))
        self._send(leg, side, side.session.goodbye(now, self._sender.sent(leg, now), received))
        self._next_s[leg] = np.inf
        del self._leg_of_fd[side.sock.fileno()]
        self._epoll.unregister(side.sock.fileno())

    def stop(self) -> None:
        """Release the poll descriptor."""
        self._epoll.close()

    def tick(self, now: float) -> None:
        """Read what has come, send what is due."""
        for fd, _ in self._epoll.poll(0, MAX_A_TICK):
            self._receive(self._leg_of_fd[fd], now)
        for leg in np.flatnonzero(self._next_s <= now).tolist():
            self._handle_timer(leg, now)

    def take_shared(self, leg: int, data: bytes, now: float) -> None:
        """Take RTCP that came on the port of RTP, from the far end; where that was not agreed on it is dropped."""
        if self._sides[leg].shares_port:
            self._take(leg, data, now)
        else:
            self.refused += 1

    def quality(self, leg: int, now: float) -> LegQuality:
        """Return the figures of an open leg."""
        session = self._sides[leg].session
        return LegQuality.of(
            self._reception.received(leg),
            packets_late=int(self._legs.in_late[leg]),
            packets_sent=self._sender.sent(leg, now).packets,
            far=session.far_block,
            round_trip_s=session.round_trip_s,
        )

    def _handle_timer(self, leg: int, now: float) -> None:
        side, sent = self._sides[leg], self._sender.sent(leg, now)
        if side.session.handle_timer(now, sent) and side.far_end is not None:
            received = self._reception.report(leg, int(self._legs.in_ssrc[leg]))
            self._send(leg, side, side.session.compose(now, sent, received))
        self._next_s[leg] = side.session.next_timer()

    def _receive(self, leg: int, now: float) -> None:
        side = self._sides[leg]
        try:
            data, source = side.sock.recvfrom(MAX_DATAGRAM)
        except OSError:
            return  # an ICMP error of what we sent
        if not self._is_far_end(leg, side, source):
            self.refused += 1
        elif self._take(leg, data, now) and side.far_end is not None:
            side.far_end = source[:2]

    def _take(self, leg: int, data: bytes, now: float) -> bool:
        """Return whether it was RTCP."""
        try:
            self._sides[leg].session.receive_datagram(data, int(self._legs.in_ssrc[leg]), now)
        except RtcpError:
            self.refused += 1
            return False
        return True

    def _is_far_end(self, leg: int, side: _Side, source: Address) -> bool:
        known = (side.far_end, self._legs.state_of(leg).source)
        return any(address is not None and address[0] == source[0] for address in known)

    def _send(self, leg: int, side: _Side, data: bytes) -> None:
        if side.far_end is None:
            return
        try:
            if side.shares_port:
                self._legs.state_of(leg).send(memoryview(data))
            else:
                side.sock.sendto(data, side.far_end)
        except OSError:
            self._sender.refused += 1
