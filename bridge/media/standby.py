"""A media worker before it has its settings: it waits, and tells that it lives."""

import socket
from typing import Final

from bridge.media import messages as m
from bridge.media.message_codec import encode
from bridge.media.settings import MAX_SETTINGS_BYTES, WorkerSettings
from bridge.media.worker import HEARTBEAT_S, GatewayGoneError

_IDLE: Final = encode(m.Heartbeat(calls=0, late_ticks=0))


def await_settings(control: socket.socket, heartbeat_s: float = HEARTBEAT_S) -> WorkerSettings:
    """Return the settings once the gateway sends them; raise :class:`GatewayGoneError` where it is gone before."""
    control.settimeout(heartbeat_s)
    while True:
        try:
            text = control.recv(MAX_SETTINGS_BYTES)
        except TimeoutError:
            _tell_that_it_lives(control)
            continue
        except OSError as error:
            raise GatewayGoneError from error
        if not text:
            raise GatewayGoneError
        return WorkerSettings.from_json(text.decode())


def _tell_that_it_lives(control: socket.socket) -> None:
    try:
        control.send(_IDLE)
    except TimeoutError:
        pass  # the gateway does not read just now; the next one will do
    except OSError as error:
        raise GatewayGoneError from error
