"""`tonewall evidence`: what it writes, what it prints, and how it says no."""

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ivr.cli import main
from ivr.evidence.facts import facts_as_table
from ivr.evidence.node_key import load_key, make_key, public_text
from ivr.storage.audit import AuditTrail
from ivr.storage.engine import open_database
from ivr.storage.evidence import CallEvidence, StoredEvidence
from tests.ivr.evidence.facts import FACTS
from tests.support.wav import speech, write_wav


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration whose database knows one call, and whose node has a key."""
    path = tmp_path / "tonewall.toml"
    path.write_text(f'data = "{tmp_path}/var"\n')
    run(path, "db", "upgrade")
    make_key(tmp_path / "var", "node-1")
    evidence = StoredEvidence(
        call=FACTS.call,
        node=FACTS.node,
        started_at=FACTS.started_at,
        ended_at=FACTS.ended_at,
        facts=facts_as_table(FACTS),
    )

    async def store() -> None:
        async with await open_database(database_url(tmp_path)) as database:
            await CallEvidence(database).save(evidence)

    asyncio.run(store())
    return path


def database_url(folder: Path) -> str:
    return f"sqlite:///{folder}/var/tonewall.db"


def run(config: Path, *arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [*map(str, arguments), "--config", str(config)])


def refused(config: Path, *arguments: str | Path) -> str:
    result = run(config, "evidence", *arguments)
    assert result.exit_code == 1, result.output
    (line,) = result.stderr.splitlines()
    return line


def written(config: Path) -> Path:
    """Write the call's evidence and return the signed file."""
    out = config.parent / "out"
    result = run(config, "evidence", FACTS.call, "--output", out)
    assert result.exit_code == 0, result.output
    files = [out / f"{FACTS.call}.evidence.{kind}" for kind in ("json", "html")]
    assert result.output.splitlines() == [str(file) for file in files]
    assert [file.stat().st_mode & 0o777 for file in files] == [0o600, 0o600]
    return files[0]


def test_what_was_written_verifies(config: Path) -> None:
    file = written(config)
    lines = run(config, "evidence", "--verify", file).output.splitlines()
    assert lines[0].startswith(f"{file}: the signature is good; call {FACTS.call}, key ")
    assert lines[1] == "findings: none fails"


def test_a_recording_is_searched_and_named_with_its_hash(config: Path, tmp_path: Path) -> None:
    (tmp_path / "var" / "recordings").mkdir()
    write_wav(tmp_path / "var" / "recordings" / f"{FACTS.call}.wav", speech(1.0))
    found = json.loads(written(config).read_bytes())["document"]["recording"]
    assert found["file"] == f"{FACTS.call}.wav"
    assert len(found["sha256"]) == 64
    assert set(found["keys_found"].values()) == {0}


def test_a_changed_file_is_refused_in_one_line(config: Path) -> None:
    file = written(config)
    file.write_bytes(file.read_bytes().replace(b'"lost":2', b'"lost":0'))
    assert refused(config, "--verify", file) == (
        f"Error: {file}: the signature does not fit: the document or the signature was changed"
    )


def test_who_has_only_the_public_key_can_verify(config: Path, tmp_path: Path) -> None:
    file = written(config)
    printed = run(config, "evidence", "key").output.strip()
    assert printed == public_text(load_key(tmp_path / "var", "node-1").public_key())
    elsewhere = tmp_path / "elsewhere.toml"
    elsewhere.write_text(f'data = "{tmp_path}/other"\n')
    assert "there is no key" in refused(elsewhere, "--verify", file)
    checked = run(elsewhere, "evidence", "--verify", file, "--public-key", printed)
    assert checked.exit_code == 0
    assert "another key" in refused(config, "--verify", file, "--public-key", "00" * 32)


def test_a_call_that_was_never_secure_is_told(config: Path) -> None:
    said = refused(config, "c0ffee")
    assert said == "Error: c0ffee: there is no such call, or its line was never secure"


def test_a_file_that_is_not_there_is_named(config: Path, tmp_path: Path) -> None:
    missing = tmp_path / "missing.json"
    assert refused(config, "--verify", missing) == f"Error: {missing}: No such file or directory"


def test_a_call_and_a_file_are_not_taken_together(config: Path) -> None:
    assert run(config, "evidence").exit_code == 2
    assert run(config, "evidence", "c1", "--verify", "file").exit_code == 2


def test_whoever_asks_for_evidence_is_in_the_audit_log(config: Path, tmp_path: Path) -> None:
    written(config)

    async def entries() -> list[tuple[str, str]]:
        async with await open_database(database_url(tmp_path)) as database:
            return [(e.what, e.target) for e in await AuditTrail(database).recent(limit=9)]

    assert asyncio.run(entries()) == [("evidence.write", FACTS.call)]
