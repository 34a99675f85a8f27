"""The command line `tonewall`."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

import click

from bridge.recording.keys_in_wav import RATE_HZ, WavError, keys_in_wav
from ivr.app.gateway import Gateway, profiles_of, read_profile_file
from ivr.clock import SystemClock
from ivr.config import Config, ConfigError, load_config
from ivr.log import configure_logging
from ivr.session.profile_toml import ProfileError
from ivr.session.store import StoreError
from ivr.session.words import Role
from ivr.storage import migrate
from ivr.storage.audit import AuditTrail
from ivr.storage.engine import Database, open_database
from ivr.storage.passwords import PasswordRefusedError, Passwords
from ivr.storage.profiles import PaymentProfiles
from ivr.storage.users import UserAdmin, UserRefusedError

P = ParamSpec("P")

_FOR_PEOPLE = (
    ConfigError,
    ProfileError,
    StoreError,
    WavError,
    UserRefusedError,
    PasswordRefusedError,
    OSError,
)
"Errors whose text says what is wrong and where; anything else is a bug and keeps its traceback."


def _told(command: Callable[P, None]) -> Callable[P, None]:
    """Turn errors for people into one line and exit code 1."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except _FOR_PEOPLE as error:
            raise click.ClickException(str(error)) from None

    return run


_config_option = click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    envvar="TONEWALL_CONFIG",
    help="TOML file; without it the embedded defaults are used.",
)


@click.group()
@click.version_option(package_name="tonewall")
def main() -> None:
    """Card payments on a live phone call, heard and seen by nobody but the caller and the processor."""


@main.command()
@_config_option
@_told
def serve(config_path: Path | None) -> None:
    """Run the gateway until Ctrl-C."""
    config = load_config(config_path)
    configure_logging(level=config.log.level, json=config.log.json_lines)
    asyncio.run(_serve(config))


async def _serve(config: Config) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    gateway = await Gateway.start(config)
    try:
        _welcome(gateway, config)
        await stop.wait()
        click.echo("stopping: calls are ended, recordings brought to disk ...")
    finally:
        await gateway.stop()


def _welcome(gateway: Gateway, config: Config) -> None:
    host, port = gateway.node.sip_address
    click.echo(f"panel    {gateway.panel_url}")
    if (user := gateway.first_user) is not None:
        click.echo(
            f"         sign in as {user.username} with password {user.password} (shown this once)"
        )
    click.echo(
        f"phones   register at sip:{host}:{port}, accounts: {', '.join(sorted(gateway.phones))}"
    )
    if not config.sip.phones:
        click.echo(f"         their passwords are in {config.data / 'phones.toml'}")
    click.echo("stop with Ctrl-C")


@main.command()
@click.option(
    "--keep-open",
    is_flag=True,
    help="Leave the panel up: you are the agent, the demo caller waits for you.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("demo-output"),
    show_default=True,
    help="Folder for recordings, picture and summary.",
)
@_told
def demo(*, keep_open: bool, output: Path) -> None:
    """Let a caller pay by phone, start to finish, and show what everybody heard."""
    from ivr.demo.show import run_demo  # matplotlib takes a second to import

    raise SystemExit(run_demo(output, keep_open=keep_open))


@main.command("check-config")
@_config_option
@_told
def check_config(config_path: Path | None) -> None:
    """Read the configuration and the payment profiles, say what is wrong with them."""
    config = load_config(config_path)
    profiles = profiles_of(config)
    click.echo(
        f"configuration ok; payment profiles: {', '.join(profile.name for profile in profiles)}"
    )


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@_told
def decode(file: Path) -> None:
    """Print the keys that can be read from a WAV file, with the time of each."""
    for number, presses in enumerate(keys_in_wav(file)):
        keys = "".join(press.key for press in presses)
        click.echo(f"channel {number + 1}: {keys or 'no keys'}")
        for press in presses:
            start_s, end_s = press.start / RATE_HZ, press.end / RATE_HZ
            click.echo(f"  {press.key}  {start_s:8.3f} s  {1000 * (end_s - start_s):4.0f} ms")


@main.group()
def db() -> None:
    """The database."""


@db.command("upgrade")
@_config_option
@_told
def db_upgrade(config_path: Path | None) -> None:
    """Bring the tables to this version."""
    config = load_config(config_path)
    config.data.mkdir(parents=True, exist_ok=True)
    migrate.upgrade(config.database_url)
    click.echo("the database is up to date")


@db.command("verify-audit")
@_config_option
@_told
def db_verify_audit(config_path: Path | None) -> None:
    """Check that nobody changed the audit log."""

    async def work(database: Database) -> None:
        verdict = await AuditTrail(database).verify()
        if not verdict.intact:
            raise click.ClickException(f"the audit log was changed: {verdict}")
        click.echo("the audit log is intact")

    _with_database(config_path, work)


@main.group()
def users() -> None:
    """People who can sign in to the panel."""


@users.command("add")
@click.argument("username")
@click.option("--name", default="", help="Display name; default: the user name.")
@click.option(
    "--role",
    "roles",
    multiple=True,
    type=click.Choice([*Role]),
    default=[Role.AGENT],
    show_default=True,
)
@click.password_option(help="At least 12 characters; asked for when not given.")
@_config_option
@_told
def users_add(
    username: str, name: str, roles: tuple[str, ...], password: str, config_path: Path | None
) -> None:
    """Create a user."""

    async def work(database: Database) -> None:
        await _admin(database).create_user(
            username,
            display_name=name or username,
            password=password,
            roles=[Role(role) for role in roles],
            by="cli",
        )
        click.echo(f"created {username}")

    _with_database(config_path, work)


@users.command("password")
@click.argument("username")
@click.password_option(help="At least 12 characters; asked for when not given.")
@_config_option
@_told
def users_password(username: str, password: str, config_path: Path | None) -> None:
    """Set a new password; ends the user's sessions."""

    async def work(database: Database) -> None:
        await _admin(database).set_password(username, password, by="cli")
        click.echo(f"new password set for {username}")

    _with_database(config_path, work)


@users.command("deactivate")
@click.argument("username")
@_config_option
@_told
def users_deactivate(username: str, config_path: Path | None) -> None:
    """Let a user sign in no more."""

    async def work(database: Database) -> None:
        await _admin(database).deactivate(username, by="cli")
        click.echo(f"{username} can sign in no more")

    _with_database(config_path, work)


@users.command("list")
@_config_option
@_told
def users_list(config_path: Path | None) -> None:
    """List all users."""

    async def work(database: Database) -> None:
        for record in await _admin(database).list_users():
            user, state = record.user, "active" if record.active else "deactivated"
            click.echo(
                f"{user.agent}  {user.display_name}  {' '.join(sorted(user.roles))}  {state}"
            )

    _with_database(config_path, work)


@main.group()
def profiles() -> None:
    """Payment profiles."""


@profiles.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@_config_option
@_told
def profiles_import(file: Path, config_path: Path | None) -> None:
    """Check the profiles of a TOML file and store them."""
    read = read_profile_file(file)

    async def work(database: Database) -> None:
        await PaymentProfiles(database, SystemClock()).import_profiles(read)
        click.echo(f"imported: {', '.join(profile.name for profile in read)}")

    _with_database(config_path, work)


@profiles.command("list")
@_config_option
@_told
def profiles_list(config_path: Path | None) -> None:
    """List the stored payment profiles."""

    async def work(database: Database) -> None:
        for profile in await PaymentProfiles(database, SystemClock()).load_profiles():
            click.echo(f"{profile.name}  {profile.label}  {profile.minimum} to {profile.maximum}")

    _with_database(config_path, work)


def _admin(database: Database) -> UserAdmin:
    return UserAdmin(database, SystemClock(), Passwords())


def _with_database(
    config_path: Path | None, work: Callable[[Database], Coroutine[Any, Any, None]]
) -> None:
    config = load_config(config_path)
    config.data.mkdir(parents=True, exist_ok=True)
    migrate.upgrade(config.database_url)

    async def run() -> None:
        async with await open_database(config.database_url) as database:
            await work(database)

    asyncio.run(run())
