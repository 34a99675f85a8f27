"""`tonewall evidence`."""

import hashlib
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import click

from ivr.app.evidence_log import SOFTWARE
from ivr.cli.command import config_option, told
from ivr.cli.database import with_database
from ivr.cli.users import BY
from ivr.clock import SystemClock
from ivr.config import Config
from ivr.config_file import load_config
from ivr.evidence.document import build_document
from ivr.evidence.errors import EvidenceError
from ivr.evidence.facts import CallFacts, read_facts
from ivr.evidence.node_key import key_id, load_key, public_text, read_public
from ivr.evidence.page import render_page
from ivr.evidence.recording import search_recording
from ivr.evidence.signed_file import MAX_FILE_BYTES, sign, verify
from ivr.session.store import AuditEntry, SessionRecord
from ivr.session.view import CallId
from ivr.storage.audit import AuditTrail
from ivr.storage.engine import Database
from ivr.storage.evidence import CallEvidence
from ivr.storage.sessions import PaymentSessions

_KEY: Final = "key"
"In place of a call: print the public key. Calls are named by hexadecimal digits, so no call is called so."


@click.command()
@click.argument("call", required=False)
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Folder for the two files; default: the current one.",
)
@click.option(
    "--verify",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Check the signature of an evidence file instead.",
)
@click.option(
    "--public-key", help="With --verify: the key to check with; default: this node's own."
)
@config_option
@told
def evidence(
    *,
    call: str | None,
    output: Path,
    file: Path | None,
    public_key: str | None,
    config_path: Path | None,
) -> None:
    """Write what happened to the sound of CALL while it was secure: a signed file, and a page for an assessor.

    With the word `key` for CALL, print the public key that the files are checked with.
    """
    if (file is None) == (call is None):
        raise click.UsageError("give a call, the word `key`, or --verify FILE")
    config = load_config(config_path)
    if file is not None:
        _verify(file, public_key, config)
    elif call == _KEY:
        click.echo(public_text(load_key(config.data, config.node).public_key()))
    else:
        assert call is not None
        _write(call, output, config, config_path)


def _verify(file: Path, public_key: str | None, config: Config) -> None:
    own = public_key is None
    key = load_key(config.data, config.node).public_key() if own else read_public(public_key or "")
    with file.open("rb") as stream:
        data = stream.read(MAX_FILE_BYTES + 1)
    try:
        document = verify(data, key)
    except EvidenceError as error:
        raise click.ClickException(f"{file}: {error}") from None
    failed = [found["name"] for found in document["findings"] if found["verdict"] == "fails"]
    click.echo(f"{file}: the signature is good; call {document['call']['id']}, key {key_id(key)}")
    click.echo(f"findings: {'does not hold: ' + ', '.join(failed) if failed else 'none fails'}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What the database knows of a call."""

    facts: CallFacts
    payments: list[SessionRecord]


def _write(call: str, output: Path, config: Config, config_path: Path | None) -> None:
    now = SystemClock().utc_now()
    known = _read(call, config_path, now)
    facts = known.facts
    key = load_key(config.data, facts.node)
    folder = config.recordings
    searched = None if folder is None else search_recording(folder / f"{facts.call}.wav")
    findings, channels = (None, None) if searched is None else searched
    document = build_document(facts, known.payments, findings, software=SOFTWARE, now=now)
    signed = sign(document, key)
    page = render_page(
        document,
        key_id=key_id(key.public_key()),
        public_key=public_text(key.public_key()),
        sha256=hashlib.sha256(signed).hexdigest(),
        recording=None if channels is None else channels[0],
    )
    output.mkdir(parents=True, exist_ok=True)
    for suffix, data in (("json", signed), ("html", page.encode())):
        path = output / f"{facts.call}.evidence.{suffix}"
        _write_private(path, data)
        click.echo(path)


def _read(call: str, config_path: Path | None, now: datetime) -> _Known:
    """Return what is known, and note in the audit log that somebody asked for it."""
    known: list[_Known] = []

    async def work(database: Database) -> None:
        stored = await CallEvidence(database).find(call)
        if stored is None:
            raise EvidenceError(f"{call}: there is no such call, or its line was never secure")
        payments = await PaymentSessions(database).sessions_of_call(CallId(call))
        known.append(_Known(facts=read_facts(stored.facts), payments=payments))
        entry = AuditEntry(
            who=BY, what="evidence.write", when=now, success=True, origin="admin", target=call
        )
        await AuditTrail(database).write(entry)

    with_database(config_path, work)
    return known[0]


def _write_private(path: Path, data: bytes) -> None:
    """Write a file that only its owner can read: who called and who paid is in it."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
        stream.write(data)
