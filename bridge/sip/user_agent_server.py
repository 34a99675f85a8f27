"""Requests from outside: new calls, CANCEL, OPTIONS, REGISTER (RFC 3261 sections 8.2, 9.2, 10.3, 11.2, 13.3)."""

from collections.abc import Callable

from bridge.sip.checks import ACCEPT, ALLOW, refusal_of
from bridge.sip.config import SipConfig
from bridge.sip.dialog import Dialog
from bridge.sip.dialog_server import DialogServer
from bridge.sip.events import Cancelled, DialogId, InviteReceived, ReinviteCancelled
from bridge.sip.incoming import IncomingRequest
from bridge.sip.leg import Leg, Legs, Phase
from bridge.sip.registrar import Registrar
from bridge.sip.server_transaction import ServerTransaction
from bridge.sip.transactions import TransactionLayer


class UserAgentServer:
    """Answers what can be answered at once, and tells the user of the rest."""

    def __init__(
        self,
        config: SipConfig,
        *,
        layer: TransactionLayer,
        legs: Legs,
        dialogs: DialogServer,
        registrar: Registrar,
        token: Callable[[], str],
    ) -> None:
        self._config = config
        self._layer = layer
        self._legs = legs
        self._dialogs = dialogs
        self._registrar = registrar
        self._token = token

    def receive_request(self, request: IncomingRequest, now: float) -> None:
        """Take any request: a retransmission, an ACK, one inside a dialog, or something new."""
        if request.method == "ACK":
            self._dialogs.receive_ack(request, now)
            return
        known = self._layer.find_server(request.transaction_key())
        if known is not None:
            self._layer.receive_retransmission(known, now)
            return
        is_in_call = request.method == "CANCEL" or self._legs.find(request) is not None
        if not self._layer.has_room(in_dialog=is_in_call):
            self._refuse_overload(request)
            return
        is_merged = self._layer.is_merged(request)
        transaction = self._layer.open_server(request, to_tag=self._token())
        if request.method == "INVITE":
            self._layer.respond(transaction, 100, now=now)
        if request.method == "CANCEL":
            self._receive_cancel(transaction, now)
        elif request.to.tag:
            self._dialogs.receive_request(transaction, now)
        elif is_merged:
            self._layer.respond(transaction, 482, now=now)
        else:
            self._receive_out_of_dialog(transaction, now)

    def _refuse_overload(self, request: IncomingRequest) -> None:
        self._layer.stats.overloaded += 1
        retry_after = ("Retry-After", str(self._config.limits.retry_after_s))
        self._layer.respond_without_transaction(
            request, 503, to_tag=self._token(), headers=(retry_after,)
        )

    def _receive_cancel(self, transaction: ServerTransaction, now: float) -> None:
        request = transaction.request
        invite = self._layer.find_server(request.transaction_key("INVITE"))
        if invite is None:
            self._layer.respond(transaction, 481, now=now)
            return
        transaction.to_tag = invite.to_tag
        self._layer.respond(transaction, 200, now=now)
        if invite.is_answered:
            return  # too late: the 2xx or the refusal stands (section 9.2)
        self._layer.respond(invite, 487, now=now)
        leg = self._legs.find_invite(invite)
        if leg is None:
            return
        leg.invite_in = None
        if leg.phase is Phase.OFFERED:
            self._legs.end(leg, Cancelled(dialog=leg.id))
        else:
            self._legs.events.append(ReinviteCancelled(dialog=leg.id))

    def _receive_out_of_dialog(self, transaction: ServerTransaction, now: float) -> None:
        request = transaction.request
        refusal = refusal_of(request)
        if refusal is not None:
            self._layer.respond(transaction, refusal.status, headers=refusal.headers, now=now)
            return
        match request.method:
            case "INVITE":
                self._receive_invite(transaction, now)
            case "OPTIONS":
                self._layer.respond(transaction, 200, headers=(ALLOW, ACCEPT), now=now)
            case "REGISTER":
                outcome = self._registrar.register(request, now)
                self._legs.events.extend(outcome.events)
                self._layer.respond(transaction, outcome.status, headers=outcome.headers, now=now)
            case _:
                self._layer.respond(transaction, 481, now=now)  # BYE and INFO live in dialogs

    def _receive_invite(self, transaction: ServerTransaction, now: float) -> None:
        request = transaction.request
        if request.max_forwards == 0:
            self._layer.respond(transaction, 483, now=now)
            return
        if not request.contacts:
            self._layer.respond(transaction, 400, "Contact Is Missing", now=now)
            return
        if len(self._legs) >= self._config.limits.dialogs:
            self._layer.stats.overloaded += 1
            retry_after = ("Retry-After", str(self._config.limits.retry_after_s))
            self._layer.respond(transaction, 503, headers=(retry_after,), now=now)
            return
        dialog_id = DialogId(transaction.to_tag)
        dialog = Dialog.of_callee(request, local_tag=dialog_id)
        self._legs.add(Leg(id=dialog_id, phase=Phase.OFFERED, dialog=dialog, invite_in=transaction))
        self._legs.events.append(
            InviteReceived(
                dialog=dialog_id,
                request_uri=request.uri,
                from_=request.from_,
                to=request.to,
                max_forwards=request.max_forwards,
                source=request.source,
                body=request.message.body,
            )
        )
