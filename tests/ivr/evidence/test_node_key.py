"""The node's key: made once, private, and never replaced behind somebody's back."""

from pathlib import Path

import pytest

from ivr.evidence.errors import EvidenceError
from ivr.evidence.node_key import key_id, key_path, load_key, make_key, public_text, read_public


def test_a_key_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    make_key(tmp_path, "n1")
    first = public_text(load_key(tmp_path, "n1").public_key())
    make_key(tmp_path, "n1")
    assert public_text(load_key(tmp_path, "n1").public_key()) == first
    assert key_path(tmp_path, "n1").stat().st_mode & 0o777 == 0o600


def test_each_node_has_its_own(tmp_path: Path) -> None:
    for node in ("n1", "n2"):
        make_key(tmp_path, node)
    ids = {key_id(load_key(tmp_path, node).public_key()) for node in ("n1", "n2")}
    assert len(ids) == 2


def test_a_public_key_can_be_written_down(tmp_path: Path) -> None:
    make_key(tmp_path, "n1")
    public = load_key(tmp_path, "n1").public_key()
    assert read_public(f" {public_text(public)}\n") == public


@pytest.mark.parametrize("text", ["", "abc", "zz" * 32, "00" * 31])
def test_what_is_no_public_key_is_told(text: str) -> None:
    with pytest.raises(EvidenceError, match="64 hexadecimal digits"):
        read_public(text)


def test_a_missing_key_is_told_and_not_made_anew(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="there is no key"):
        load_key(tmp_path, "n1")
    assert not key_path(tmp_path, "n1").exists()


@pytest.mark.parametrize("content", [b"", b"-----BEGIN PRIVATE KEY-----\nAAAA\n"])
def test_a_broken_key_is_told_without_its_content(tmp_path: Path, content: bytes) -> None:
    key_path(tmp_path, "n1").write_bytes(content)
    with pytest.raises(EvidenceError, match="holds no Ed25519 key") as refused:
        load_key(tmp_path, "n1")
    assert "AAAA" not in str(refused.value)
