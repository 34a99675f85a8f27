"""Views to send, as a desk would give them."""

from ivr.money import Money
from ivr.session.view import AgentView, CallId, FieldView, SessionId
from ivr.session.words import FieldName, FieldState, InteractionType, RecorderState, Status
from tests.agent_panel.fakes import AGENT, ASKED


def a_view(*, session: str = "s1", seq: int = 1, seconds_left: float | None = None) -> AgentView:
    """Return a session that asks for the card number."""
    return AgentView(
        session=SessionId(session),
        call=CallId("c1"),
        agent=AGENT,
        status=Status.COLLECTING,
        payee="Northwind Water",
        interaction_type=InteractionType.BILL,
        profile="default",
        amount=Money(1250, "GBP"),
        reason="Invoice 20417",
        fields=tuple(FieldView(name=name, state=FieldState.IDLE, mask="") for name in ASKED),
        collecting=FieldName.CARD_NUMBER,
        seconds_left=seconds_left,
        secure=True,
        recorder=RecorderState.PAUSED,
        seq=seq,
    )
