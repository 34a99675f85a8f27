"""The panel as an ASGI application."""

from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp
from starlette.websockets import WebSocket

from agent_panel.channel import CloseCode
from agent_panel.cookies import SessionCookie
from agent_panel.cross_origin import CrossOriginGuard
from agent_panel.deps import PanelDeps
from agent_panel.headers import SecurityHeaders
from agent_panel.pages import Pages
from agent_panel.paths import CHANNEL_PATH, PANEL_PATH, SIGN_IN_PATH, SIGN_OUT_PATH, STATIC_PATH
from agent_panel.ws import ChannelShell, OpenChannels
from ivr.session.words import Role

MAX_BODY_BYTES: Final = 8192
"The sign-in form is the largest body there is, and is under 4 KB at its longest."

_STATIC_FOLDER = Path(__file__).parent / "static"


def create_app(deps: PanelDeps) -> ASGIApp:
    """Return the panel; it serves `/` and everything under `/panel`."""
    cookie = SessionCookie(secure=deps.secure_cookies)
    channels = OpenChannels()
    pages = Pages(deps, cookie, channels)

    async def channel(websocket: WebSocket) -> None:
        await _serve_channel(websocket, deps, cookie, channels)

    app = Starlette(
        routes=[
            Route("/", pages.front),
            Route(PANEL_PATH, pages.panel),
            Route(SIGN_IN_PATH, pages.sign_in_form, methods=["GET"]),
            Route(SIGN_IN_PATH, pages.sign_in, methods=["POST"]),
            Route(SIGN_OUT_PATH, pages.sign_out, methods=["POST"]),
            WebSocketRoute(CHANNEL_PATH, channel),
            Mount(STATIC_PATH, StaticFiles(directory=_STATIC_FOLDER)),
        ],
        exception_handlers={HTTPException: pages.problem, Exception: pages.problem},
        max_body_size=MAX_BODY_BYTES,
    )
    # Outside of Starlette, so that its own error answers get the headers too.
    return SecurityHeaders(
        CrossOriginGuard(app, cookie=cookie), secure=deps.secure_cookies, static_path=STATIC_PATH
    )


async def _serve_channel(
    websocket: WebSocket, deps: PanelDeps, cookie: SessionCookie, channels: OpenChannels
) -> None:
    token = cookie.token(websocket)
    user = None if token is None else await deps.accounts.find_user(token)
    # Accepted first: a refused handshake would hide the close code from the page.
    await websocket.accept()
    if token is None or user is None:
        await websocket.close(CloseCode.SIGNED_OUT)
    elif Role.AGENT not in user.roles:
        await websocket.close(CloseCode.NO_AGENT_ROLE)
    else:
        shell = ChannelShell(websocket, deps, user, token)
        with channels.joined(token, shell):
            await shell.run()
