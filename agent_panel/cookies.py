"""The cookie that says which server-side session a browser has; it holds a random token and nothing else."""

from dataclasses import dataclass

from starlette.requests import HTTPConnection
from starlette.responses import Response

_NAME = "tonewall-session"

_MAX_TOKEN_CHARS = 256
"Longer than any token that is handed out; a longer one is not even looked up."


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionCookie:
    """Reads, sets and clears the session cookie (RFC 6265bis)."""

    secure: bool
    "Served over TLS: `Secure` and the `__Host-` prefix, so that no sibling host can plant one."

    @property
    def name(self) -> str:
        """The cookie's name."""
        return f"__Host-{_NAME}" if self.secure else _NAME

    def token(self, connection: HTTPConnection) -> str | None:
        """Return the token that the browser sent, or None."""
        token = connection.cookies.get(self.name, "")
        return token if 0 < len(token) <= _MAX_TOKEN_CHARS else None

    def set_on(self, response: Response, token: str) -> None:
        """Give the browser its token, until it is closed."""
        response.set_cookie(
            self.name, token, path="/", secure=self.secure, httponly=True, samesite="strict"
        )

    def clear_on(self, response: Response) -> None:
        """Take the token back."""
        response.delete_cookie(
            self.name, path="/", secure=self.secure, httponly=True, samesite="strict"
        )
