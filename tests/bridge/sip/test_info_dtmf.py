"""Digits in INFO bodies are read in all the ways in which they are sent, and shown in none."""

import pytest

from bridge.sip.info_dtmf import InfoDtmfError, parse_info_digit
from dtmf.keys import KEYS


@pytest.mark.parametrize("key", KEYS)
def test_every_key(key: str) -> None:
    found, duration_ms = parse_info_digit(
        "application/dtmf-relay", f"Signal={key}\r\nDuration=160\r\n".encode()
    )
    assert (found.reveal(), duration_ms) == (key, 160)


@pytest.mark.parametrize(
    ("content_type", "body", "key", "duration_ms"),
    [
        ("Application/DTMF-Relay; charset=x", b"signal = 5 \nDURATION= 250", "5", 250),
        ("application/dtmf-relay", b"Signal=11\r\nDuration=250", "#", 250),
        ("application/dtmf-relay", b"Signal=10", "*", None),
        ("application/dtmf-relay", b"Signal=d", "D", None),
        ("application/dtmf-relay", b"Signal=1\r\nDuration=long", "1", None),
        ("application/dtmf-relay", b"Signal=1\r\nDuration=99999999", "1", None),
        ("application/dtmf", b"5\r\n", "5", None),
        ("application/dtmf", b"Signal=5\r\nDuration=100", "5", 100),
    ],
)
def test_ways_of_writing(content_type: str, body: bytes, key: str, duration_ms: int | None) -> None:
    found, duration = parse_info_digit(content_type, body)
    assert (found.reveal(), duration) == (key, duration_ms)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/plain", b"5"),
        ("", b"5"),
        ("application/dtmf-relay", b""),
        ("application/dtmf-relay", b"5"),
        ("application/dtmf-relay", b"Signal=99"),
        ("application/dtmf-relay", b"Signal=!"),
        ("application/dtmf", b"41"),
        ("application/dtmf", b"\xff\x00"),
        ("application/dtmf", b" " * 300 + b"5"),
    ],
)
def test_no_digit_is_an_error(content_type: str, body: bytes) -> None:
    with pytest.raises(InfoDtmfError):
        parse_info_digit(content_type, body)


def test_error_shows_nothing_of_the_body() -> None:
    with pytest.raises(InfoDtmfError) as raised:
        parse_info_digit("application/dtmf-relay", b"Signal=987654")
    chain = [raised.value, raised.value.__cause__]
    assert "987654" not in repr(chain)


def test_key_is_hidden() -> None:
    assert "5" not in repr(parse_info_digit("application/dtmf", b"5"))
