"""The evidence file: one line of canonical JSON, `{"document":…,"signature":…}`; signed is the document's own text.

Rules of this file: canonical is RFC 8785 for documents without fractions (there are none: scores are decimal text), so
each document has one text, and so has each file. What is not exactly that text is not accepted.
"""

import json
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ivr.evidence.errors import EvidenceError
from ivr.evidence.node_key import key_id

FORMAT: Final = "tonewall-evidence"
VERSION: Final = 1
ALGORITHM: Final = "Ed25519"

MAX_FILE_BYTES: Final = 4 * 1024 * 1024
"Ten times the longest document there can be: 300 spans, 1,000 changes of a recorder, their payments."


def canonical(value: dict[str, Any]) -> bytes:
    """Return the one text of `value`: keys sorted, no space, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sign(document: dict[str, Any], key: Ed25519PrivateKey) -> bytes:
    """Return the file of a document."""
    signature = {
        "algorithm": ALGORITHM,
        "key_id": key_id(key.public_key()),
        "value": key.sign(canonical(document)).hex(),
    }
    return canonical({"document": document, "signature": signature}) + b"\n"


def verify(data: bytes, key: Ed25519PublicKey) -> dict[str, Any]:
    """Return the document of a file; raise :class:`EvidenceError`, which names the first thing that is wrong."""
    document, signature = _parts(data)
    if signature["algorithm"] != ALGORITHM:
        raise EvidenceError("the signature is of an unknown kind; only Ed25519 is known")
    if signature["key_id"] != key_id(key):
        raise EvidenceError(
            f"the file names another key than the one it is checked with ({key_id(key)})"
        )
    try:
        key.verify(_signature_bytes(signature["value"]), canonical(document))
    except InvalidSignature:
        raise EvidenceError(
            "the signature does not fit: the document or the signature was changed"
        ) from None
    if (document.get("format"), document.get("version")) != (FORMAT, VERSION):
        raise EvidenceError("the document is of a kind that this version does not know")
    return document


def _parts(data: bytes) -> tuple[dict[str, Any], dict[str, str]]:
    if len(data) > MAX_FILE_BYTES:
        raise EvidenceError("the file is too long for evidence")
    try:
        file = json.loads(data)
        if canonical(file) + b"\n" != data:
            raise EvidenceError("the file was changed: it is not written as evidence is")
    except (ValueError, RecursionError):
        raise EvidenceError("the file is not JSON") from None
    match file:
        case {
            "document": dict() as document,
            "signature": {"algorithm": str(), "key_id": str(), "value": str()} as signature,
        } if len(file) == 2 and len(signature) == 3:
            return document, signature
        case _:
            raise EvidenceError("the file holds no signed document")


def _signature_bytes(text: str) -> bytes:
    try:
        value = bytes.fromhex(text)
    except ValueError:
        value = b""
    if value.hex() != text:
        raise EvidenceError("the signature is not written in hexadecimal")
    return value
