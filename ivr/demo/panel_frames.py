"""Frames of the panel's channel (docs/panel-protocol.md) read back into views: what the demo's agent can see.

The demo reads what a browser gets, so that what it tells and counts came through the panel's own door.
"""

from typing import Any

from ivr.money import Money
from ivr.session.view import AgentId, AgentView, CallId, FieldView, SessionId
from ivr.session.words import (
    ErrorType,
    FieldName,
    FieldState,
    InteractionType,
    RecorderState,
    Result,
    Status,
)

Frame = dict[str, Any]


def view_of(session: Frame, agent: AgentId) -> AgentView:
    """Return the view in a `session` object of the channel; `agent` is who is signed in.

    Raise KeyError or ValueError for an object of another form.
    """
    return AgentView(
        session=SessionId(session["session"]),
        call=CallId(session["call"]),
        agent=agent,
        status=Status(session["status"]),
        payee=session["payee"],
        interaction_type=InteractionType(session["interaction_type"]),
        profile=session["profile"],
        amount=Money(session["amount"]["minor"], session["amount"]["currency"]),
        reason=session["reason"],
        fields=tuple(_field_of(field) for field in session["fields"]),
        collecting=FieldName(session["collecting"]) if session["collecting"] else None,
        seconds_left=session["seconds_left"],
        secure=session["secure"],
        recorder=RecorderState(session["recorder"]),
        result=Result(session["result"]) if session["result"] else None,
        message=session["message"],
        confirmation=session["confirmation"],
        seq=session["seq"],
    )


def _field_of(field: Frame) -> FieldView:
    return FieldView(
        name=FieldName(field["name"]),
        state=FieldState(field["state"]),
        mask=field["mask"],
        brand=field["brand"],
        error=ErrorType(field["error"]) if field["error"] else None,
        message=field["message"],
        attempt=field["attempt"],
        attempts_allowed=field["attempts_allowed"],
    )
