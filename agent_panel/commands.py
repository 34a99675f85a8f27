"""From the browser: JSON frames read into commands.

Rules: nothing but :class:`ProtocolError` leaves this file; every text has a length; a message never repeats what was
typed, because an agent may have typed a card number. What a payment may be is the session's to check, not ours.
"""

import json
from dataclasses import dataclass
from typing import Final

from agent_panel.errors import ProtocolError
from ivr.session.view import CallId, SessionId, StartPayment
from ivr.session.words import FieldName, InteractionType

PROTOCOL_VERSION: Final = 1
"The `v` of every frame in both directions."

MAX_FRAME_CHARS: Final = 4096
"Characters in a frame from the browser: the longest honest `start` is under 1000."

_MAX_ID_CHARS: Final = 64
_MAX_REFERENCE_CHARS: Final = 256
"Call and session identifiers; a SIP Call-ID is rarely over 100."

_MAX_TYPED_CHARS: Final = 400
"Anything longer is no honest input; the session has its own, shorter limits."


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Take a payment on a call."""

    id: str

    request: StartPayment


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """Ask for one field (again)."""

    id: str

    session: SessionId

    field: FieldName


@dataclass(frozen=True, slots=True, kw_only=True)
class Submit:
    """Charge the card."""

    id: str

    session: SessionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """End the session unpaid."""

    id: str

    session: SessionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Pong:
    """The browser is still there."""


Command = Start | Capture | Submit | Cancel


def parse_frame(text: str) -> Command | Pong:
    """Read one frame; raise :class:`ProtocolError`, which carries the command's id where it has one."""
    frame = _read_object(text)
    if frame.get("type") == "pong":
        return Pong()
    id = frame.get("id")
    if not isinstance(id, str) or not 0 < len(id) <= _MAX_ID_CHARS or not id.isprintable():
        raise ProtocolError("malformed-message", "The command has no id.", field="id")
    try:
        return _parse_command(id, frame)
    except ProtocolError as error:
        error.id = id
        raise


def _read_object(text: str) -> dict[str, object]:
    if len(text) > MAX_FRAME_CHARS:
        raise ProtocolError("message-too-large", "The message is too large.")
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError):
        # "from None": a decode error carries the whole text, and with it whatever was typed.
        raise ProtocolError("malformed-message", "The message is not JSON.") from None
    if not isinstance(frame, dict):
        raise ProtocolError("malformed-message", "The message is not a JSON object.")
    if frame.get("v") != PROTOCOL_VERSION:
        raise ProtocolError("unsupported-version", "Reload the page: it is older than the server.")
    return frame


def _parse_command(id: str, frame: dict[str, object]) -> Command:
    match frame.get("type"):
        case "start":
            return Start(id=id, request=_start_payment(frame))
        case "capture":
            return Capture(id=id, session=_session(frame), field=_field_name(frame))
        case "submit":
            return Submit(id=id, session=_session(frame))
        case "cancel":
            return Cancel(id=id, session=_session(frame))
        case _:
            raise ProtocolError("unknown-command", "The server does not know this command.")


def _start_payment(frame: dict[str, object]) -> StartPayment:
    return StartPayment(
        call=CallId(_reference(frame, "call")),
        payee=_typed(frame, "payee"),
        interaction_type=_interaction_type(frame),
        profile=_typed(frame, "profile"),
        amount=_typed(frame, "amount"),
        reason=_typed(frame, "reason"),
    )


def _interaction_type(frame: dict[str, object]) -> InteractionType:
    try:
        return InteractionType(_typed(frame, "interaction_type"))
    except ValueError:
        raise _invalid("interaction_type", "Choose what the payment is for.") from None


def _field_name(frame: dict[str, object]) -> FieldName:
    try:
        return FieldName(_reference(frame, "field"))
    except ValueError:
        raise ProtocolError("malformed-message", "There is no such field.", field="field") from None


def _session(frame: dict[str, object]) -> SessionId:
    return SessionId(_reference(frame, "session"))


def _reference(frame: dict[str, object], key: str) -> str:
    value = frame.get(key)
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_REFERENCE_CHARS:
        raise ProtocolError("malformed-message", f"The command has no {key}.", field=key)
    return value


def _typed(frame: dict[str, object], field: str) -> str:
    """Return what a person typed, its white space evened out; an input that is left out is empty."""
    value = frame.get(field, "")
    if not isinstance(value, str):
        raise ProtocolError("malformed-message", "This must be text.", field=field)
    text = " ".join(value.split())
    if len(text) > _MAX_TYPED_CHARS:
        raise _invalid(field, "This is too long.")
    if not text.isprintable():
        raise _invalid(field, "Remove the characters that cannot be shown.")
    return text


def _invalid(field: str, message: str) -> ProtocolError:
    return ProtocolError("validation-error", message, field=field)
