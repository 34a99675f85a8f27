"""Requests from outside: calls, what happens inside them, OPTIONS (RFC 3261 sections 8.2, 9.2, 11.2, 12.2.2, 13.3)."""

from collections.abc import Callable, Sequence
from typing import Final

from bridge.errors import LocalProtocolError
from bridge.sip.config import SipConfig
from bridge.sip.dialog import Dialog
from bridge.sip.events import (
    Acknowledged,
    ByeReceived,
    Cancelled,
    DialogId,
    InfoReceived,
    InviteReceived,
    ReinviteCancelled,
    ReinviteReceived,
)
from bridge.sip.in_dialog import SDP, DialogRequests
from bridge.sip.incoming import IncomingRequest
from bridge.sip.leg import Leg, Legs, Phase
from bridge.sip.registrar import Registrar
from bridge.sip.reply import ALLOWED_METHODS
from bridge.sip.server_transaction import ServerTransaction
from bridge.sip.server_transaction import State as ServerState
from bridge.sip.success_response import SuccessResponse
from bridge.sip.transactions import TransactionLayer
from bridge.sip.uri import SIP_SCHEMES

_ALLOW: Final = ("Allow", ALLOWED_METHODS)
_ACCEPT: Final = ("Accept", SDP)
_KNOWN_METHODS: Final = frozenset(ALLOWED_METHODS.split(", "))


class UserAgentServer:
    """Answers what can be answered at once, and tells the user of the rest."""

    def __init__(
        self,
        config: SipConfig,
        *,
        layer: TransactionLayer,
        legs: Legs,
        requests: DialogRequests,
        registrar: Registrar,
        token: Callable[[], str],
    ) -> None:
        self._config = config
        self._layer = layer
        self._legs = legs
        self._requests = requests
        self._registrar = registrar
        self._token = token

    def receive_request(self, request: IncomingRequest, now: float) -> None:
        """Take any request: a retransmission, an ACK, one inside a dialog, or something new."""
        if request.method == "ACK":
            self._receive_ack(request, now)
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
            self._receive_in_dialog(transaction, now)
        elif is_merged:
            self._layer.respond(transaction, 482, now=now)
        else:
            self._receive_out_of_dialog(transaction, now)

    def respond(
        self,
        leg: Leg,
        status: int,
        reason: str,
        *,
        body: bytes,
        headers: Sequence[tuple[str, str]],
        now: float,
    ) -> None:
        """Answer the pending INVITE or re-INVITE; see :meth:`SipEndpoint.respond`."""
        transaction = leg.invite_in
        if transaction is None or not 100 <= status <= 699:
            raise LocalProtocolError("there is no INVITE to answer, or no such status")
        lines = [*headers]
        if 100 < status < 300:
            lines += [self._requests.contact(), _ALLOW]
        if body:
            lines.append(("Content-Type", SDP))
        data = self._layer.respond(transaction, status, reason, headers=lines, body=body, now=now)
        if status < 200:
            return
        leg.invite_in = None
        if status < 300:
            self._await_ack(leg, transaction, data, now)
        elif leg.phase is Phase.OFFERED:
            self._legs.end(leg, None)

    def _await_ack(self, leg: Leg, transaction: ServerTransaction, data: bytes, now: float) -> None:
        if leg.phase is Phase.OFFERED:
            leg.phase = Phase.ACCEPTED
        success = SuccessResponse(
            data,
            transaction.destination,
            timers=self._config.timers,
            send=self._layer.send,
            on_timeout=lambda now: self._requests.lose(leg, "the 2xx was never acknowledged", now),
            now=now,
        )
        self._legs.await_ack(leg, transaction.request, success)

    def _refuse_overload(self, request: IncomingRequest) -> None:
        self._layer.stats.overloaded += 1
        retry_after = ("Retry-After", str(self._config.limits.retry_after_s))
        self._layer.respond_without_transaction(
            request, 503, to_tag=self._token(), headers=(retry_after,)
        )

    def _receive_ack(self, request: IncomingRequest, now: float) -> None:
        transaction = self._layer.find_server(request.transaction_key("INVITE"))
        if transaction is not None and transaction.state is not ServerState.ACCEPTED:
            self._layer.receive_ack(transaction, now)
            return
        leg = self._legs.acknowledge(request)
        if leg is None:
            self._layer.stats.stray_acks += 1
        elif leg.phase is Phase.LEAVING:
            self._requests.hang_up(leg.dialog, now)
            self._legs.end(leg, None)
        else:
            if leg.phase is Phase.ACCEPTED:
                leg.phase = Phase.CONFIRMED
            body = request.message.body
            self._legs.events.append(Acknowledged(dialog=leg.id, body=body))

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

    # --- outside dialogs ---

    def _receive_out_of_dialog(self, transaction: ServerTransaction, now: float) -> None:
        request = transaction.request
        if self._refuse_unsupported(transaction, now):
            return
        match request.method:
            case "INVITE":
                self._receive_invite(transaction, now)
            case "OPTIONS":
                self._layer.respond(transaction, 200, headers=(_ALLOW, _ACCEPT), now=now)
            case "REGISTER":
                outcome = self._registrar.register(request, now)
                self._legs.events.extend(outcome.events)
                self._layer.respond(transaction, outcome.status, headers=outcome.headers, now=now)
            case _:
                self._layer.respond(transaction, 481, now=now)  # BYE and INFO live in dialogs

    def _refuse_unsupported(self, transaction: ServerTransaction, now: float) -> bool:
        """Make the checks of RFC 3261 section 8.2 in their order; tell whether one failed."""
        request = transaction.request
        if request.method not in _KNOWN_METHODS:
            self._layer.respond(transaction, 405, headers=(_ALLOW,), now=now)
        elif request.uri.scheme not in SIP_SCHEMES and request.uri.scheme != "tel":
            self._layer.respond(transaction, 416, now=now)
        elif request.required:
            unsupported = ("Unsupported", ", ".join(request.required))
            self._layer.respond(transaction, 420, headers=(unsupported,), now=now)
        elif request.method == "INVITE" and not _is_sdp_or_nothing(request):
            self._layer.respond(transaction, 415, headers=(_ACCEPT,), now=now)
        else:
            return False
        return True

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

    # --- inside dialogs ---

    def _receive_in_dialog(self, transaction: ServerTransaction, now: float) -> None:
        request = transaction.request
        leg = self._legs.find(request)
        if leg is None:
            self._layer.respond(transaction, 481, now=now)
            return
        dialog = leg.dialog
        if dialog.remote_cseq is not None and request.cseq.number < dialog.remote_cseq:
            self._layer.respond(transaction, 500, "CSeq Out Of Order", now=now)
            return
        dialog.remote_cseq = request.cseq.number
        if self._refuse_unsupported(transaction, now):
            return
        match request.method:
            case "INVITE":
                self._receive_reinvite(leg, transaction, now)
            case "BYE":
                self._receive_bye(leg, transaction, now)
            case "INFO":
                self._receive_info(leg, transaction, now)
            case "OPTIONS":
                self._layer.respond(transaction, 200, headers=(_ALLOW, _ACCEPT), now=now)
            case _:
                self._layer.respond(transaction, 405, headers=(_ALLOW,), now=now)

    def _receive_reinvite(self, leg: Leg, transaction: ServerTransaction, now: float) -> None:
        request = transaction.request
        if leg.invite_in is not None or leg.phase is Phase.OFFERED:
            retry_after = ("Retry-After", str(int(self._config.timers.t2_s)))
            self._layer.respond(transaction, 500, headers=(retry_after,), now=now)
        elif leg.phase is not Phase.CONFIRMED or leg.invite_out or leg.success:
            self._layer.respond(transaction, 491, now=now)  # glare (section 14.2)
        else:
            leg.dialog.refresh_target(request.contacts, request.source)
            leg.invite_in = transaction
            body = request.message.body
            self._legs.events.append(ReinviteReceived(dialog=leg.id, body=body))

    def _receive_bye(self, leg: Leg, transaction: ServerTransaction, now: float) -> None:
        self._layer.respond(transaction, 200, now=now)
        if leg.invite_in is not None:
            self._layer.respond(leg.invite_in, 487, now=now)
            leg.invite_in = None
        told = None if leg.phase is Phase.LEAVING else ByeReceived(dialog=leg.id)
        self._legs.end(leg, told)

    def _receive_info(self, leg: Leg, transaction: ServerTransaction, now: float) -> None:
        self._layer.respond(transaction, 200, now=now)
        message = transaction.request.message
        content_type = message.headers.get("Content-Type") or ""
        self._legs.events.append(
            InfoReceived(dialog=leg.id, content_type=content_type, body=message.body)
        )


def _is_sdp_or_nothing(request: IncomingRequest) -> bool:
    message = request.message
    if not message.body:
        return True
    content_type = (message.headers.get("Content-Type") or "").partition(";")[0]
    encoding = (message.headers.get("Content-Encoding") or "identity").lower()
    return content_type.strip().lower() == SDP and encoding == "identity"
