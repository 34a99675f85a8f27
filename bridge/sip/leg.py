"""One call leg and the table of all of them: the only place where a leg ends, so that it ends once."""

from collections import deque
from dataclasses import dataclass
from enum import Enum, auto

from bridge.errors import LocalProtocolError
from bridge.sip.client_transaction import ClientTransaction
from bridge.sip.dialog import Dialog
from bridge.sip.events import DialogId, SipEvent
from bridge.sip.incoming import IncomingRequest
from bridge.sip.server_transaction import ServerTransaction
from bridge.sip.success_response import SuccessResponse
from bridge.sip.timers import Alarms

AckKey = tuple[str, str, int]
"Call-ID, From-tag and CSeq number of an INVITE that we answered 2xx."


class Phase(Enum):
    """Where a leg stands."""

    CALLING = auto()
    "Our INVITE has no final response."
    CANCELLING = auto()
    "As CALLING, and we want it no more."
    OFFERED = auto()
    "Their INVITE has no final response."
    ACCEPTED = auto()
    "Our 2xx to their INVITE has no ACK."
    CONFIRMED = auto()
    LEAVING = auto()
    "As ACCEPTED, and BYE follows the ACK (RFC 3261 section 15)."
    ENDED = auto()


@dataclass(slots=True, kw_only=True, eq=False)
class Leg:
    """One call leg. The To-tag of the other side is not part of the key: some phones change it."""

    id: DialogId
    phase: Phase
    dialog: Dialog
    invite_in: ServerTransaction | None = None
    "Their INVITE or re-INVITE that waits for our final response."

    invite_out: ClientTransaction | None = None
    "Our INVITE or re-INVITE that waits for their final response."

    success: SuccessResponse | None = None
    "Our 2xx that waits for its ACK."

    success_key: AckKey | None = None
    "What its ACK carries."


class Legs:
    """All legs by their id, and the events that tell of them."""

    def __init__(self, alarms: Alarms) -> None:
        self.events: deque[SipEvent] = deque()
        "Emptied by the shell after every call; a datagram from outside adds two at most."
        self._alarms = alarms
        self._legs: dict[str, Leg] = {}
        self._unacknowledged: dict[AckKey, Leg] = {}

    def __len__(self) -> int:
        return len(self._legs)

    def __contains__(self, dialog: DialogId) -> bool:
        return dialog in self._legs

    def add(self, leg: Leg) -> None:
        """Keep a new leg."""
        self._legs[leg.id] = leg

    def get(self, dialog: DialogId) -> Leg:
        """Return the leg of a command; raise LocalProtocolError where it is gone."""
        leg = self._legs.get(dialog)
        if leg is None or leg.phase is Phase.LEAVING:
            raise LocalProtocolError("the dialog is gone")
        return leg

    def find(self, request: IncomingRequest) -> Leg | None:
        """Return the leg that a request with a To-tag is in (RFC 3261 section 12.2.2), None for an unknown dialog."""
        leg = self._legs.get(request.to.tag or "")
        if leg is None or leg.dialog.call_id != request.call_id:
            return None
        return leg if (leg.dialog.remote.tag or "") == (request.from_.tag or "") else None

    def find_invite(self, transaction: ServerTransaction) -> Leg | None:
        """Return the leg whose pending INVITE or re-INVITE `transaction` is."""
        request = transaction.request
        leg = self._legs.get(request.to.tag or transaction.to_tag)
        return leg if leg is not None and leg.invite_in is transaction else None

    def await_ack(self, leg: Leg, request: IncomingRequest, success: SuccessResponse) -> None:
        """Follow our 2xx to `request` until its ACK comes."""
        leg.success = success
        leg.success_key = (request.call_id, request.from_.tag or "", request.cseq.number)
        self._unacknowledged[leg.success_key] = leg
        self._alarms.arm(success)

    def acknowledge(self, request: IncomingRequest) -> Leg | None:
        """Return the leg whose 2xx this ACK is for, and stop repeating it; None for a stray ACK.

        The To-tag is not looked at: pyVoIP makes up a fresh one for each ACK.
        """
        key = (request.call_id, request.from_.tag or "", request.cseq.number)
        leg = self._unacknowledged.get(key)
        if leg is not None:
            self.stop_success(leg)
        return leg

    def stop_success(self, leg: Leg) -> None:
        """Repeat our 2xx no more."""
        if leg.success is not None and leg.success_key is not None:
            self._unacknowledged.pop(leg.success_key, None)
            leg.success.stop()
            self._alarms.arm(leg.success)
        leg.success = leg.success_key = None

    def end(self, leg: Leg, event: SipEvent | None) -> None:
        """End a leg and tell of it, unless that is done already."""
        if leg.phase is Phase.ENDED:
            return
        leg.phase = Phase.ENDED
        self.stop_success(leg)
        self._legs.pop(leg.id, None)
        if event is not None:
            self.events.append(event)
