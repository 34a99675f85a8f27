"""What others ask inside a call, and our answers to INVITE (RFC 3261 sections 12.2.2, 13.3, 14.2, 15.1.2)."""

from collections.abc import Sequence

from bridge.errors import LocalProtocolError
from bridge.sip.checks import ACCEPT, ALLOW, refusal_of
from bridge.sip.config import SipConfig
from bridge.sip.events import Acknowledged, ByeReceived, InfoReceived, ReinviteReceived
from bridge.sip.in_dialog import SDP, DialogRequests
from bridge.sip.incoming import IncomingRequest
from bridge.sip.leg import Leg, Legs, Phase
from bridge.sip.server_transaction import ServerTransaction
from bridge.sip.server_transaction import State as ServerState
from bridge.sip.success_response import SuccessResponse
from bridge.sip.transactions import TransactionLayer


class DialogServer:
    """Takes ACK, BYE, INFO and re-INVITE, and answers INVITEs for the user."""

    def __init__(
        self,
        config: SipConfig,
        *,
        layer: TransactionLayer,
        legs: Legs,
        requests: DialogRequests,
    ) -> None:
        self._config = config
        self._layer = layer
        self._legs = legs
        self._requests = requests

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
            lines += [self._requests.contact(), ALLOW]
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

    def receive_ack(self, request: IncomingRequest, now: float) -> None:
        """Take an ACK: of a failure it is the transaction's, of a 2xx the leg's."""
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

    def receive_request(self, transaction: ServerTransaction, now: float) -> None:
        """Take a request with a To-tag (RFC 3261 section 12.2.2)."""
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
        refusal = refusal_of(request)
        if refusal is not None:
            self._layer.respond(transaction, refusal.status, headers=refusal.headers, now=now)
            return
        match request.method:
            case "INVITE":
                self._receive_reinvite(leg, transaction, now)
            case "BYE":
                self._receive_bye(leg, transaction, now)
            case "INFO":
                self._receive_info(leg, transaction, now)
            case "OPTIONS":
                self._layer.respond(transaction, 200, headers=(ALLOW, ACCEPT), now=now)
            case _:
                self._layer.respond(transaction, 405, headers=(ALLOW,), now=now)

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
