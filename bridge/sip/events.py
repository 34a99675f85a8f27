"""What an endpoint tells its user.

A dialog ends with exactly one of :class:`Rejected`, :class:`Cancelled`, :class:`ByeReceived` and :class:`DialogLost`;
or with our own `bye()` or our own final response other than 2xx, after which nothing more is said of it.
"""

from dataclasses import dataclass, field
from typing import NewType

from bridge.sip.incoming import Address
from bridge.sip.name_addr import NameAddr
from bridge.sip.uri import Uri

DialogId = NewType("DialogId", str)
"Names one call leg from its first INVITE on; equal to our own tag."


@dataclass(frozen=True, slots=True, kw_only=True)
class InviteReceived:
    """Somebody calls; 100 is sent already, `respond()` is due."""

    dialog: DialogId
    request_uri: Uri
    from_: NameAddr
    to: NameAddr
    max_forwards: int
    "What the next hop gets is one less; never 0 here."

    source: Address
    "Where the datagram came from."

    body: bytes = field(repr=False)
    "The offer; empty where we are to make it in the 2xx."


@dataclass(frozen=True, slots=True, kw_only=True)
class ReinviteReceived:
    """The other side wants to change the session; `respond()` is due."""

    dialog: DialogId
    body: bytes = field(repr=False)
    "The offer; empty where we are to make it in the 2xx."


@dataclass(frozen=True, slots=True, kw_only=True)
class ReinviteCancelled:
    """The re-INVITE is off (487 is sent); the session goes on as it was, no `respond()` is due."""

    dialog: DialogId


@dataclass(frozen=True, slots=True, kw_only=True)
class Progressed:
    """A provisional response other than 100 to our INVITE."""

    dialog: DialogId
    status: int
    reason: str
    body: bytes = field(repr=False)
    "Early media's answer, often empty."


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A 2xx to our INVITE; the ACK is sent already."""

    dialog: DialogId
    body: bytes = field(repr=False)
    "The answer."


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """Our INVITE failed, or ended after `cancel()` (487 then). The dialog is over."""

    dialog: DialogId
    status: int
    reason: str
    retry_after: int | None
    "Seconds of the Retry-After header; None where there is none."


@dataclass(frozen=True, slots=True, kw_only=True)
class ReinviteAnswered:
    """A 2xx to our re-INVITE; the ACK is sent already."""

    dialog: DialogId
    body: bytes = field(repr=False)
    "The answer."


@dataclass(frozen=True, slots=True, kw_only=True)
class ReinviteRejected:
    """Our re-INVITE was refused; the session goes on as it was (RFC 3261 section 14.1). 491 asks to try later."""

    dialog: DialogId
    status: int
    reason: str
    retry_after: int | None
    "Seconds of the Retry-After header; None where there is none."


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """The ACK of our 2xx to an INVITE or re-INVITE came."""

    dialog: DialogId
    body: bytes = field(repr=False)
    "The answer where the offer was ours; else empty."


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """The caller gave up before we answered; 487 is sent. The dialog is over."""

    dialog: DialogId


@dataclass(frozen=True, slots=True, kw_only=True)
class ByeReceived:
    """The other side hung up; 200 is sent. The dialog is over."""

    dialog: DialogId


@dataclass(frozen=True, slots=True, kw_only=True)
class DialogLost:
    """No ACK to our 2xx, no response, or the other side knows the dialog no more. The dialog is over."""

    dialog: DialogId
    reason: str
    "For people."


@dataclass(frozen=True, slots=True, kw_only=True)
class InfoReceived:
    """An INFO came and was answered 200; see `info_dtmf` for digits."""

    dialog: DialogId
    content_type: str
    body: bytes = field(repr=False)
    "May hold a digit."


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A phone registered or refreshed its registration."""

    user: str
    contact: Uri
    destination: Address
    "The source of its REGISTER."

    expires_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unregistered:
    """A user's last phone is gone: unregistered, or its registration expired."""

    user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationRefused:
    """A REGISTER came with wrong credentials. At most `SipLimits.failed_logins` of an address in a window are told."""

    user: str
    "Whose account; empty for a name that has none: people type passwords there."

    source: Address


DialogEvent = (
    InviteReceived
    | ReinviteReceived
    | ReinviteCancelled
    | Progressed
    | Answered
    | Rejected
    | ReinviteAnswered
    | ReinviteRejected
    | Acknowledged
    | Cancelled
    | ByeReceived
    | DialogLost
    | InfoReceived
)
"What belongs to one dialog."

SipEvent = DialogEvent | Registered | Unregistered | RegistrationRefused
