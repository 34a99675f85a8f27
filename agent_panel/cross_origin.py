"""No other site may act in an agent's name.

The algorithm is that of Go's `http.CrossOriginProtection`: the browser says where a request comes from
(`Sec-Fetch-Site`, Fetch Metadata; `Origin`, RFC 6454), and what says nothing is no browser. WebSocket handshakes
are not bound by the same-origin policy, so there `Origin` must be present and ours (RFC 6455 section 10.2).
"""

from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from agent_panel.cookies import SessionCookie

_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_SITES: Final = frozenset({"same-origin", "none"})


def may_change_state(headers: Headers, *, has_cookie: bool) -> bool:
    """Return whether a request with an unsafe method comes from our own pages, or from no browser at all."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in _OWN_SITES
    if "origin" in headers:
        return is_own_origin(headers)
    return not has_cookie


def is_own_origin(headers: Headers) -> bool:
    """Return whether `Origin` is present and names the host that was asked."""
    try:
        origin = urlsplit(headers.get("origin", ""))
    except ValueError:
        return False
    host = headers.get("host", "")
    return origin.scheme in ("http", "https") and host != "" and origin.netloc == host


class CrossOriginGuard:
    """ASGI middleware that turns foreign requests away before anything reads them."""

    def __init__(self, app: ASGIApp, *, cookie: SessionCookie) -> None:
        self._app = app
        self._cookie = cookie

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or answer 403 (a WebSocket handshake is refused the same way)."""
        if scope["type"] == "websocket":
            if not is_own_origin(Headers(scope=scope)):
                await receive()  # ASGI: `websocket.connect` comes before any answer
                await send({"type": "websocket.close", "code": 1008, "reason": ""})
                return
        elif scope["type"] == "http" and scope["method"] not in _SAFE_METHODS:
            has_cookie = self._cookie.token(HTTPConnection(scope)) is not None
            if not may_change_state(Headers(scope=scope), has_cookie=has_cookie):
                refusal = PlainTextResponse("This request came from another site.", status_code=403)
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)
