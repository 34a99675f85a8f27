"""Digits in INFO bodies: `application/dtmf-relay` and `application/dtmf`, as phones and carriers send them.

Rules of this file: a digit leaves in a `HiddenKey` only; no error says what a body held.
"""

from typing import Final

from bridge.errors import RemoteProtocolError
from bridge.sip import grammar
from dtmf.keys import HiddenKey

RELAY: Final = "application/dtmf-relay"
"`Signal=5` and `Duration=160` on lines of their own."

PLAIN: Final = "application/dtmf"
"The digit alone."

MAX_DURATION_MS: Final = 60_000
"A press that is said to be longer than a minute is nonsense."

MAX_BODY_BYTES: Final = 256
"A body for one digit has about 30 bytes."

_NAMES: Final = {"10": "*", "11": "#", "12": "A", "13": "B", "14": "C", "15": "D"}
"Event codes that some gateways write for the keys beyond 9 (RFC 4733 section 3.2)."


class InfoDtmfError(RemoteProtocolError):
    """The INFO holds no digit that can be read."""


def parse_info_digit(content_type: str, body: bytes) -> tuple[HiddenKey, int | None]:
    """Return the key and its duration in ms (None where it is not told).

    Raises InfoDtmfError for another content type, or a body with no key in it.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in (RELAY, PLAIN):
        raise InfoDtmfError("the INFO is of another content type than digits")
    if len(body) > MAX_BODY_BYTES:
        raise InfoDtmfError("the INFO is too long for one digit")
    fields = _read_fields(body.decode("latin-1"))
    signal = fields.get("signal", "") if kind == RELAY or "signal" in fields else _bare(body)
    return _read_key(signal), _read_duration(fields.get("duration"))


def _read_fields(text: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in text.splitlines())
    return {name.strip().lower(): value.strip() for name, equals, value in pairs if equals}


def _bare(body: bytes) -> str:
    return body.decode("latin-1").strip()


def _read_key(signal: str) -> HiddenKey:
    try:
        return HiddenKey(_NAMES.get(signal, signal.upper()))
    except ValueError:
        raise InfoDtmfError("the INFO names no key") from None


def _read_duration(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return grammar.parse_number(text, maximum=MAX_DURATION_MS, what="duration")
    except RemoteProtocolError:
        return None
