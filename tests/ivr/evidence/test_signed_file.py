"""The evidence file: whatever is changed in it, it is refused, and the first thing that is wrong is named."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ivr.evidence.document import build_document
from ivr.evidence.errors import EvidenceError
from ivr.evidence.signed_file import MAX_FILE_BYTES, canonical, sign, verify
from tests.ivr.evidence.facts import FACTS, at
from tests.ivr.storage.records import SESSION

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
DOCUMENT = build_document(FACTS, [SESSION], None, software="tonewall 1", now=at(99))
FILE = sign(DOCUMENT, KEY)


def refusal(data: bytes) -> str:
    with pytest.raises(EvidenceError) as refused:
        verify(data, KEY.public_key())
    return str(refused.value)


def resigned(**changes: object) -> bytes:
    """Return a file whose signature part says something else."""
    file: dict[str, Any] = json.loads(FILE)
    file["signature"] |= changes
    return canonical(file) + b"\n"


def test_a_signed_document_comes_back() -> None:
    assert verify(FILE, KEY.public_key()) == DOCUMENT


def test_what_was_heard_is_in_it_as_text() -> None:
    quality = DOCUMENT["quality"]
    assert quality["heard_by_agent"]["missed_percent"] == "5.00"
    assert quality["heard_by_caller"]["mos"] == "4.38"
    assert quality["caller"]["packets_missed"] == 50
    assert (quality["agent"]["jitter_ms"], quality["agent"]["round_trip_ms"]) == ("0.500", None)


def test_signing_twice_gives_the_same_file() -> None:
    assert sign(dict(reversed(DOCUMENT.items())), KEY) == FILE


def test_no_byte_can_be_changed() -> None:
    for place in range(len(FILE)):
        changed = bytearray(FILE)
        changed[place] ^= 1
        assert refusal(bytes(changed)), place


def test_nothing_can_be_cut_off_or_added() -> None:
    for changed in (FILE[:-1], FILE + b"\n", b" " + FILE, FILE[1:], b""):
        assert refusal(changed)


def test_what_is_wrong_is_named() -> None:
    assert "not JSON" in refusal(b"hello")
    assert "no signed document" in refusal(b"[]\n")
    assert "no signed document" in refusal(b'{"document":{},"signature":{}}\n')
    assert "another key" in refusal(sign(DOCUMENT, OTHER))
    assert "does not know" in refusal(sign(DOCUMENT | {"version": 2}, KEY))
    assert "does not know" in refusal(sign({}, KEY))
    assert "does not fit" in refusal(FILE.replace(b'"lost":2', b'"lost":0'))
    assert "unknown kind" in refusal(resigned(algorithm="none"))
    assert "not written in hexadecimal" in refusal(resigned(value="AB" * 64))
    assert "does not fit" in refusal(resigned(value=""))
    assert "was changed" in refusal(json.dumps(json.loads(FILE)).encode())
    assert "too long" in refusal(b" " * (MAX_FILE_BYTES + 1))


def test_a_file_that_another_key_signed_in_our_name_is_refused() -> None:
    theirs = json.loads(sign(DOCUMENT, OTHER))["signature"]["value"]
    assert "does not fit" in refusal(resigned(value=theirs))


def test_a_document_holds_no_fraction_that_two_programs_would_write_differently() -> None:
    def values(part: object) -> list[object]:
        match part:
            case dict():
                return [value for item in part.values() for value in values(item)]
            case list():
                return [value for item in part for value in values(item)]
            case _:
                return [part]

    assert not [value for value in values(DOCUMENT) if isinstance(value, float)]
