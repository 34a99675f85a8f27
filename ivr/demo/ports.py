"""Ports of the loopback address for the demo's softphones, which must be told theirs."""

import socket
from contextlib import ExitStack
from typing import Final

LOOPBACK: Final = "127.0.0.1"


def free_udp_ports(count: int) -> list[int]:
    """Return `count` different UDP ports that nobody uses now, chosen by the kernel."""
    with ExitStack() as probes:  # all held at once: a port given back could be drawn again
        ports = []
        for _ in range(count):
            probe = probes.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            probe.bind((LOOPBACK, 0))
            ports.append(int(probe.getsockname()[1]))
        return ports
