"""What a call asks of SIP: its dialogs, wherever their sockets are."""

from collections.abc import Sequence
from typing import Protocol

from bridge.config import Address
from bridge.sip.events import DialogId
from bridge.sip.name_addr import NameAddr
from bridge.sip.uri import Uri


class SipDialogs(Protocol):
    """As :class:`bridge.sip.endpoint.SipEndpoint`, which fulfils it for one socket. All raise LocalProtocolError."""

    def invite(
        self,
        *,
        request_uri: Uri,
        from_: NameAddr,
        to: NameAddr,
        destination: Address,
        body: bytes,
        max_forwards: int = 70,
        now: float,
    ) -> DialogId:
        """Call `request_uri` by way of `destination` with the offer `body`."""

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
        """Answer the pending INVITE or re-INVITE of `dialog`."""

    def cancel(self, dialog: DialogId, now: float) -> None:
        """Give up our call that is not answered."""

    def bye(self, dialog: DialogId, now: float) -> None:
        """Hang up an established call."""

    def reinvite(self, dialog: DialogId, body: bytes, now: float) -> None:
        """Offer a changed session."""

    def info(self, dialog: DialogId, content_type: str, body: bytes, now: float) -> None:
        """Send INFO in an established call."""
