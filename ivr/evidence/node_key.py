"""The key a node signs with (Ed25519, RFC 8032): made at the first start, kept in the data folder with mode 0600."""

import hashlib
import os
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from ivr.evidence.errors import EvidenceError

_PUBLIC_SIZE: Final = 32


def key_path(data: Path, node: str) -> Path:
    """Return where a node's key is; several nodes may share a data folder."""
    return data / f"{node}.evidence-key.pem"


def make_key(data: Path, node: str) -> None:
    """Make the node's key where it has none; raise OSError where it cannot be written."""
    try:
        file = os.open(key_path(data, node), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    private = Ed25519PrivateKey.generate()
    with os.fdopen(file, "wb") as stream:
        stream.write(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        stream.flush()
        os.fsync(stream.fileno())


def load_key(data: Path, node: str) -> Ed25519PrivateKey:
    """Return the node's key; raise :class:`EvidenceError` where there is none, or a file that holds none."""
    path = key_path(data, node)
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except FileNotFoundError:
        raise EvidenceError(
            f"{path}: there is no key; the gateway makes it at its first start"
        ) from None
    except OSError as error:
        raise EvidenceError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise EvidenceError(f"{path}: holds no Ed25519 key; restore it from a backup")
    return key


def public_text(key: Ed25519PublicKey) -> str:
    """Return the raw public key in hexadecimal, 64 characters."""
    return key.public_bytes_raw().hex()


def read_public(text: str) -> Ed25519PublicKey:
    """Return the key of :func:`public_text`; raise :class:`EvidenceError`."""
    try:
        raw = bytes.fromhex(text.strip())
    except ValueError:
        raw = b""
    if len(raw) != _PUBLIC_SIZE:
        raise EvidenceError(
            "a public key is 64 hexadecimal digits, as `tonewall evidence key` prints it"
        )
    return Ed25519PublicKey.from_public_bytes(raw)


def key_id(key: Ed25519PublicKey) -> str:
    """Return the first half of SHA-256 over the raw public key, in hexadecimal: enough to tell keys apart."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:32]
