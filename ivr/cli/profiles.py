"""`tonewall profiles`."""

from pathlib import Path

import click

from ivr.app.profile_files import read_profile_file
from ivr.cli.command import config_option, told
from ivr.cli.database import with_database
from ivr.cli.users import BY
from ivr.clock import SystemClock
from ivr.session.store import AuditEntry
from ivr.storage.audit import AuditTrail
from ivr.storage.engine import Database
from ivr.storage.profiles import PaymentProfiles


@click.group()
def profiles() -> None:
    """Payment profiles."""


@profiles.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@config_option
@told
def import_profiles(file: Path, config_path: Path | None) -> None:
    """Check the profiles of a TOML file and store them; a running gateway offers them from its next start on."""
    read = read_profile_file(file)
    names = ", ".join(profile.name for profile in read)

    async def work(database: Database) -> None:
        clock = SystemClock()
        await PaymentProfiles(database, clock).import_profiles(read)
        entry = AuditEntry(
            who=BY,
            what="profile.import",
            when=clock.utc_now(),
            success=True,
            origin="admin",
            target=str(file),
            detail={"profiles": names},
        )
        await AuditTrail(database).write(entry)
        click.echo(f"imported: {names}")

    with_database(config_path, work)


@profiles.command("list")
@config_option
@told
def list_profiles(config_path: Path | None) -> None:
    """List the stored payment profiles."""

    async def work(database: Database) -> None:
        for profile in await PaymentProfiles(database, SystemClock()).load_profiles():
            click.echo(f"{profile.name}  {profile.label}  {profile.minimum} to {profile.maximum}")

    with_database(config_path, work)
