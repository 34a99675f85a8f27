"""The panel's pages: sign in, sign out, the one page behind."""

from http import HTTPStatus

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from agent_panel.cookies import SessionCookie
from agent_panel.deps import PanelDeps
from agent_panel.paths import CHANNEL_PATH, PANEL_PATH, SIGN_IN_PATH, SIGN_OUT_PATH, STATIC_PATH
from agent_panel.ws import OpenChannels
from ivr.session.ports import User
from ivr.session.words import Role

_MAX_FORM_FIELDS = 8
_MAX_USERNAME_CHARS = 128
_MAX_PASSWORD_CHARS = 1024
"argon2 takes any length; this bounds what one guess may cost."

_REFUSED = "User name and password do not match. After several wrong tries, sign-in pauses for a few minutes."
"The same words whether the user is unknown, the password is wrong or the account is locked: none of them is told."


class Pages:
    """The handlers of the panel's HTTP routes."""

    def __init__(self, deps: PanelDeps, cookie: SessionCookie, channels: OpenChannels) -> None:
        self._deps = deps
        self._cookie = cookie
        self._channels = channels
        self._templates = Environment(
            loader=PackageLoader("agent_panel"), autoescape=True, undefined=StrictUndefined
        )
        self._templates.globals.update(
            static_path=STATIC_PATH,
            sign_in_path=SIGN_IN_PATH,
            sign_out_path=SIGN_OUT_PATH,
            channel_path=CHANNEL_PATH,
            panel_path=PANEL_PATH,
        )

    async def front(self, request: Request) -> Response:
        """GET /: to the panel."""
        return _see_other(PANEL_PATH)

    async def panel(self, request: Request) -> Response:
        """GET /panel: the agent's page, or the way to sign in."""
        user = await self._find_user(request)
        if user is None:
            return _see_other(SIGN_IN_PATH)
        return self._render("panel.html", user=user, is_agent=Role.AGENT in user.roles)

    async def sign_in_form(self, request: Request) -> Response:
        """GET /panel/sign-in: `?ended=1` says why the agent is here again."""
        if await self._find_user(request) is not None:
            return _see_other(PANEL_PATH)
        notice = "You have been signed out." if "ended" in request.query_params else ""
        return self._render("sign_in.html", username="", error="", notice=notice)

    async def sign_in(self, request: Request) -> Response:
        """POST /panel/sign-in: form fields `username` and `password`."""
        form = await request.form(max_files=0, max_fields=_MAX_FORM_FIELDS)
        username, password = form.get("username"), form.get("password")
        if not isinstance(username, str) or not isinstance(password, str):
            raise HTTPException(HTTPStatus.BAD_REQUEST)
        username = username.strip()
        if not username or not password:
            return self._sign_in_refused(username, "Enter your user name and your password.", 422)
        if len(username) > _MAX_USERNAME_CHARS or len(password) > _MAX_PASSWORD_CHARS:
            return self._sign_in_refused("", _REFUSED, 403)
        origin = request.client.host if request.client else ""
        token = await self._deps.accounts.sign_in(username, password, origin=origin)
        if token is None:
            return self._sign_in_refused(username, _REFUSED, 403)
        await self._end_session(request)
        response = _see_other(PANEL_PATH)
        self._cookie.set_on(response, token)
        return response

    async def sign_out(self, request: Request) -> Response:
        """POST /panel/sign-out: ends the session here and on the server."""
        await self._end_session(request)
        response = _see_other(f"{SIGN_IN_PATH}?ended=1")
        self._cookie.clear_on(response)
        return response

    async def problem(self, request: Request, error: Exception) -> Response:
        """Any error, without a word of what was sent or what broke."""
        code = error.status_code if isinstance(error, HTTPException) else 500
        headers = error.headers if isinstance(error, HTTPException) else None
        return HTMLResponse(
            self._text("problem.html", code=code, phrase=HTTPStatus(code).phrase),
            status_code=code,
            headers=headers,
        )

    async def _find_user(self, request: Request) -> User | None:
        token = self._cookie.token(request)
        return None if token is None else await self._deps.accounts.find_user(token)

    async def _end_session(self, request: Request) -> None:
        token = self._cookie.token(request)
        if token is not None:
            await self._deps.accounts.sign_out(token)
            self._channels.end(token)

    def _sign_in_refused(self, username: str, error: str, code: int) -> Response:
        return HTMLResponse(
            self._text("sign_in.html", username=username, error=error, notice=""), status_code=code
        )

    def _render(self, template: str, **context: object) -> Response:
        return HTMLResponse(self._text(template, **context))

    def _text(self, template: str, **context: object) -> str:
        return self._templates.get_template(template).render(**context)


def _see_other(path: str) -> RedirectResponse:
    return RedirectResponse(path, status_code=HTTPStatus.SEE_OTHER)
