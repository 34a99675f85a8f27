"""The narrator tells what changed, shows masks only, and needs no terminal."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from ivr.demo.narration import (
    CallAdvanced,
    EvidenceWritten,
    Narration,
    NarrationEvent,
    PanelOpened,
    PartySpoke,
    PaymentChanged,
    advance,
)
from ivr.demo.narrator import Narrator, render
from ivr.money import Money
from ivr.session.view import AgentId, AgentView, CallId, FieldView, SessionId
from ivr.session.words import (
    ErrorType,
    FieldName,
    FieldState,
    InteractionType,
    RecorderState,
    Status,
)

_CARD = FieldView(name=FieldName.CARD_NUMBER, state=FieldState.IDLE, mask="")

_CODE = FieldView(name=FieldName.SECURITY_CODE, state=FieldState.IDLE, mask="")

_VIEW = AgentView(
    session=SessionId("s1"),
    call=CallId("c1"),
    agent=AgentId("a1"),
    status=Status.CREATED,
    payee="Ada Example",
    interaction_type=InteractionType.ORDER,
    profile="default",
    amount=Money(1250, "GBP"),
    reason="",
    fields=(_CARD, _CODE),
    collecting=None,
    seconds_left=None,
    secure=False,
    recorder=RecorderState.RECORDING,
)

_SECURED = replace(
    _VIEW,
    seq=1,
    status=Status.COLLECTING,
    secure=True,
    recorder=RecorderState.PAUSED,
    fields=(replace(_CARD, state=FieldState.COLLECTING, mask="*******", brand="visa"), _CODE),
)

_PAID = replace(
    _SECURED,
    seq=2,
    status=Status.SUCCEEDED,
    secure=False,
    recorder=RecorderState.RECORDING,
    message="approved",
    confirmation="T-77",
    fields=(
        replace(_CARD, state=FieldState.VALID, mask="************0019", brand="visa"),
        replace(_CODE, state=FieldState.VALID, mask="***"),
    ),
)


def _told(*events: NarrationEvent) -> Narration:
    state = Narration()
    for event in events:
        state = advance(state, event)
    return state


def _shown(state: Narration) -> str:
    console = Console(record=True, width=100, file=io.StringIO())
    console.print(render(state))
    return console.export_text()


def test_securing_the_line_is_told_in_order() -> None:
    state = _told(PaymentChanged(view=_VIEW), PaymentChanged(view=_SECURED))
    assert state.lines == (
        "agent starts a payment: £12.50, Ada Example",
        "recorder: paused",
        "the line is secure",
        "the panel asks for the card number",
        "payment collecting",
    )


def test_a_paid_payment_is_told_to_its_end() -> None:
    state = _told(PaymentChanged(view=_SECURED), PaymentChanged(view=_PAID))
    assert state.lines[-5:] == (
        "recorder: recording",
        "the line is open again",
        "card number ************0019 visa is valid",
        "security code *** is valid",
        "payment succeeded: approved T-77",
    )


def test_a_refused_field_is_told_with_its_reason() -> None:
    refused = replace(
        _CARD, state=FieldState.INVALID, error=ErrorType.INVALID_CARD_NUMBER, message="check it"
    )
    after = replace(_SECURED, seq=2, fields=(refused, _CODE))
    state = _told(PaymentChanged(view=_SECURED), PaymentChanged(view=after))
    assert state.lines[-1] == "card number refused: check it"
    assert "check it" in _shown(state)


def test_one_more_asterisk_is_shown_but_is_no_news() -> None:
    longer = replace(_SECURED.fields[0], mask="********")
    before = _told(PaymentChanged(view=_SECURED))
    after = advance(before, PaymentChanged(view=replace(_SECURED, seq=2, fields=(longer, _CODE))))
    assert after.lines == before.lines
    assert "********" in _shown(after)
    assert "********" not in _shown(before)


def test_a_view_that_comes_late_changes_nothing() -> None:
    state = _told(PaymentChanged(view=_PAID))
    assert advance(state, PaymentChanged(view=_SECURED)) == state


def test_the_picture_shows_who_speaks_the_line_the_recorder_and_the_panel() -> None:
    shown = _shown(
        _told(
            PanelOpened(url="http://127.0.0.1:8080/", sign_in="demo"),
            PaymentChanged(view=_SECURED),
            PartySpoke(who="caller", about="reads nothing out"),
        )
    )
    for words in ("● caller: reads nothing out", "○ agent", "line secure", "recorder paused"):
        assert words in shown
    assert "http://127.0.0.1:8080/" in shown
    assert "visa" in shown


@pytest.mark.parametrize("terminal", [True, False])
def test_the_story_is_told_with_and_without_a_terminal(terminal: bool) -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=100)
    with Narrator(console) as narrator:
        narrator.tell(CallAdvanced(text="caller rings 5000"))
        narrator.tell(PaymentChanged(view=_SECURED))
        narrator.tell(EvidenceWritten(text="spectrogram.png written"))
    assert "caller rings 5000" in out.getvalue()
    assert "the line is secure" in out.getvalue()
    assert ("\x1b[" in out.getvalue()) == terminal


def test_without_a_terminal_there_is_one_line_a_change() -> None:
    out = io.StringIO()
    with Narrator(Console(file=out, force_terminal=False, width=20)) as narrator:
        narrator.tell(CallAdvanced(text="the agent's softphone is registered"))
        narrator.tell(PartySpoke(who=None))
    assert out.getvalue() == "the agent's softphone is registered\n"


def test_the_story_is_bounded() -> None:
    state = _told(*(CallAdvanced(text=str(number)) for number in range(500)))
    assert len(state.lines) == 200
    assert state.lines[-1] == "499"
