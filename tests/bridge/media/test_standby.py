"""A worker process before it has its settings."""

import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest

from bridge.media import messages as m
from bridge.media.message_codec import MAX_MESSAGE_BYTES, decode
from bridge.media.settings import MAX_SETTINGS_BYTES, WorkerSettings
from bridge.media.standby import await_settings
from bridge.media.worker import GatewayGoneError

SETTINGS = WorkerSettings(host="127.0.0.1", first_port=0, last_port=0, calls=2)


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    gateway, worker = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with gateway, worker:
        yield gateway, worker


def test_settings_that_are_there_are_taken_at_once(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    gateway, worker = ends
    gateway.send(SETTINGS.to_json().encode())
    assert await_settings(worker, heartbeat_s=30.0) == SETTINGS


def test_the_ports_of_as_many_calls_as_can_be_configured_fit(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    gateway, worker = ends
    full = replace(SETTINGS, resting_ports=tuple(range(50_000, 58_000)))
    assert len(full.to_json()) < MAX_SETTINGS_BYTES
    gateway.send(full.to_json().encode())
    assert await_settings(worker) == full


def test_until_then_it_tells_that_it_lives_and_waits_for_no_reader(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    """A gateway that reads nothing for a while is no reason to end: what it has not read is heartbeats."""
    gateway, worker = ends
    worker.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)

    class Impatient(socket.socket):
        waits = 0

        def recv(self, size: int, flags: int = 0) -> bytes:
            self.waits += 1
            if self.waits == 100:
                gateway.send(SETTINGS.to_json().encode())
            return super().recv(size, flags)

    with Impatient(fileno=worker.detach()) as impatient:
        assert await_settings(impatient, heartbeat_s=0.001) == SETTINGS
    assert isinstance(decode(gateway.recv(MAX_MESSAGE_BYTES)), m.Heartbeat)


def test_it_ends_where_the_gateway_is_gone(ends: tuple[socket.socket, socket.socket]) -> None:
    gateway, worker = ends
    gateway.close()
    with pytest.raises(GatewayGoneError):
        await_settings(worker)
