"""One SIP endpoint on one UDP socket: bytes and `now` in, datagrams and events out (RFC 3261).

Rules of this file: it only connects. Transactions are in `transactions`, what others ask of us in
`user_agent_server` and `dialog_server`, what we ask of others in `user_agent_client` and `in_dialog`, phones in
`registrar`.
"""

from collections.abc import Callable, Sequence

from bridge.errors import RemoteProtocolError
from bridge.sip.config import SipConfig
from bridge.sip.dialog_server import DialogServer
from bridge.sip.events import DialogId, SipEvent
from bridge.sip.in_dialog import DialogRequests
from bridge.sip.incoming import Address, IncomingRequest, IncomingResponse
from bridge.sip.leg import Legs
from bridge.sip.message import (
    MAX_MESSAGE_BYTES,
    MalformedMessageError,
    Request,
    UnsupportedVersionError,
    parse_message,
)
from bridge.sip.name_addr import NameAddr
from bridge.sip.registrar import Binding, Registrar
from bridge.sip.reply import build_refusal, response_destination
from bridge.sip.timers import Alarms
from bridge.sip.transactions import SipStats, TransactionLayer
from bridge.sip.uri import Uri
from bridge.sip.user_agent_client import UserAgentClient
from bridge.sip.user_agent_server import UserAgentServer

__all__ = ["Address", "Binding", "DialogId", "SipConfig", "SipEndpoint", "SipEvent", "SipStats"]


class SipEndpoint:
    """Drives every dialog of one socket.

    After each call the shell takes all of `datagrams_to_send()` and `next_event()`, and arms `next_timer()`.
    """

    def __init__(
        self,
        config: SipConfig,
        *,
        token: Callable[[], str],
        password_of: Callable[[str], str | None],
    ) -> None:
        """`token` returns fresh random hexadecimal text, `password_of` a user's password or None."""
        self._config = config
        self._token = token
        self._alarms = Alarms()
        self._layer = TransactionLayer(config, self._alarms)
        self._legs = Legs(self._alarms)
        self._registrar = Registrar(config, token=token, password_of=password_of)
        self._requests = DialogRequests(config, layer=self._layer, legs=self._legs, token=token)
        self._client = UserAgentClient(
            config, layer=self._layer, legs=self._legs, requests=self._requests, token=token
        )
        self._dialogs = DialogServer(
            config, layer=self._layer, legs=self._legs, requests=self._requests
        )
        self._server = UserAgentServer(
            config,
            layer=self._layer,
            legs=self._legs,
            dialogs=self._dialogs,
            registrar=self._registrar,
            token=token,
        )

    @property
    def stats(self) -> SipStats:
        """Counters of what came from outside."""
        return self._layer.stats

    @property
    def dialog_count(self) -> int:
        """Number of call legs that are not over."""
        return len(self._legs)

    @property
    def transaction_count(self) -> int:
        """Number of transactions that are not forgotten yet."""
        return len(self._layer)

    @property
    def unanswered_count(self) -> int:
        """Number of our requests that wait for a final response."""
        return self._layer.unanswered

    def knows(self, dialog: DialogId) -> bool:
        """Return whether a call leg is one of this endpoint's, and not over."""
        return dialog in self._legs

    # --- from outside ---

    def receive_datagram(self, data: bytes, source: Address, now: float) -> None:
        """Take one datagram; never raises, whatever it holds."""
        self.stats.datagrams += 1
        if not data.strip(b"\r\n\0"):
            return  # keep-alive (RFC 5626 section 3.5.1)
        try:
            message = parse_message(data)
        except MalformedMessageError as error:
            self._refuse(error, data, source)
            return
        try:
            if isinstance(message, Request):
                request = IncomingRequest.read(message, source)
            else:
                self._layer.receive_response(IncomingResponse.read(message, source), now)
                return
        except RemoteProtocolError as error:
            readable = message if isinstance(message, Request) else None
            self._refuse(MalformedMessageError(str(error), readable), data, source)
            return
        self._server.receive_request(request, now)

    def handle_timer(self, now: float) -> None:
        """Do all that is due: retransmit, give up, forget."""
        self._alarms.wake(now)
        expires_at = self._registrar.next_timer()
        if expires_at is not None and expires_at <= now:
            self._legs.events.extend(self._registrar.expire(now))

    def next_timer(self) -> float | None:
        """Return when `handle_timer` is due, in the time of `now`; None for never."""
        times = (self._alarms.next_timer(), self._registrar.next_timer())
        return min((at for at in times if at is not None), default=None)

    def datagrams_to_send(self) -> list[tuple[bytes, Address]]:
        """Return what is to be sent, and forget it."""
        queued = list(self._layer.outbox)
        self._layer.outbox.clear()
        return queued

    def next_event(self) -> SipEvent | None:
        """Return the oldest event that was not taken yet, None where there is none."""
        return self._legs.events.popleft() if self._legs.events else None

    # --- commands ---

    def invite(
        self,
        *,
        request_uri: Uri,
        from_: NameAddr,
        to: NameAddr,
        destination: Address,
        body: bytes,
        max_forwards: int = 70,
        headers: Sequence[tuple[str, str]] = (),
        now: float,
    ) -> DialogId:
        """Call `request_uri` by way of `destination` with the offer `body`.

        `Progressed` and then `Answered`, `Rejected` or `DialogLost` follow.
        Raises LocalProtocolError where there are too many dialogs, or a header cannot be sent.
        """
        return self._client.invite(
            request_uri=request_uri,
            from_=from_,
            to=to,
            destination=destination,
            body=body,
            max_forwards=max_forwards,
            headers=headers,
            now=now,
        )

    def respond(
        self,
        dialog: DialogId,
        status: int,
        reason: str = "",
        *,
        body: bytes = b"",
        headers: Sequence[tuple[str, str]] = (),
        now: float,
    ) -> None:
        """Answer the pending INVITE or re-INVITE of `dialog`.

        A 2xx is repeated until its ACK comes (RFC 3261 section 13.3.1.4): `Acknowledged` or `DialogLost` follow.
        Raises LocalProtocolError where nothing is pending, or the dialog is gone.
        """
        leg = self._legs.get(dialog)
        self._dialogs.respond(leg, status, reason, body=body, headers=headers, now=now)

    def cancel(self, dialog: DialogId, now: float) -> None:
        """Give up our call that is not answered; `Rejected` (487 mostly) or `DialogLost` follows."""
        self._client.cancel(self._legs.get(dialog), now)

    def bye(self, dialog: DialogId, now: float) -> None:
        """Hang up an established call; no event follows. Raises LocalProtocolError where it is not established."""
        self._requests.bye(self._legs.get(dialog), now)

    def reinvite(self, dialog: DialogId, body: bytes, now: float) -> None:
        """Offer a changed session; `ReinviteAnswered`, `ReinviteRejected` or `DialogLost` follows.

        Raises LocalProtocolError where the call is not established or another INVITE is under way.
        """
        self._requests.reinvite(self._legs.get(dialog), body, now)

    def info(self, dialog: DialogId, content_type: str, body: bytes, now: float) -> None:
        """Send INFO in an established call; no event follows where it is answered or ignored."""
        self._requests.info(self._legs.get(dialog), content_type, body, now)

    def location_of(self, user: str, now: float) -> Binding | None:
        """Return the phone that `user` registered last, None where there is none."""
        return self._registrar.location_of(user, now)

    # --- what cannot be read ---

    def _refuse(self, error: MalformedMessageError, data: bytes, source: Address) -> None:
        """Answer a request that cannot be read where it says enough; drop all else (RFC 3261 section 16.3)."""
        self.stats.malformed += 1
        readable = error.readable
        if readable is None or readable.method == "ACK":
            return
        status = 505 if isinstance(error, UnsupportedVersionError) else 400
        if len(data) > MAX_MESSAGE_BYTES:
            status = 513
        own = (self._config.host, self._config.port)
        try:
            response, top = build_refusal(readable, source, status, to_tag=self._token())
        except RemoteProtocolError:
            return
        self._layer.send(bytes(response), response_destination(top, source, own=own))
