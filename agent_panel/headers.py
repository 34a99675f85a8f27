"""Security headers on every response, the ones for broken requests included."""

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        # No policy can be made, so no string ever becomes markup or script.
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
"CSP Level 3 and Trusted Types."

_ALWAYS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=()",
}

_STRICT_TRANSPORT_SECURITY: Final = "max-age=31536000"
"One year (RFC 6797); subdomains are not ours to speak for."


class SecurityHeaders:
    """ASGI middleware; wrap it round everything else."""

    def __init__(self, app: ASGIApp, *, secure: bool, static_path: str) -> None:
        self._app = app
        self._secure = secure
        self._static_path = static_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, adding headers to the response."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add(MutableHeaders(scope=message), scope["path"])
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _add(self, headers: MutableHeaders, path: str) -> None:
        headers.update(_ALWAYS)
        if self._secure:
            headers["Strict-Transport-Security"] = _STRICT_TRANSPORT_SECURITY
        is_static = path.startswith(self._static_path)
        headers["Cache-Control"] = "no-cache" if is_static else "no-store"
