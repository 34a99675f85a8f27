"""What a request is refused for before anybody looks at what it wants (RFC 3261 section 8.2)."""

from dataclasses import dataclass
from typing import Final

from bridge.sip.in_dialog import SDP
from bridge.sip.incoming import IncomingRequest
from bridge.sip.reply import ALLOWED_METHODS
from bridge.sip.uri import SIP_SCHEMES

ALLOW: Final = ("Allow", ALLOWED_METHODS)
"Header that says what we do."

ACCEPT: Final = ("Accept", SDP)
"Header that says what we read."

_KNOWN_METHODS: Final = frozenset(ALLOWED_METHODS.split(", "))
_SCHEMES: Final = SIP_SCHEMES | {"tel"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A final response other than 2xx."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()


def refusal_of(request: IncomingRequest) -> Refusal | None:
    """Return what `request` is refused with, None where nothing is wrong; in the order of section 8.2."""
    if request.method not in _KNOWN_METHODS:
        return Refusal(status=405, headers=(ALLOW,))
    if request.uri.scheme not in _SCHEMES:
        return Refusal(status=416)
    if request.required:
        return Refusal(status=420, headers=(("Unsupported", ", ".join(request.required)),))
    if request.method == "INVITE" and not _is_sdp_or_nothing(request):
        return Refusal(status=415, headers=(ACCEPT,))
    return None


def _is_sdp_or_nothing(request: IncomingRequest) -> bool:
    message = request.message
    if not message.body:
        return True
    content_type = (message.headers.get("Content-Type") or "").partition(";")[0]
    encoding = (message.headers.get("Content-Encoding") or "identity").lower()
    return content_type.strip().lower() == SDP and encoding == "identity"
