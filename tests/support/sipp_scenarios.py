"""SIPp scenarios as XML, put together from the steps of :mod:`tests.support.sipp`."""

from pathlib import Path
from typing import Final
from xml.sax.saxutils import quoteattr

_HEADER: Final = (
    '<?xml version="1.0" encoding="ISO-8859-1" ?>\n<!DOCTYPE scenario SYSTEM "sipp.dtd">\n'
)

_VIA: Final = "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n"

_TAG: Final = "[pid]T[call_number]"

_INVITE: Final = """\
  <send retrans="500"><![CDATA[
INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
{via}From: <sip:{username}@[local_ip]:[local_port]>;tag={tag}
To: <sip:[service]@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:{username}@[local_ip]:[local_port]>
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: [len]

v=0
o=- 1 1 IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio [auto_media_port] RTP/AVP 0
a=rtpmap:0 PCMU/8000
a=ptime:20

]]></send>
  <recv response="100" optional="true"/>
  <recv response="180" optional="true"/>
  <recv response="183" optional="true"/>
  <recv response="200" rrs="true"/>
"""

_IN_DIALOG: Final = """\
  <send{retransmit}><![CDATA[
{method} [next_url] SIP/2.0
{via}From: <sip:{username}@[local_ip]:[local_port]>;tag={tag}
To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]
[routes]
Call-ID: [call_id]
CSeq: {cseq} {method}
Max-Forwards: 70
{body}
]]></send>
"""

_NO_BODY: Final = "Content-Length: 0\n"

_OK: Final = '  <recv response="200"/>\n'

_AWAIT_INFO: Final = """\
  <recv request="INFO"/>
  <send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
"""

_ANSWER: Final = """\
  <recv request="INVITE"/>
  <send><![CDATA[
SIP/2.0 180 Ringing
[last_Via:]
[last_From:]
[last_To:];tag={tag}
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:[local_ip]:[local_port];transport=[transport]>
Content-Length: 0

]]></send>
  <send retrans="500"><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:];tag={tag}
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:[local_ip]:[local_port];transport=[transport]>
Content-Type: application/sdp
Content-Length: [len]

v=0
o=- 1 1 IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 0
a=rtpmap:0 PCMU/8000
a=ptime:20

]]></send>
  <recv request="ACK"/>
  <recv request="BYE"/>
  <send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
"""


def caller(username: str, steps: list[str], bye_cseq: int) -> str:
    """Return a scenario that calls, does `steps` and hangs up with CSeq `bye_cseq`."""
    invite = _INVITE.format(via=_VIA, username=username, tag=_TAG)
    ack = _in_dialog("ACK", username, 1, _NO_BODY)
    bye = _in_dialog("BYE", username, bye_cseq, _NO_BODY, retransmit=True) + _OK
    body = "".join([invite, ack, *steps, bye])
    return f'{_HEADER}<scenario name="caller">\n{body}</scenario>\n'


def answerer() -> str:
    """Return a scenario that answers one call and waits for the BYE."""
    body = _ANSWER.format(tag="[pid]A[call_number]")
    return f'{_HEADER}<scenario name="answerer">\n{body}</scenario>\n'


def play(raw_mulaw: Path, seconds: float) -> str:
    """Return a step that sends a raw mu-law file once and waits until it is through."""
    stream = quoteattr(f"{raw_mulaw},1,0,PCMU/8000")
    return f"  <nop><action><exec rtp_stream={stream}/></action></nop>\n{pause(seconds + 0.1)}"


def pause(seconds: float) -> str:
    """Return a step that waits."""
    return f'  <pause milliseconds="{round(seconds * 1000)}"/>\n'


def info(username: str, key: str, duration_ms: int, cseq: int) -> str:
    """Return a step that sends one key as application/dtmf-relay and awaits the 200."""
    body = (
        "Content-Type: application/dtmf-relay\nContent-Length: [len]\n\n"
        f"Signal={key}\nDuration={duration_ms}\n"
    )
    return _in_dialog("INFO", username, cseq, body, retransmit=True) + _OK


def await_info() -> str:
    """Return a step that waits for an INFO, whatever it holds, and answers it."""
    return _AWAIT_INFO


def _in_dialog(
    method: str, username: str, cseq: int, body: str, *, retransmit: bool = False
) -> str:
    return _IN_DIALOG.format(
        retransmit=' retrans="500"' if retransmit else "",
        method=method,
        via=_VIA,
        username=username,
        tag=_TAG,
        cseq=cseq,
        body=body,
    )
