"""Views of a payment, as tests need them."""

from ivr.money import Money
from ivr.session.view import AgentId, AgentView, CallId, FieldView, SessionId
from ivr.session.words import FieldName, FieldState, InteractionType, RecorderState, Status

COLLECTING = AgentView(
    session=SessionId("s1"),
    call=CallId("c1"),
    agent=AgentId("agent"),
    status=Status.COLLECTING,
    payee="Ada Example",
    interaction_type=InteractionType.ORDER,
    profile="default",
    amount=Money(1250, "GBP"),
    reason="two books",
    fields=(
        FieldView(name=FieldName.CARD_NUMBER, state=FieldState.COLLECTING, mask="", attempt=1),
        FieldView(name=FieldName.SECURITY_CODE, state=FieldState.IDLE, mask=""),
    ),
    collecting=FieldName.CARD_NUMBER,
    seconds_left=20.0,
    secure=True,
    recorder=RecorderState.PAUSED,
    seq=3,
)
"The line is secure and the card number is asked; nothing is keyed."
