"""What the panel sends is read back as the very view that it was made from."""

import json
from dataclasses import replace

import pytest

from agent_panel.messages import session_frame
from ivr.demo.panel_frames import view_of
from ivr.session.view import AgentId, AgentView, FieldView
from ivr.session.words import ErrorType, FieldName, FieldState, Result, Status
from tests.demo.views import COLLECTING

_REFUSED = FieldView(
    name=FieldName.CARD_NUMBER,
    state=FieldState.INVALID,
    mask="",
    brand="visa",
    error=ErrorType.INVALID_CARD_NUMBER,
    message="Ask for the number again.",
    attempt=2,
)


@pytest.mark.parametrize(
    "view",
    [
        pytest.param(COLLECTING, id="collecting"),
        pytest.param(replace(COLLECTING, fields=(_REFUSED,)), id="refused"),
        pytest.param(
            replace(
                COLLECTING,
                status=Status.SUCCEEDED,
                result=Result.SUCCESS,
                collecting=None,
                seconds_left=None,
                message="Paid.",
                confirmation="T-1",
            ),
            id="paid",
        ),
    ],
)
def test_a_view_comes_back_whole(view: AgentView) -> None:
    frame = json.loads(session_frame(view))
    assert view_of(frame["session"], AgentId("agent")) == view
