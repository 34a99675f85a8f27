"""Calls that we make: INVITE, its forks, CANCEL (RFC 3261 sections 8.1, 9.1, 13.2)."""

from collections.abc import Callable, Sequence

from bridge.errors import LocalProtocolError
from bridge.sip.client_transaction import State
from bridge.sip.config import SipConfig
from bridge.sip.dialog import Dialog
from bridge.sip.events import Answered, DialogId, DialogLost, Progressed, Rejected
from bridge.sip.in_dialog import SDP, AcksByTag, DialogRequests, cancel_of, read_retry_after
from bridge.sip.incoming import Address, IncomingResponse
from bridge.sip.leg import Leg, Legs, Phase
from bridge.sip.message import Headers, Request
from bridge.sip.name_addr import NameAddr
from bridge.sip.reply import ALLOWED_METHODS
from bridge.sip.transactions import TransactionLayer, new_branch
from bridge.sip.uri import Uri


class UserAgentClient:
    """Makes calls and follows them until they are answered or not."""

    def __init__(
        self,
        config: SipConfig,
        *,
        layer: TransactionLayer,
        legs: Legs,
        requests: DialogRequests,
        token: Callable[[], str],
    ) -> None:
        self._config = config
        self._layer = layer
        self._legs = legs
        self._requests = requests
        self._token = token

    def invite(
        self,
        *,
        request_uri: Uri,
        from_: NameAddr,
        to: NameAddr,
        destination: Address,
        body: bytes,
        max_forwards: int,
        headers: Sequence[tuple[str, str]],
        now: float,
    ) -> DialogId:
        """Call somebody; see :meth:`SipEndpoint.invite`."""
        if len(self._legs) >= self._config.limits.dialogs:
            raise LocalProtocolError("there are too many dialogs")
        tag = self._token()
        dialog = Dialog(
            call_id=self._token(),
            local=from_.with_tag(tag),
            remote=NameAddr(uri=to.uri, display_name=to.display_name),
            local_cseq=1,
            remote_target=request_uri,
            seen=destination,
        )
        leg = Leg(id=DialogId(tag), phase=Phase.CALLING, dialog=dialog)
        content = (("Content-Type", SDP),) if body else ()
        branch = new_branch(self._token())
        request = self._build_invite(dialog, branch, max_forwards, (*headers, *content), body)

        acks: AcksByTag = {}

        def on_response(response: IncomingResponse, now: float) -> None:
            self._receive(leg, acks, response, now)

        def on_timeout(now: float) -> None:
            self._time_out(leg, now)

        leg.invite_out = self._layer.start(
            request,
            destination,
            branch=branch,
            on_response=on_response,
            on_timeout=on_timeout,
            now=now,
        )
        self._legs.add(leg)
        return leg.id

    def _build_invite(
        self,
        dialog: Dialog,
        branch: str,
        max_forwards: int,
        headers: Sequence[tuple[str, str]],
        body: bytes,
    ) -> Request:
        lines = (
            ("Via", self._layer.via(branch)),
            ("From", str(dialog.local)),
            ("To", str(dialog.remote)),
            ("Call-ID", dialog.call_id),
            ("CSeq", f"{dialog.local_cseq} INVITE"),
            self._requests.contact(),
            ("Max-Forwards", str(max_forwards)),
            ("Allow", ALLOWED_METHODS),
            ("User-Agent", self._config.user_agent),
            *headers,
        )
        uri = str(dialog.remote_target)
        return Request(method="INVITE", uri=uri, headers=Headers(lines), body=body)

    def cancel(self, leg: Leg, now: float) -> None:
        """Give up a call that is not answered; CANCEL waits for a provisional response (RFC 3261 section 9.1)."""
        if leg.phase is not Phase.CALLING:
            raise LocalProtocolError("only an unanswered call of ours can be cancelled")
        leg.phase = Phase.CANCELLING
        if leg.invite_out is not None and leg.invite_out.state is State.PROCEEDING:
            self._send_cancel(leg, now)

    def _send_cancel(self, leg: Leg, now: float) -> None:
        transaction = leg.invite_out
        assert transaction is not None
        transaction.give_up_at(now + self._config.timers.transaction_s)
        self._layer.alarms.arm(transaction)
        self._layer.start(
            cancel_of(transaction.request),
            transaction.destination,
            branch=transaction.branch,
            on_response=lambda response, now: None,
            on_timeout=lambda now: None,
            now=now,
        )

    def _receive(self, leg: Leg, acks: AcksByTag, response: IncomingResponse, now: float) -> None:
        if response.status >= 300:
            leg.invite_out = None
            self._legs.end(leg, _rejected(leg, response))
        elif response.status >= 200:
            self._receive_success(leg, acks, response, now)
        elif leg.phase is Phase.CANCELLING:
            self._cancel_once(leg, now)
        elif response.status > 100 and leg.phase is Phase.CALLING:
            if response.to.tag:
                leg.dialog.remote = response.to
            message = response.message
            self._legs.events.append(
                Progressed(
                    dialog=leg.id,
                    status=message.status,
                    reason=message.reason,
                    body=message.body,
                )
            )

    def _cancel_once(self, leg: Leg, now: float) -> None:
        """Send the CANCEL that waited for a provisional response."""
        if leg.invite_out is not None and not leg.invite_out.is_given_up:
            self._send_cancel(leg, now)

    def _receive_success(
        self, leg: Leg, acks: AcksByTag, response: IncomingResponse, now: float
    ) -> None:
        if self._requests.acknowledge_again(acks, response):
            return
        if len(acks) >= self._config.limits.forks:
            return
        dialog = leg.dialog.answered_by(response)
        cseq = response.cseq.number
        acks[response.to.tag or ""] = self._requests.acknowledge(dialog, cseq)
        leg.invite_out = None
        if leg.phase is Phase.CALLING:
            leg.dialog, leg.phase = dialog, Phase.CONFIRMED
            self._legs.events.append(Answered(dialog=leg.id, body=response.message.body))
            return
        # Another branch of a fork, or an answer that crossed our CANCEL.
        self._requests.hang_up(dialog, now)
        if leg.phase is Phase.CANCELLING:
            self._legs.end(leg, _terminated(leg))

    def _time_out(self, leg: Leg, now: float) -> None:
        """No final response came. Somebody may still ring: where one was ever heard, CANCEL is worth a try."""
        transaction = leg.invite_out
        if transaction is not None and transaction.is_heard and not transaction.is_given_up:
            self._send_cancel(leg, now)
        leg.invite_out = None
        self._legs.end(leg, DialogLost(dialog=leg.id, reason="the INVITE was not answered"))


def _rejected(leg: Leg, response: IncomingResponse) -> Rejected:
    return Rejected(
        dialog=leg.id,
        status=response.status,
        reason=response.message.reason,
        retry_after=read_retry_after(response),
    )


def _terminated(leg: Leg) -> Rejected:
    return Rejected(dialog=leg.id, status=487, reason="Request Terminated", retry_after=None)
