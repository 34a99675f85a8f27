"""Building responses and finding where they go (RFC 3261 sections 8.2.6 and 18.2.2, RFC 3581)."""

from collections.abc import Iterable
from typing import Final

from bridge.errors import RemoteProtocolError
from bridge.sip.config import SipConfig
from bridge.sip.incoming import Address, IncomingRequest
from bridge.sip.message import Headers, Request, Response
from bridge.sip.via import DEFAULT_PORT, Via

ALLOWED_METHODS: Final = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, REGISTER"
"The Allow header."

REASONS: Final = {
    100: "Trying",
    180: "Ringing",
    183: "Session Progress",
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    415: "Unsupported Media Type",
    416: "Unsupported URI Scheme",
    420: "Bad Extension",
    423: "Interval Too Brief",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    483: "Too Many Hops",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    491: "Request Pending",
    500: "Server Internal Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Server Time-out",
    505: "Version Not Supported",
    513: "Message Too Large",
    600: "Busy Everywhere",
    603: "Decline",
}
"Reason phrases of RFC 3261 section 21 that we send; others go out as they are given."

Lines = Iterable[tuple[str, str]]


def build_response(
    request: IncomingRequest,
    status: int,
    reason: str = "",
    *,
    config: SipConfig,
    to_tag: str,
    headers: Lines = (),
    body: bytes = b"",
) -> Response:
    """Return the response to `request`; its To gets `to_tag` where it has no tag yet and this is no 100."""
    source = request.message.headers
    top, *others = request.vias
    to = source.only("To")
    if request.to.tag is None and status > 100:
        to = f"{to};tag={to_tag}"
    lines = [("Via", str(top.received_from(request.source)))]
    lines += [("Via", str(via)) for via in others]
    if request.method == "INVITE" and 100 < status < 300:
        lines += [("Record-Route", route) for route in source.get_all("Record-Route")]
    lines += [
        ("From", source.only("From")),
        ("To", to),
        ("Call-ID", request.call_id),
        ("CSeq", str(request.cseq)),
        ("Server", config.user_agent),
        *headers,
    ]
    reason = reason or REASONS.get(status, "")
    return Response(status=status, reason=reason, headers=Headers(tuple(lines)), body=body)


def build_refusal(
    request: Request, source: Address, status: int, *, to_tag: str
) -> tuple[Response, Via]:
    """Return the response to a request that cannot be read, with what it has of the headers to copy, and its Via.

    Raises RemoteProtocolError where no Via can be read.
    """
    vias = request.headers.values("Via")
    if not vias:
        raise RemoteProtocolError("Via is missing")
    top = Via.parse(vias[0])
    lines = [("Via", str(top.received_from(source)))]
    lines += [("Via", via) for via in vias[1:]]
    for name in ("From", "To", "Call-ID", "CSeq"):
        value = request.headers.get(name)
        if value is None:
            continue
        if name == "To" and ";tag=" not in value.lower():
            value = f"{value};tag={to_tag}"
        lines.append((name, value))
    reason = REASONS[status]
    return Response(status=status, reason=reason, headers=Headers(tuple(lines))), top


def response_destination(top: Via, source: Address, *, own: Address) -> Address:
    """Return where a response goes: the source's host, and its port where `rport` asks or sent-by is of no use.

    A phone that copies our own Via into its request would otherwise make us answer ourselves. `maddr` is not
    followed: it would let a stranger aim our responses at somebody else.
    """
    if "rport" in top.parameters or top.sent_by == (own[0].lower(), own[1]):
        return source
    return source[0], top.port or DEFAULT_PORT
