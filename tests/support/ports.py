"""Ports for programs that must be told theirs: taken from the kernel, given back just before they are used."""

import socket
from collections import deque
from contextlib import ExitStack
from typing import Final

LOOPBACK: Final = "127.0.0.1"

_ATTEMPTS: Final = 200
"Draws before giving up on a block of free ports; on a quiet machine the first one fits."

_promised: deque[int] = deque(maxlen=1000)
"""Ports given out lately. Between the draw and the program's own bind they look free, so a second draw could
promise one again; a thousand is far more than one test needs, and far fewer than the kernel has."""


def free_udp_port() -> int:
    """Return a UDP port of the loopback address that nobody uses now."""
    return _draw(socket.SOCK_DGRAM)


def free_tcp_port() -> int:
    """Return a TCP port of the loopback address that nobody uses now."""
    return _draw(socket.SOCK_STREAM)


def _draw(kind: socket.SocketKind) -> int:
    for _ in range(_ATTEMPTS):
        with socket.socket(socket.AF_INET, kind) as probe:
            probe.bind((LOOPBACK, 0))
            port = int(probe.getsockname()[1])
        if port not in _promised:
            _promised.append(port)
            return port
    raise OSError("no port is free")


def free_sip_port() -> int:
    """Return a port that is free in UDP and in TCP: SIP programs open both."""
    for _ in range(_ATTEMPTS):
        port = free_udp_port()
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return port
    raise OSError("no port is free in both UDP and TCP")


def free_rtp_ports(count: int = 8) -> tuple[int, int]:
    """Return the first (even) and last of `count` neighbouring free UDP ports, for RTP and RTCP pairs."""
    for _ in range(_ATTEMPTS):
        drawn = free_udp_port()
        first = drawn + drawn % 2
        ports = range(first, first + count)
        if any(port in _promised for port in ports if port != drawn):
            continue
        with ExitStack() as probes:
            try:
                for port in ports:
                    probe = probes.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                    probe.bind((LOOPBACK, port))
            except OSError:
                continue
            _promised.extend(ports)
            return ports[0], ports[-1]
    raise OSError(f"no {count} neighbouring UDP ports are free")
