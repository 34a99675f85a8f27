"""What both sides of a call may send inside a dialog: ACK, BYE, INFO, re-INVITE (RFC 3261 sections 12.2, 14, 15)."""

from collections.abc import Callable
from typing import Final

from bridge.errors import LocalProtocolError, RemoteProtocolError
from bridge.sip import grammar
from bridge.sip.client_transaction import ClientTransaction, OnResponse, OnTimeout
from bridge.sip.config import SipConfig
from bridge.sip.dialog import Dialog
from bridge.sip.events import DialogLost, ReinviteAnswered, ReinviteRejected
from bridge.sip.incoming import Address, IncomingResponse
from bridge.sip.leg import Leg, Legs, Phase
from bridge.sip.message import Request
from bridge.sip.transactions import TransactionLayer, new_branch

SDP: Final = "application/sdp"

AcksByTag = dict[str, tuple[bytes, Address]]
"Our ACKs of one INVITE's 2xx, by their To-tag: each is sent again for each retransmission of its 2xx."

_DIALOG_IS_GONE: Final = frozenset({408, 481})
"Responses that end the dialog, not just the request (RFC 3261 section 12.2.1.2)."


class DialogRequests:
    """Sends requests inside dialogs and reads their responses."""

    def __init__(
        self,
        config: SipConfig,
        *,
        layer: TransactionLayer,
        legs: Legs,
        token: Callable[[], str],
    ) -> None:
        self._config = config
        self._layer = layer
        self._legs = legs
        self._token = token

    def contact(self) -> tuple[str, str]:
        """Return our Contact header."""
        host = grammar.format_host_port(self._config.host, self._config.port)
        return "Contact", f"<sip:{host}>"

    def acknowledge(self, dialog: Dialog, cseq: int) -> tuple[bytes, Address]:
        """Send the ACK of a 2xx and return it (RFC 3261 section 13.2.2.4)."""
        via = self._layer.via(new_branch(self._token()))
        data = bytes(dialog.build_request("ACK", cseq=cseq, via=via))
        destination = dialog.destination()
        self._layer.send(data, destination)
        return data, destination

    def hang_up(self, dialog: Dialog, now: float) -> None:
        """Send BYE; whatever comes of it, the dialog is over."""
        self._start(dialog, "BYE", now=now)

    def bye(self, leg: Leg, now: float) -> None:
        """End an established call; where the ACK is not here yet, BYE waits for it (RFC 3261 section 15)."""
        match leg.phase:
            case Phase.CONFIRMED:
                self.hang_up(leg.dialog, now)
                self._legs.end(leg, None)
            case Phase.ACCEPTED:
                leg.phase = Phase.LEAVING
            case _:
                raise LocalProtocolError("the call is not established: cancel() or respond()")

    def lose(self, leg: Leg, reason: str, now: float) -> None:
        """End an established call that does not work any more: BYE in case somebody hears it, and tell."""
        if leg.phase is not Phase.ENDED:
            told = None if leg.phase is Phase.LEAVING else DialogLost(dialog=leg.id, reason=reason)
            self.hang_up(leg.dialog, now)
            self._legs.end(leg, told)

    def info(self, leg: Leg, content_type: str, body: bytes, now: float) -> None:
        """Send INFO (RFC 6086 section 4.2.1). One that nobody answers does no harm: some phones never do."""
        if leg.phase not in (Phase.CONFIRMED, Phase.ACCEPTED):
            raise LocalProtocolError("INFO needs an established call")

        def on_response(response: IncomingResponse, now: float) -> None:
            if response.status == 481:
                self.lose(leg, "INFO was answered 481", now)

        headers = (("Content-Type", content_type),)
        self._start(
            leg.dialog, "INFO", headers=headers, body=body, on_response=on_response, now=now
        )

    def reinvite(self, leg: Leg, body: bytes, now: float) -> None:
        """Offer a changed session (RFC 3261 section 14.1)."""
        if leg.phase is not Phase.CONFIRMED or leg.invite_out or leg.invite_in or leg.success:
            raise LocalProtocolError("a re-INVITE needs an established call and no other INVITE")

        acks: AcksByTag = {}

        def on_response(response: IncomingResponse, now: float) -> None:
            self._reinvite_answered(leg, acks, response, now)

        def on_timeout(now: float) -> None:
            leg.invite_out = None
            self.lose(leg, "the re-INVITE was not answered", now)

        headers = (self.contact(), ("Content-Type", SDP))
        leg.invite_out = self._start(
            leg.dialog,
            "INVITE",
            headers=headers,
            body=body,
            on_response=on_response,
            on_timeout=on_timeout,
            now=now,
        )

    def _reinvite_answered(
        self, leg: Leg, acks: AcksByTag, response: IncomingResponse, now: float
    ) -> None:
        status, message = response.status, response.message
        if status < 200:
            return
        if status < 300:
            if acks:
                self.acknowledge_again(acks, response)
                return
            leg.dialog.refresh_target(response.contacts, response.source)
            acks[response.to.tag or ""] = self.acknowledge(leg.dialog, response.cseq.number)
        leg.invite_out = None
        if leg.phase is Phase.ENDED:
            return
        if status < 300:
            self._legs.events.append(ReinviteAnswered(dialog=leg.id, body=message.body))
        elif status in _DIALOG_IS_GONE:
            self.lose(leg, f"the re-INVITE was answered {status}", now)
        else:
            self._legs.events.append(
                ReinviteRejected(
                    dialog=leg.id,
                    status=status,
                    reason=message.reason,
                    retry_after=read_retry_after(response),
                )
            )

    def acknowledge_again(self, acks: AcksByTag, response: IncomingResponse) -> bool:
        """Send the ACK of a 2xx once more if this 2xx was acknowledged before; tell whether it was."""
        known = acks.get(response.to.tag or "")
        if known is not None:
            self._layer.send(*known)
        return known is not None

    def _start(
        self,
        dialog: Dialog,
        method: str,
        *,
        headers: tuple[tuple[str, str], ...] = (),
        body: bytes = b"",
        on_response: OnResponse | None = None,
        on_timeout: OnTimeout | None = None,
        now: float,
    ) -> ClientTransaction:
        branch = new_branch(self._token())
        cseq = dialog.next_cseq()
        ours = (*headers, ("User-Agent", self._config.user_agent))
        via = self._layer.via(branch)
        request = dialog.build_request(method, cseq=cseq, via=via, headers=ours, body=body)
        return self._layer.start(
            request,
            dialog.destination(),
            branch=branch,
            on_response=on_response or _ignore_response,
            on_timeout=on_timeout or _ignore_timeout,
            now=now,
        )


def read_retry_after(response: IncomingResponse) -> int | None:
    """Return the seconds of Retry-After, None where it is missing or cannot be read (RFC 3261 section 20.33)."""
    text = (response.message.headers.get("Retry-After") or "").partition(";")[0].partition("(")[0]
    try:
        return grammar.parse_number(text.strip(), maximum=2**31 - 1, what="Retry-After")
    except RemoteProtocolError:
        return None


def cancel_of(invite: Request) -> Request:
    """Return the CANCEL of `invite`, with its branch (RFC 3261 section 9.1)."""
    kept = {"via", "route", "from", "call-id", "to", "max-forwards"}
    lines = [line for line in invite.headers.lines if line[0].lower() in kept]
    lines.append(("CSeq", f"{invite.headers.only('CSeq').split()[0]} CANCEL"))
    headers = type(invite.headers)(tuple(lines))
    return Request(method="CANCEL", uri=invite.uri, headers=headers)


def _ignore_response(response: IncomingResponse, now: float) -> None:
    """For requests whose fate changes nothing."""


def _ignore_timeout(now: float) -> None:
    """For requests whose fate changes nothing."""
