"""Which phone is where: REGISTER with digest (RFC 3261 sections 10.3 and 22)."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from bridge.errors import RemoteProtocolError
from bridge.sip import grammar
from bridge.sip.config import SipConfig
from bridge.sip.digest import Credentials, Nonces, NonceState, challenges, is_right
from bridge.sip.events import Registered, RegistrationRefused, Unregistered
from bridge.sip.failed_logins import FailedLogins
from bridge.sip.incoming import Address, IncomingRequest
from bridge.sip.name_addr import NameAddr
from bridge.sip.uri import SIP_SCHEMES, Uri

_WILDCARD = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """One registered phone."""

    contact: Uri
    "Request-URI of calls to it."

    destination: Address
    "Where its REGISTER came from, which works through address translators too."

    expires_at: float
    "Monotonic seconds."


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterOutcome:
    """What a REGISTER is answered, and what there is to tell."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    events: tuple[Registered | Unregistered | RegistrationRefused, ...] = ()


class _Login(Enum):
    """What came of the credentials."""

    RIGHT = auto()
    MISSING = auto()
    STALE = auto()
    WRONG = auto()


class Registrar:
    """Bindings by user. The order of CSeq is not checked: the nonce tells a replay, and phones restart."""

    def __init__(
        self,
        config: SipConfig,
        *,
        token: Callable[[], str],
        password_of: Callable[[str], str | None],
    ) -> None:
        self._config = config
        self._token = token
        self._password_of = password_of
        self._nonces = Nonces(
            secret=token(),
            lifetime_s=config.nonce_lifetime_s,
            capacity=2 * config.limits.bindings,
        )
        self._failed = FailedLogins(config.limits)
        self._bindings: dict[str, list[Binding]] = {}
        "Of each user, the latest last."
        self._next_expiry: float | None = None

    def register(self, request: IncomingRequest, now: float) -> RegisterOutcome:
        """Read one REGISTER."""
        if self._failed.is_barred(request.source[0], now):
            return RegisterOutcome(status=403)
        login = self._log_in(request, now)
        if login is _Login.WRONG:
            self._failed.count(request.source[0], now)
            user = request.to.uri.user or ""
            known = user if self._password_of(user) is not None else ""
            refused = RegistrationRefused(user=known, source=request.source)
            return RegisterOutcome(status=403, events=(refused,))
        if login is not _Login.RIGHT:
            nonce = self._nonces.issue(self._token(), now)
            asked = challenges(
                self._config.realm,
                nonce,
                self._config.digest_algorithms,
                stale=login is _Login.STALE,
            )
            headers = tuple(("WWW-Authenticate", value) for value in asked)
            return RegisterOutcome(status=401, headers=headers)
        return self._update(request, now)

    def location_of(self, user: str, now: float) -> Binding | None:
        """Return the phone of `user` that was heard of last, None where none is registered."""
        live = [b for b in self._bindings.get(user, ()) if b.expires_at > now]
        return live[-1] if live else None

    def next_timer(self) -> float | None:
        """Return when the next binding expires."""
        return self._next_expiry

    def expire(self, now: float) -> list[Unregistered]:
        """Forget what has expired, and tell of the users who have no phone left."""
        gone: list[Unregistered] = []
        for user, bindings in list(self._bindings.items()):
            live = [b for b in bindings if b.expires_at > now]
            if len(live) < len(bindings):
                gone.extend(self._store(user, live))
        return gone

    def _log_in(self, request: IncomingRequest, now: float) -> _Login:
        credentials = self._find_credentials(request)
        if credentials is None:
            return _Login.MISSING
        state = self._nonces.check(credentials.nonce, now)
        if state is NonceState.FOREIGN:
            return _Login.MISSING
        password = self._password_of(credentials.username)
        # An unknown user takes as long as a wrong password.
        is_good = is_right(credentials, method=request.method, password=password or "")
        if password is None or not is_good or credentials.username != request.to.uri.user:
            return _Login.WRONG
        if state is NonceState.STALE:
            return _Login.STALE
        is_new = self._nonces.use(credentials.nonce, credentials.nonce_count)
        return _Login.RIGHT if is_new else _Login.STALE

    def _find_credentials(self, request: IncomingRequest) -> Credentials | None:
        """Return the first credentials that answer a challenge of ours; those that cannot be read count as none."""
        for text in request.message.headers.get_all("Authorization"):
            try:
                credentials = Credentials.parse(text)
            except RemoteProtocolError:
                continue
            is_asked = credentials.algorithm in self._config.digest_algorithms
            if credentials.realm == self._config.realm and is_asked:
                return credentials
        return None

    def _update(self, request: IncomingRequest, now: float) -> RegisterOutcome:
        user = request.to.uri.user or ""
        headers = request.message.headers
        if _WILDCARD in headers.get_all("Contact"):
            if request.contacts or headers.get("Expires") != "0":
                return RegisterOutcome(status=400)
            return self._accepted(user, [], (), now)
        default_s = _read_expires(headers.get("Expires"), self._config.max_expires_s)
        bindings = [b for b in self._bindings.get(user, ()) if b.expires_at > now]
        registered: list[Registered] = []
        for contact in request.contacts:
            expires_s = min(
                _read_expires(contact.parameters.get("expires"), default_s),
                self._config.max_expires_s,
            )
            if contact.uri.scheme not in SIP_SCHEMES:
                return RegisterOutcome(status=400)
            if 0 < expires_s < self._config.min_expires_s:
                least = ("Min-Expires", str(self._config.min_expires_s))
                return RegisterOutcome(status=423, headers=(least,))
            bindings = [b for b in bindings if b.contact != contact.uri]
            if expires_s > 0:
                binding, event = _bind(user, contact, request.source, expires_s, now)
                bindings.append(binding)
                registered.append(event)
        if registered and user not in self._bindings and self._is_full:
            retry_after = ("Retry-After", str(self._config.limits.retry_after_s))
            return RegisterOutcome(status=503, headers=(retry_after,))
        return self._accepted(user, bindings, tuple(registered), now)

    @property
    def _is_full(self) -> bool:
        return len(self._bindings) >= self._config.limits.bindings

    def _accepted(
        self, user: str, bindings: list[Binding], registered: tuple[Registered, ...], now: float
    ) -> RegisterOutcome:
        kept = bindings[-self._config.limits.contacts_per_user :]
        unregistered = self._store(user, kept)
        contacts = tuple(
            ("Contact", f"<{b.contact}>;expires={round(b.expires_at - now)}") for b in kept
        )
        return RegisterOutcome(status=200, headers=contacts, events=(*registered, *unregistered))

    def _store(self, user: str, bindings: list[Binding]) -> list[Unregistered]:
        was_known = self._bindings.pop(user, None) is not None
        if bindings:
            self._bindings[user] = bindings
        expiries = (b.expires_at for known in self._bindings.values() for b in known)
        self._next_expiry = min(expiries, default=None)
        return [Unregistered(user=user)] if was_known and not bindings else []


def _bind(
    user: str, contact: NameAddr, source: Address, expires_s: int, now: float
) -> tuple[Binding, Registered]:
    binding = Binding(contact=contact.uri, destination=source, expires_at=now + expires_s)
    event = Registered(user=user, contact=contact.uri, destination=source, expires_s=expires_s)
    return binding, event


def _read_expires(text: str | None, default_s: int) -> int:
    """Return seconds; one that cannot be read counts as the default (RFC 3261 section 10.3)."""
    if text is None:
        return default_s
    try:
        return grammar.parse_number(text.strip(), maximum=2**32 - 1, what="Expires")
    except RemoteProtocolError:
        return default_s
