"""Frames from the browser, good and bad."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_panel.commands import (
    MAX_FRAME_CHARS,
    Cancel,
    Capture,
    Pong,
    Start,
    Submit,
    parse_frame,
)
from agent_panel.errors import ProtocolError
from ivr.session.view import CallId, SessionId, StartPayment
from ivr.session.words import FieldName, InteractionType

START = {
    "v": 1,
    "type": "start",
    "id": "a1",
    "call": "c1",
    "payee": "Northwind Water",
    "interaction_type": "bill",
    "profile": "default",
    "amount": "12.50",
    "reason": "Invoice 20417",
}


def _refused(frame: object) -> ProtocolError:
    with pytest.raises(ProtocolError) as refusal:
        parse_frame(frame if isinstance(frame, str) else json.dumps(frame))
    return refusal.value


def test_start_is_read_whole() -> None:
    assert parse_frame(json.dumps(START)) == Start(
        id="a1",
        request=StartPayment(
            call=CallId("c1"),
            payee="Northwind Water",
            interaction_type=InteractionType.BILL,
            profile="default",
            amount="12.50",
            reason="Invoice 20417",
        ),
    )


def test_commands_on_a_session_are_read() -> None:
    on = {"v": 1, "id": "a2", "session": "s1"}
    s1 = SessionId("s1")

    capture = parse_frame(json.dumps({**on, "type": "capture", "field": "security-code"}))
    assert capture == Capture(id="a2", session=s1, field=FieldName.SECURITY_CODE)
    assert parse_frame(json.dumps({**on, "type": "submit"})) == Submit(id="a2", session=s1)
    assert parse_frame(json.dumps({**on, "type": "cancel"})) == Cancel(id="a2", session=s1)
    assert parse_frame('{"v":1,"type":"pong"}') == Pong()


def test_white_space_that_a_paste_brings_is_evened_out() -> None:
    command = parse_frame(json.dumps({**START, "payee": "  Northwind\u00a0\n Water\t"}))

    assert isinstance(command, Start)
    assert command.request.payee == "Northwind Water"


def test_reason_may_be_left_out() -> None:
    command = parse_frame(json.dumps({key: START[key] for key in START if key != "reason"}))

    assert isinstance(command, Start)
    assert command.request.reason == ""


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("", "malformed-message"),
        ("{", "malformed-message"),
        ("[1]", "malformed-message"),
        ("[" * 4000, "malformed-message"),
        ("1" * 4096, "malformed-message"),
        (" " * (MAX_FRAME_CHARS + 1), "message-too-large"),
        ({"v": 2, "type": "submit", "id": "a", "session": "s"}, "unsupported-version"),
        ({"type": "submit", "id": "a", "session": "s"}, "unsupported-version"),
        ({"v": 1, "type": "submit", "session": "s"}, "malformed-message"),
        ({"v": 1, "type": "submit", "id": 7, "session": "s"}, "malformed-message"),
        ({"v": 1, "type": "submit", "id": "x" * 65, "session": "s"}, "malformed-message"),
        ({"v": 1, "type": "submit", "id": "a\n", "session": "s"}, "malformed-message"),
        ({"v": 1, "type": "refund", "id": "a", "session": "s"}, "unknown-command"),
        ({"v": 1, "type": ["submit"], "id": "a", "session": "s"}, "unknown-command"),
        ({"v": 1, "type": "submit", "id": "a"}, "malformed-message"),
        ({"v": 1, "type": "submit", "id": "a", "session": "s" * 257}, "malformed-message"),
        ({"v": 1, "type": "capture", "id": "a", "session": "s", "field": "pin"}, "malformed-message"),
        ({**START, "payee": 5}, "malformed-message"),
    ],
)  # fmt: skip
def test_broken_frame_is_refused_by_name(frame: object, code: str) -> None:
    assert _refused(frame).code == code


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("interaction_type", "bribe"),
        ("interaction_type", ""),
        ("reason", "x" * 401),
        ("payee", "North\x00wind"),
        ("payee", "\ud800"),
        ("reason", "\u202emirrored"),
    ],
)
def test_wrong_input_is_named_and_the_command_keeps_its_id(field: str, value: str) -> None:
    error = _refused({**START, field: value})

    assert (error.code, error.field, error.id) == ("validation-error", field, "a1")


def test_error_of_a_frame_does_not_hold_the_frame() -> None:
    error = _refused('{"v":1,"type":"start","payee":"very private')

    assert "very private" not in repr(error) + str(error) + error.message
    assert error.__cause__ is None
    assert error.__suppress_context__


@given(st.text(max_size=200) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*START, "session", "field"]), inner),
).map(json.dumps))  # fmt: skip
def test_nothing_but_a_protocol_error_leaves_the_parser(text: str) -> None:
    with contextlib.suppress(ProtocolError):
        parse_frame(text)
