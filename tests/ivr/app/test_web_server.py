"""The panel's web server: bound before it starts, stopped with all its connections."""

import asyncio
import socket

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from ivr.app.web_server import WebServer
from tests.support.ports import LOOPBACK


async def hello(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


APP = Starlette(routes=[Route("/", hello)])


def port_of(server: WebServer) -> int:
    return int(server.url.rpartition(":")[2])


async def test_it_serves_at_the_url_it_tells() -> None:
    server = WebServer(APP, LOOPBACK, 0)
    server.start()
    async with httpx2.AsyncClient() as client:
        answer = await client.get(server.url)
    await server.stop()
    assert (answer.text, "server" in answer.headers) == ("hello", False)


def test_a_port_that_is_taken_is_named_with_the_keys_to_set() -> None:
    with socket.socket() as other:
        other.bind((LOOPBACK, 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(OSError, match="Address already in use") as caught:
            WebServer(APP, LOOPBACK, port)
    text = caught.value.strerror or ""
    assert text.startswith(f"cannot serve the panel on {LOOPBACK} port {port}: ")
    assert text.endswith("or set web.host or web.port")


async def test_a_browser_that_comes_before_it_serves_waits() -> None:
    server = WebServer(APP, LOOPBACK, 0)
    async with httpx2.AsyncClient() as client:
        _, writer = await asyncio.open_connection(LOOPBACK, port_of(server))
        server.start()
        answer = await client.get(server.url)
        writer.close()
        await writer.wait_closed()
    await server.stop()
    assert answer.text == "hello"


async def test_it_stops_though_a_browser_keeps_its_connection() -> None:
    server = WebServer(APP, LOOPBACK, 0)
    server.start()
    _, writer = await asyncio.open_connection(LOOPBACK, port_of(server))
    async with asyncio.timeout(20):
        await server.stop()
    writer.close()
    await writer.wait_closed()


async def test_it_can_be_stopped_before_it_ever_served() -> None:
    server = WebServer(APP, LOOPBACK, 0)
    await server.stop()
    with pytest.raises(OSError, match="Connect call failed"):
        await asyncio.open_connection(LOOPBACK, port_of(server))
