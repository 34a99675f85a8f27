"""`tonewall db`, and how every other command comes to the database."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import click

from ivr.app.folders import prepare_folder
from ivr.cli.command import config_option, told
from ivr.config import Config
from ivr.config_file import load_config
from ivr.storage import migrate
from ivr.storage.audit import AuditTrail
from ivr.storage.engine import Database, open_database


def with_database(
    config_path: Path | None, work: Callable[[Database], Coroutine[Any, Any, None]]
) -> None:
    """Do `work` with the configured database, brought to this version; raise ConfigError, StoreError or OSError."""
    config = load_config(config_path)
    _upgrade(config)

    async def run() -> None:
        async with await open_database(config.database_url) as database:
            await work(database)

    asyncio.run(run())


def _upgrade(config: Config) -> None:
    prepare_folder(config.data, what="data folder", key="data")
    migrate.upgrade(config.database_url)


@click.group()
def db() -> None:
    """The database."""


@db.command()
@config_option
@told
def upgrade(config_path: Path | None) -> None:
    """Bring the tables to this version."""
    _upgrade(load_config(config_path))
    click.echo("the database is up to date")


@db.command("verify-audit")
@config_option
@told
def verify_audit(config_path: Path | None) -> None:
    """Check that nobody changed the audit log."""

    async def work(database: Database) -> None:
        verdict = await AuditTrail(database).verify()
        head = f"{verdict.head.seq} entries, last hash {verdict.head.chain_sha256}"
        if not verdict.intact:
            raise click.ClickException(
                f"the audit log was changed: {verdict.reason}; intact up to there: {head}"
            )
        click.echo(f"the audit log is intact: {head}")

    with_database(config_path, work)
