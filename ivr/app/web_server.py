"""The web server: uvicorn on a socket that is bound before it starts, so that a taken port is a clear error."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Final

import uvicorn
from starlette.types import ASGIApp

MAX_WEBSOCKET_BYTES: Final = 65536
"The panel's commands are a few hundred bytes."

BACKLOG: Final = 256
"Connections that wait to be accepted."


class _Server(uvicorn.Server):
    """Leaves signals to the gateway."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class WebServer:
    """Serves one ASGI application over HTTP."""

    def __init__(
        self, app: ASGIApp, host: str, port: int, *, what: str = "the panel", table: str = "web"
    ) -> None:
        """Listen, so that connections wait from now on; raise OSError that names an address that cannot be had.

        `what` is served, by the settings of `table`.
        """
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((host, port))
            # Only who listens keeps others from binding the same port, for they may reuse the address too.
            self._socket.listen(BACKLOG)
        except OSError as error:
            self._socket.close()
            reason = (
                f"cannot serve {what} on {host} port {port}: {error.strerror}; "
                f"end the program that uses it, or set {table}.host or {table}.port"
            )
            raise OSError(error.errno, reason) from None
        bound = self._socket.getsockname()
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{bound[1]}"
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            ws="websockets-sansio",
            ws_max_size=MAX_WEBSOCKET_BYTES,
            lifespan="off",
            timeout_graceful_shutdown=2,
        )
        self._server = _Server(config)
        self._serving: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Accept connections, those that wait first."""
        self._serving = asyncio.get_running_loop().create_task(
            self._server.serve(sockets=[self._socket])
        )

    async def stop(self) -> None:
        """Finish requests, close connections."""
        self._server.should_exit = True
        if self._serving is not None:
            await self._serving
        self._socket.close()
