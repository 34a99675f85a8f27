"""Requests and responses as a test writes them."""

from bridge.sip.message import Request

PHONE = ("192.0.2.9", 5070)
"Where a hand-written message comes from."


def request(
    method: str = "INVITE",
    *,
    uri: str = "sip:bob@192.0.2.2",
    branch: str = "z9hG4bKtest1",
    via: str | None = None,
    from_: str = "<sip:alice@example.com>;tag=alice",
    to: str = "<sip:bob@example.com>",
    call_id: str = "call-1",
    cseq: int = 1,
    cseq_method: str | None = None,
    contact: str | None = "<sip:alice@192.0.2.9:5070>",
    headers: tuple[str, ...] = (),
    body: str = "",
) -> bytes:
    """Return a request; `headers` are whole lines."""
    lines = [
        f"{method} {uri} SIP/2.0",
        via or f"Via: SIP/2.0/UDP 192.0.2.9:5070;rport;branch={branch}",
        f"From: {from_}",
        f"To: {to}",
        f"Call-ID: {call_id}",
        f"CSeq: {cseq} {cseq_method or method}",
        *([f"Contact: {contact}"] if contact is not None else []),
        *headers,
        f"Content-Length: {len(body.encode())}",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def response(
    asked: Request,
    status: int,
    reason: str = "Reason",
    *,
    tag: str = "remote",
    contact: str | None = "<sip:bob@192.0.2.9:5070>",
    headers: tuple[str, ...] = (),
    body: str = "",
) -> bytes:
    """Return the response of a phone to our request `asked`."""
    to = asked.headers.only("To")
    if tag and ";tag=" not in to:
        to += f";tag={tag}"
    lines = [
        f"SIP/2.0 {status} {reason}",
        *[f"Via: {via}" for via in asked.headers.get_all("Via")],
        f"From: {asked.headers.only('From')}",
        f"To: {to}",
        f"Call-ID: {asked.headers.only('Call-ID')}",
        f"CSeq: {asked.headers.only('CSeq')}",
        *([f"Contact: {contact}"] if contact is not None else []),
        *headers,
        f"Content-Length: {len(body.encode())}",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()
