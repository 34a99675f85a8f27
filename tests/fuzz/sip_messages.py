"""Messages that are almost right: whole ones, cut, spliced, repeated and with wild values."""

from hypothesis import strategies as st

from bridge.sip.message import Request, parse_message
from tests.bridge.sip.texts import request, response

_INVITE = parse_message(request())
assert isinstance(_INVITE, Request)

SEEDS = (
    request(body="v=0\r\ns=-\r\n", headers=("Content-Type: application/sdp",)),
    request("ACK"),
    request("CANCEL"),
    request("BYE", to="<sip:bob@example.com>;tag=b00000002", cseq=2),
    request("INFO", to="<sip:bob@example.com>;tag=b00000002", cseq=3, body="Signal=5"),
    request("OPTIONS", headers=("Require: x", 'Route: "a, b" <sip:h;lr>, <sip:[::1]>')),
    request(
        "REGISTER", contact="*", headers=("Expires: 0", 'Authorization: Digest realm="tonewall"')
    ),
    response(_INVITE, 180),
    response(_INVITE, 200, headers=("Record-Route: <sip:h;lr>", "Retry-After: 5 (x)")),
    response(_INVITE, 486),
)
"One of each kind that an endpoint has to do with."

SPICES = (
    b"\r\n",
    b"\r\n ",
    b"\r\n\r\n",
    b"\n",
    b"\0",
    b"\xff\xfe",
    b'"',
    b"<",
    b">",
    b",",
    b";",
    b"=",
    b"%",
    b"%ff",
    b"@",
    b"[::1",
    b":99999999",
    b" ",
    b"\xd9\xa1",
    b"SIP/2.0",
    b"z9hG4bK",
    b"Via: SIP/2.0/UDP h;branch=z9hG4bK\r\n",
    b"t: *\r\n",
    b"9" * 30,
)
"What breaks parsers."


@st.composite
def mutated(draw: st.DrawFn, seeds: tuple[bytes, ...] = SEEDS) -> bytes:
    """Return a seed after up to six cuts, doublings and insertions."""
    data = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(0, 6))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 40)))
        piece = draw(
            st.sampled_from(SPICES)
            | st.just(b"")
            | st.just(data[start:end] * 2)
            | st.binary(max_size=8)
        )
        data = data[:start] + piece + data[end:]
    return data
