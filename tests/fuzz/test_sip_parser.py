"""Invariant: whatever the bytes, a SIP parser returns a value that round-trips or raises RemoteProtocolError."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import RemoteProtocolError
from bridge.sip.cseq import CSeq
from bridge.sip.digest import Credentials
from bridge.sip.incoming import IncomingRequest, IncomingResponse
from bridge.sip.info_dtmf import parse_info_digit
from bridge.sip.message import Request, parse_message
from bridge.sip.name_addr import NameAddr
from bridge.sip.parameters import Parameters
from bridge.sip.uri import Uri
from bridge.sip.via import Via
from tests.bridge.sip.texts import PHONE
from tests.fuzz.sip_messages import mutated

_SEED_VALUES = (
    '"A, \\"B\\"" <sip:a%20b:pw@[::1]:5060;lr?x=y>;tag=1;q="0;1"',
    "sip:user;par=u%40example.net@example.com",
    "SIP / 2.0 / UDP first.example.com: 4000;ttl=16 ;maddr=192.0.2.1 ;branch=z9hG4bKa",
    "tel:+44;phone-context=x",
    "0009 INVITE",
    'Digest username="a", realm="r", nonce="n", uri="u", response="x", qop=auth, nc=00000001',
    ';a="b;c";d',
)

values = st.text(max_size=60) | mutated(tuple(v.encode() for v in _SEED_VALUES)).map(
    lambda data: data.decode("latin-1")
)


@settings(max_examples=200, database=None)
@given(st.binary(max_size=400) | mutated())
def test_message(data: bytes) -> None:
    try:
        message = parse_message(data)
        if isinstance(message, Request):
            IncomingRequest.read(message, PHONE)
        else:
            IncomingResponse.read(message, PHONE)
    except RemoteProtocolError:
        return
    assert parse_message(bytes(message)).headers.get_all("Via") == message.headers.get_all("Via")


@pytest.mark.parametrize(
    "parse", [Uri.parse, NameAddr.parse, Via.parse, CSeq.parse, Credentials.parse]
)
@settings(max_examples=100, database=None)
@given(text=values)
def test_header_value(parse: Callable[[str], object], text: str) -> None:
    try:
        value = parse(text)
    except RemoteProtocolError:
        return
    assert parse(str(value)) == value


@settings(max_examples=100, database=None)
@given(text=values)
def test_parameters(text: str) -> None:
    try:
        value = Parameters.parse(text)
    except RemoteProtocolError:
        return
    assert Parameters.parse(str(value)) == value


@settings(max_examples=100, database=None)
@given(
    content_type=st.sampled_from(["application/dtmf-relay", "application/dtmf", "x"]),
    body=st.binary(max_size=40) | mutated((b"Signal=5\r\nDuration=160\r\n",)),
)
def test_info_digit(content_type: str, body: bytes) -> None:
    try:
        key, _ = parse_info_digit(content_type, body)
    except RemoteProtocolError:
        return
    assert len(key.reveal()) == 1
