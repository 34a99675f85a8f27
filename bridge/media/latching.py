"""Whom a leg sends to and takes packets from: where its SDP says, then where its far end really is (RFC 4961).

Rules of this file: a leg that is latched is a connected socket, so that the kernel drops everybody else's packets.
"""

import socket
from functools import partial
from typing import Final

from bridge.media.leg_table import Address, LegTable

FORMER_SOURCE_S: Final = 1.0
"""A far end whose SDP names another address still sends from the old one until our answer has reached it: for so long
its leg does not latch back. Far longer than a round trip; behind a NAT, where packets may go on coming from the old
place for good, it is the sound that a move costs."""


def unlatch(legs: LegTable, leg: int, far_end: Address, now: float) -> None:
    """Send to where the SDP says until the far end's first packet shows where it really is."""
    state = legs.state_of(leg)
    if state.latched:
        state.former = None if state.source == far_end else state.source
        state.former_until_s = now + FORMER_SOURCE_S
        _disconnect(state.sock)
    legs.unlatch(leg, partial(_send_to, state.sock, far_end))


def latch(legs: LegTable, leg: int, source: Address, now: float) -> None:
    """Tie a leg to `source`, unless its far end has just left there."""
    state = legs.state_of(leg)
    if source[:2] == state.former and now < state.former_until_s:
        return
    try:
        state.sock.connect(source)
    except OSError:
        return
    legs.latch(leg, source[:2])


def _send_to(sock: socket.socket, far_end: Address, packet: memoryview) -> int:
    return sock.sendto(packet, far_end)


def _disconnect(sock: socket.socket) -> None:
    """Undo `connect()`; Linux does it for an address of no family, which Python can only spell through libc."""
    import ctypes

    unspecified = ctypes.create_string_buffer(16)
    ctypes.CDLL(None, use_errno=True).connect(sock.fileno(), unspecified, len(unspecified))
