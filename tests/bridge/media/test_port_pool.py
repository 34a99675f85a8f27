"""RFC 3550 section 11: an even port for RTP, the next one for RTCP."""

import socket
from contextlib import ExitStack
from random import random

import pytest

from bridge.errors import NoPortError
from bridge.media.port_pool import QUARANTINE_S, PortPair, PortPool

HOST = "127.0.0.1"


def free_range(pairs: int) -> int:
    """Return the first even port of a range that was free a moment ago."""
    while True:
        pool = PortPool(HOST, 0, 0, random())
        taken = [pool.take() for _ in range(pairs)]
        for pair in taken:
            pair.close()
        if taken[-1].port == taken[0].port + 2 * (pairs - 1):
            return taken[0].port


@pytest.mark.parametrize("start", [0.0, 0.3, 0.9999])
def test_an_even_port_with_its_neighbour_is_taken(start: float) -> None:
    pair = PortPool(HOST, 0, 0, start).take()
    assert pair.port % 2 == 0
    assert (pair.rtp.getsockname()[1], pair.rtcp.getsockname()[1]) == (pair.port, pair.port + 1)
    pair.close()


def test_an_exhausted_range_is_named() -> None:
    first = free_range(2)
    with ExitStack() as stack:
        pool = PortPool(HOST, first, first + 3)
        for _ in range(2):
            stack.callback(pool.take().close)
        with pytest.raises(NoPortError, match=f"{first} to {first + 3} on {HOST} are in use"):
            pool.take()


def test_a_port_that_somebody_else_has_is_passed_over() -> None:
    first = free_range(2)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((HOST, first + 1))
        pair = PortPool(HOST, first, first + 3).take()
        assert pair.port == first + 2
        pair.close()


def test_a_closed_calls_ports_stay_bound_and_serve_nobody_for_a_while() -> None:
    first = free_range(1)
    pool = PortPool(HOST, first, first + 1)
    pair = pool.take()
    pool.give_back(pair, now=100.0)
    pool.drain(100.0 + QUARANTINE_S - 0.1)
    with pytest.raises(NoPortError):
        pool.take()
    assert still_bound(pair)
    pool.drain(100.0 + QUARANTINE_S)
    again = pool.take()
    assert again.port == pair.port
    again.close()


def test_ports_of_a_worker_that_is_gone_rest_as_those_of_a_closed_call() -> None:
    """Its far ends still send there; somebody else's call must not be at the other end."""
    first = free_range(2)
    pool = PortPool(HOST, first, first + 3)
    pool.rest((first,), now=100.0)
    other = pool.take()
    assert other.port == first + 2
    with pytest.raises(NoPortError):
        pool.take()
    pool.drain(100.0 + QUARANTINE_S)
    again = pool.take()
    assert again.port == first
    for pair in (other, again):
        pair.close()


def test_a_port_to_rest_that_somebody_else_has_is_passed_over() -> None:
    first = free_range(1)
    pool = PortPool(HOST, first, first + 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((HOST, first))
        pool.rest((first,), now=100.0)
    pair = pool.take()
    assert pair.port == first
    pair.close()


def still_bound(pair: PortPair) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((HOST, pair.port))
        except OSError:
            return True
    return False


def test_no_more_pairs_are_bound_than_may_be_resting_ones_too() -> None:
    """What is left of the limit of open files is for recordings."""
    first = free_range(3)
    pool = PortPool(HOST, first, first + 5, most_pairs=2)
    resting, live = pool.take(), pool.take()
    pool.give_back(resting, now=100.0)
    with pytest.raises(NoPortError, match="4 sockets are open, .* limit of open files"):
        pool.take()
    pool.drain(100.0 + QUARANTINE_S)
    for pair in (live, pool.take()):
        pair.close()


def test_a_port_serves_one_call_whichever_address_it_is_at() -> None:
    """So that it can rest by its number alone."""
    first = free_range(2)
    pool = PortPool(HOST, first, first + 3)
    here, there = pool.take(), pool.take("::1")
    assert (here.port, there.port) == (first, first + 2)
    assert there.rtp.getsockname()[:2] == ("::1", first + 2)
    assert there.rtcp.family is socket.AF_INET6
    with pytest.raises(NoPortError, match="on ::1 are in use"):
        pool.take("::1")
    for pair in (here, there):
        pair.close()
