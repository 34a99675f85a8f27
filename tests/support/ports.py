"""Ports for programs that must be told theirs: taken from the kernel, given back just before they are used."""

import socket
from contextlib import ExitStack
from typing import Final

LOOPBACK: Final = "127.0.0.1"

_ATTEMPTS: Final = 200
"Draws before giving up on a block of free ports; on a quiet machine the first one fits."


def free_udp_port() -> int:
    """Return a UDP port of the loopback address that nobody uses now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def free_tcp_port() -> int:
    """Return a TCP port of the loopback address that nobody uses now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


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
        first = free_udp_port() & ~1
        with ExitStack() as probes:
            try:
                for port in range(first, first + count):
                    probe = probes.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                    probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return first, first + count - 1
    raise OSError(f"no {count} neighbouring UDP ports are free")
