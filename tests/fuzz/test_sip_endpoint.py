"""Invariant: no datagram raises, state stays within its bounds, and in time all of it is forgotten."""

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import LocalProtocolError
from bridge.sip.config import SipLimits
from bridge.sip.endpoint import SipEndpoint
from bridge.sip.events import (
    ByeReceived,
    Cancelled,
    DialogLost,
    InviteReceived,
    ReinviteReceived,
    Rejected,
)
from tests.bridge.sip.loopback import call, events_of, make_endpoint
from tests.bridge.sip.texts import PHONE
from tests.fuzz.sip_messages import mutated

LIMITS = SipLimits(dialogs=4, transactions=8, bindings=2)
MOST_SENT_FOR_ONE_DATAGRAM = 3


def _answer_calls(endpoint: SipEndpoint, status: int, now: float, ended: list[str]) -> None:
    """Play the user: answer what is offered, and write down what ended."""
    for event in events_of(endpoint):
        if isinstance(event, InviteReceived | ReinviteReceived):
            try:
                endpoint.respond(event.dialog, status, body=b"v=0", now=now)
            except LocalProtocolError:
                continue  # it ended within the same datagram's events
        elif isinstance(event, ByeReceived | Cancelled | DialogLost | Rejected):
            ended.append(event.dialog)


@settings(max_examples=60, database=None)
@given(
    datagrams=st.lists(mutated() | st.binary(max_size=60), max_size=25),
    status=st.sampled_from([180, 200, 486]),
    step_s=st.sampled_from([0.0, 0.4, 7.0]),
)
def test_datagrams(datagrams: list[bytes], status: int, step_s: float) -> None:
    endpoint = make_endpoint(limits=LIMITS, prefix="b", password_of={"bob": "x"}.get)
    call(endpoint, PHONE)
    endpoint.datagrams_to_send()
    now, ended = 0.0, list[str]()
    for data in datagrams:
        now += step_s
        endpoint.receive_datagram(data, PHONE, now)
        assert len(endpoint.datagrams_to_send()) <= MOST_SENT_FOR_ONE_DATAGRAM
        assert endpoint.dialog_count <= LIMITS.dialogs
        _answer_calls(endpoint, status, now, ended)
        endpoint.handle_timer(now)
        endpoint.datagrams_to_send()
    while (at := endpoint.next_timer()) is not None:
        assert at >= now
        now = max(now, at)
        endpoint.handle_timer(now)
        endpoint.datagrams_to_send()
        _answer_calls(endpoint, status, now, ended)
    assert len(ended) == len(set(ended))
    if status >= 200:
        assert endpoint.transaction_count == 0
        assert endpoint.dialog_count == 0 or status == 200
