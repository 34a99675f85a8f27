"""What the browser is sent."""

import json
from dataclasses import replace
from typing import Any

import pytest

from agent_panel.messages import Snapshot, session_frame, shown_mask, snapshot_frame
from agent_panel.wording import (
    ERROR_SENTENCES,
    FIELD_LABELS,
    HEADLINES,
    INTERACTION_LABELS,
    RESULT_SENTENCES,
    guidance,
)
from ivr.session.ports import User
from ivr.session.view import AgentView, FieldView
from ivr.session.words import (
    ErrorType,
    FieldName,
    FieldState,
    InteractionType,
    Result,
    Role,
    Status,
)
from tests.agent_panel.fakes import AGENT, PROFILES, FakeDesk
from tests.agent_panel.views import a_view


def _session(view: AgentView) -> dict[str, Any]:
    session: dict[str, Any] = json.loads(session_frame(view))["session"]
    return session


def test_session_is_sent_whole() -> None:
    session = _session(a_view(seq=7, seconds_left=4.5))

    assert (session["session"], session["call"], session["seq"]) == ("s1", "c1", 7)
    assert session["amount"] == {"minor": 1250, "currency": "GBP", "text": "£12.50"}
    assert session["status"] == "collecting"
    assert session["seconds_left"] == 4.5
    assert (session["secure"], session["recorder"]) == (True, "paused")
    assert session["caller_muted"] is False
    assert _session(replace(a_view(), caller_muted=True))["caller_muted"] is True
    assert [field["name"] for field in session["fields"]] == [
        "payment-card-number",
        "expiration-date",
        "security-code",
    ]


def _field(name: FieldName, state: FieldState, mask: str) -> FieldView:
    return FieldView(name=name, state=state, mask=mask)


@pytest.mark.parametrize(
    ("field", "shown"),
    [
        (_field(FieldName.CARD_NUMBER, FieldState.VALID, "*" * 12 + "1111"), "*" * 12 + "1111"),
        (_field(FieldName.CARD_NUMBER, FieldState.VALID, "5" * 16), "*" * 12 + "5555"),
        (_field(FieldName.CARD_NUMBER, FieldState.VALID, "5555"), "****"),
        (_field(FieldName.CARD_NUMBER, FieldState.COLLECTING, "555"), "***"),
        (_field(FieldName.CARD_NUMBER, FieldState.INVALID, "5" * 16), "*" * 16),
        (_field(FieldName.SECURITY_CODE, FieldState.VALID, "123"), "***"),
        (_field(FieldName.EXPIRATION_DATE, FieldState.VALID, "1230"), "****"),
        (_field(FieldName.POSTAL_CODE, FieldState.VALID, ""), ""),
    ],
)
def test_digit_passes_only_as_one_of_a_valid_cards_last_four(field: FieldView, shown: str) -> None:
    assert shown_mask(field) == shown


@pytest.mark.parametrize(
    ("status", "result", "capture", "submit", "cancel", "ended"),
    [
        (Status.CREATED, None, False, False, True, False),
        (Status.COLLECTING, None, True, False, True, False),
        (Status.COLLECTED, None, True, True, True, False),
        (Status.PROCESSING, None, False, False, False, False),
        (Status.SUCCEEDED, Result.SUCCESS, False, False, False, True),
        (Status.DECLINED, None, True, False, True, False),
        (Status.DECLINED, Result.PAYMENT_CONNECTOR_ERROR, False, False, False, True),
        (Status.FAILED, Result.CALLER_HUNG_UP, False, False, False, True),
        (Status.REVIEW, None, False, False, False, True),
        (Status.CANCELLED, None, False, False, False, True),
    ],
)
def test_what_can_be_done_follows_the_status(
    status: Status, result: Result | None, capture: bool, submit: bool, cancel: bool, ended: bool
) -> None:
    session = _session(replace(a_view(), status=status, result=result))

    assert {field["can_capture"] for field in session["fields"]} == {capture}
    assert (session["can_submit"], session["can_cancel"], session["ended"]) == (
        submit,
        cancel,
        ended,
    )


def test_field_error_without_words_gets_ours() -> None:
    fields = (
        FieldView(
            name=FieldName.CARD_NUMBER,
            state=FieldState.INVALID,
            mask="",
            error=ErrorType.INVALID_CARD_NUMBER,
        ),
    )

    field = _session(replace(a_view(), fields=fields))["fields"][0]

    assert field["error"] == "invalid-card-number"
    assert field["message"] == ERROR_SENTENCES[ErrorType.INVALID_CARD_NUMBER]


def test_result_without_words_gets_ours() -> None:
    view = replace(a_view(), status=Status.FAILED, result=Result.CALLER_HUNG_UP, message="")

    assert _session(view)["message"] == "The caller hung up."


def test_every_word_of_the_vocabulary_has_its_sentence() -> None:
    assert set(FIELD_LABELS) == set(FieldName)
    assert set(ERROR_SENTENCES) == set(ErrorType)
    assert set(RESULT_SENTENCES) == set(Result)
    assert set(INTERACTION_LABELS) == set(InteractionType)
    assert set(HEADLINES) == set(Status)
    assert all(guidance(status, ended=ended) for status in Status for ended in (True, False))


def test_callers_name_with_a_broken_character_is_still_a_frame() -> None:
    desk = FakeDesk()
    desk.ring(caller="J\udcfcrgen")
    user = User(agent=AGENT, display_name="Ada", roles=frozenset({Role.AGENT}))

    frame = snapshot_frame(
        Snapshot(now="", user=user, profiles=PROFILES, calls=desk.calls(AGENT), sessions=[])
    )

    assert frame.isascii()
    assert json.loads(frame)["calls"][0]["call"] == "c1"
