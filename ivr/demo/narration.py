"""What the demo tells while the call runs: events in, a state out, and the words for each. No I/O, no clock.

Everything told here is already masked: the payment comes as an :class:`AgentView`, as the panel gets it.
"""

from dataclasses import dataclass, replace
from typing import Final, assert_never

from ivr.session.view import AgentView, FieldView
from ivr.session.words import FieldName, FieldState, RecorderState, Status

_MAX_LINES: Final = 200
"Lines of the story that are kept; a demo call tells about forty."

FIELD_LABELS: Final = {
    FieldName.CARD_NUMBER: "card number",
    FieldName.EXPIRATION_DATE: "expiry date",
    FieldName.SECURITY_CODE: "security code",
    FieldName.POSTAL_CODE: "postal code",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelOpened:
    """The agent's panel can be opened in a browser."""

    url: str

    sign_in: str
    "How to sign in, for example `demo / demo`."


@dataclass(frozen=True, slots=True, kw_only=True)
class CallAdvanced:
    """The call reached a step: registered, ringing, answered, ended."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PartySpoke:
    """Somebody began to talk, or nobody does any more."""

    who: str | None
    "`caller`, `agent`, or None for silence."

    about: str = ""
    "What the talk stands for, in words."


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentChanged:
    """The payment session changed; the view is whole."""

    view: AgentView


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceWritten:
    """The recordings have been counted and written."""

    text: str


NarrationEvent = PanelOpened | CallAdvanced | PartySpoke | PaymentChanged | EvidenceWritten


@dataclass(frozen=True, slots=True, kw_only=True)
class Narration:
    """All that the terminal shows."""

    panel: PanelOpened | None = None

    speaking: str | None = None

    about: str = ""

    view: AgentView | None = None

    lines: tuple[str, ...] = ()
    "The story so far, one sentence a line."


def advance(state: Narration, event: NarrationEvent) -> Narration:
    """Return the state after `event`, with the sentences it adds to the story."""
    lines = (*state.lines, *sentences(state, event))[-_MAX_LINES:]
    match event:
        case PanelOpened():
            return replace(state, panel=event, lines=lines)
        case PartySpoke(who=who, about=about):
            return replace(state, speaking=who, about=about, lines=lines)
        case PaymentChanged(view=view):
            if state.view is not None and _is_older(view, state.view):
                return state
            return replace(state, view=view, lines=lines)
        case CallAdvanced() | EvidenceWritten():
            return replace(state, lines=lines)
        case _:
            assert_never(event)


def sentences(state: Narration, event: NarrationEvent) -> tuple[str, ...]:
    """Return what `event` adds to the story told so far; nothing for a change that is only shown."""
    match event:
        case PanelOpened(url=url, sign_in=sign_in):
            return (f"panel: {url}  sign in as {sign_in}",)
        case CallAdvanced(text=text) | EvidenceWritten(text=text):
            return (text,)
        case PartySpoke(who=None):
            return ()
        case PartySpoke(who=who, about=about):
            return (f"{who} speaks{': ' if about else ''}{about}",)
        case PaymentChanged(view=view):
            if state.view is not None and _is_older(view, state.view):
                return ()
            return tuple(_payment_sentences(state.view, view))
        case _:
            assert_never(event)


def _is_older(view: AgentView, than: AgentView) -> bool:
    return view.session == than.session and view.seq < than.seq


def _payment_sentences(before: AgentView | None, after: AgentView) -> list[str]:
    told: list[str] = []
    if before is None or before.session != after.session:
        told.append(f"agent starts a payment: {after.amount}, {after.payee}")
        before = None
    if after.recorder is not (before.recorder if before else RecorderState.RECORDING):
        told.append(f"recorder: {after.recorder}")
    if after.secure != (before.secure if before else False):
        told.append("the line is secure" if after.secure else "the line is open again")
    fields_before = {field.name: field for field in before.fields} if before else {}
    for field in after.fields:
        told += _field_sentences(fields_before.get(field.name), field)
    if after.status is not (before.status if before else Status.CREATED):
        told.append(_status_sentence(after))
    return told


def _field_sentences(before: FieldView | None, after: FieldView) -> list[str]:
    label = FIELD_LABELS[after.name]
    state_before = before.state if before else FieldState.IDLE
    if after.state is state_before:
        return []
    match after.state:
        case FieldState.IDLE:
            return [f"{label} cleared"]
        case FieldState.COLLECTING:
            return [f"the panel asks for the {label}"]
        case FieldState.VALID:
            return [f"{label} {after.mask} {after.brand or ''}".rstrip() + " is valid"]
        case FieldState.INVALID:
            return [f"{label} refused: {after.message or after.error}"]
        case _:
            assert_never(after.state)


def _status_sentence(view: AgentView) -> str:
    detail = " ".join(part for part in (view.message, view.confirmation) if part)
    return f"payment {view.status}" + (f": {detail}" if detail else "")
