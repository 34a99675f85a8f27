"""To the browser: views written as JSON frames.

Rules: views go out whole, never as differences. Masks are masked once more here: a digit may pass only as one of the
last four of a valid card number.
"""

import json
from dataclasses import dataclass
from typing import Final

from agent_panel.commands import PROTOCOL_VERSION
from agent_panel.wording import (
    ERROR_SENTENCES,
    FIELD_LABELS,
    HEADLINES,
    INTERACTION_LABELS,
    RESULT_SENTENCES,
    brand_label,
    guidance,
)
from ivr.money import Money
from ivr.session.ports import User
from ivr.session.view import AgentView, CallView, FieldView, ProfileView
from ivr.session.words import FieldName, FieldState, Status

_VISIBLE_DIGITS: Final = 4
"PCI DSS 3.4.1 lets the last four of a card number be shown."

_LEAST_HIDDEN: Final = 8
"A card number has at least twelve digits; anything shorter is no card number and shows nothing."

_CAPTURABLE: Final = frozenset({Status.COLLECTING, Status.COLLECTED, Status.DECLINED})

_CANCELLABLE: Final = _CAPTURABLE | {Status.CREATED, Status.WAITING, Status.SEND_FAILED}

_ENDED: Final = frozenset(
    {
        Status.SUCCEEDED,
        Status.FAILED,
        Status.REVIEW,
        Status.CANCELLED,
        Status.CUSTOMER_DECLINED,
        Status.EXPIRED,
    }
)
"Another payment may start on the same call after these; after `declined` once it has a result."


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All that an agent sees at one moment."""

    now: str
    "The server's clock, ISO 8601 UTC: the browser counts durations against it."

    user: User

    profiles: list[ProfileView]

    calls: list[CallView]

    sessions: list[AgentView]


def snapshot_frame(snapshot: Snapshot) -> str:
    """Return the first frame of a channel: everything."""
    return _frame(
        "snapshot",
        now=snapshot.now,
        user={"agent": snapshot.user.agent, "name": snapshot.user.display_name},
        profiles=[_profile(profile) for profile in snapshot.profiles],
        interaction_types=[
            {"name": name.value, "label": label} for name, label in INTERACTION_LABELS.items()
        ],
        calls=[_call(call) for call in snapshot.calls],
        sessions=[_session(view) for view in snapshot.sessions],
    )


def calls_frame(calls: tuple[CallView, ...]) -> str:
    """Return the agent's live calls, all of them."""
    return _frame("calls", calls=[_call(call) for call in calls])


def session_frame(view: AgentView) -> str:
    """Return one payment session, whole."""
    return _frame("session", session=_session(view))


def reply_frame(id: str, view: AgentView) -> str:
    """Return the answer to a command that was obeyed."""
    return _frame("reply", id=id, session=_session(view))


def error_frame(id: str | None, code: str, message: str, field: str) -> str:
    """Return the answer to a frame that was not obeyed."""
    return _frame("error", id=id, code=code, message=message, field=field)


def ping_frame() -> str:
    """Return the frame that the browser answers with `pong`."""
    return _frame("ping")


def shown_mask(field: FieldView) -> str:
    """Return the mask with every character that may not be seen turned into an asterisk."""
    hidden = len(field.mask)
    if field.name is FieldName.CARD_NUMBER and field.state is FieldState.VALID:
        hidden = max(hidden - _VISIBLE_DIGITS, min(hidden, _LEAST_HIDDEN))
    return "".join("*" if index < hidden else char for index, char in enumerate(field.mask))


def _frame(type: str, **body: object) -> str:
    # ASCII only: a caller's name with a lone surrogate must not stop the channel.
    return json.dumps({"v": PROTOCOL_VERSION, "type": type, **body}, separators=(",", ":"))


def _money(amount: Money) -> dict[str, object]:
    return {"minor": amount.minor, "currency": amount.currency, "text": str(amount)}


def _profile(profile: ProfileView) -> dict[str, object]:
    return {
        "name": profile.name,
        "label": profile.label,
        "currency": profile.currency,
        "minimum": _money(profile.minimum),
        "maximum": _money(profile.maximum),
        "fields": [name.value for name in profile.fields],
    }


def _call(call: CallView) -> dict[str, object]:
    return {
        "call": call.call,
        "caller": call.caller,
        "called": call.called,
        "state": call.state,
        "secure": call.secure,
        "recorder": call.recorder.value,
        "started_at": call.started_at,
        "caller_muted": call.muted,
    }


def _field(field: FieldView, *, can_capture: bool) -> dict[str, object]:
    message = field.message or (ERROR_SENTENCES[field.error] if field.error else "")
    return {
        "name": field.name.value,
        "label": FIELD_LABELS[field.name],
        "state": field.state.value,
        "mask": shown_mask(field),
        "brand": field.brand,
        "brand_label": brand_label(field.brand) if field.brand else "",
        "error": field.error.value if field.error else None,
        "message": message,
        "attempt": field.attempt,
        "attempts_allowed": field.attempts_allowed,
        "can_capture": can_capture,
    }


def _session(view: AgentView) -> dict[str, object]:
    ended = view.status in _ENDED or (view.status is Status.DECLINED and view.result is not None)
    can_capture = view.status in _CAPTURABLE and not ended
    message = view.message or (RESULT_SENTENCES[view.result] if view.result else "")
    return {
        "session": view.session,
        "call": view.call,
        "seq": view.seq,
        "status": view.status.value,
        "headline": HEADLINES[view.status],
        "message": message,
        "guidance": guidance(view.status, ended=ended),
        "payee": view.payee,
        "interaction_type": view.interaction_type.value,
        "interaction_label": INTERACTION_LABELS[view.interaction_type],
        "profile": view.profile,
        "amount": _money(view.amount),
        "reason": view.reason,
        "fields": [_field(field, can_capture=can_capture) for field in view.fields],
        "collecting": view.collecting.value if view.collecting else None,
        "seconds_left": view.seconds_left,
        "secure": view.secure,
        "recorder": view.recorder.value,
        "caller_muted": view.caller_muted,
        "result": view.result.value if view.result else None,
        "confirmation": view.confirmation,
        "can_submit": view.status is Status.COLLECTED,
        "can_cancel": view.status in _CANCELLABLE and not ended,
        "ended": ended,
    }
