"""`tonewall users`. Passwords are never arguments: those show in process lists and shell histories."""

import sys
from pathlib import Path
from typing import Final

import click

from ivr.cli.command import config_option, told
from ivr.cli.database import with_database
from ivr.clock import SystemClock
from ivr.session.words import Role
from ivr.storage.engine import Database
from ivr.storage.passwords import MINIMUM_LENGTH, Passwords
from ivr.storage.users import UserAdmin

BY: Final = "cli"
"Who the audit log says it was."


@click.group()
def users() -> None:
    """People who can sign in to the panel."""


@users.command()
@click.argument("username")
@click.option("--name", default="", help="Display name; default: the user name.")
@click.option(
    "--role",
    "roles",
    multiple=True,
    type=click.Choice([role.value for role in Role]),
    default=[Role.AGENT.value],
    show_default=True,
    help="May be given several times.",
)
@config_option
@told
def add(username: str, name: str, roles: tuple[str, ...], config_path: Path | None) -> None:
    """Create a user; asks for the password, or reads it from standard input."""
    password = _new_password()

    async def work(database: Database) -> None:
        user = await _admin(database).create_user(
            username,
            display_name=name or username,
            password=password,
            roles=[Role(role) for role in roles],
            by=BY,
        )
        click.echo(f"created {user.agent} ({', '.join(sorted(user.roles))})")

    with_database(config_path, work)


@users.command()
@click.argument("username")
@config_option
@told
def password(username: str, config_path: Path | None) -> None:
    """Set a new password, lift a lock-out, end the user's sessions."""
    new = _new_password()

    async def work(database: Database) -> None:
        await _admin(database).set_password(username, new, by=BY)
        click.echo(f"new password set for {username}")

    with_database(config_path, work)


@users.command()
@click.argument("username")
@config_option
@told
def deactivate(username: str, config_path: Path | None) -> None:
    """Let a user sign in no more."""

    async def work(database: Database) -> None:
        await _admin(database).deactivate(username, by=BY)
        click.echo(f"{username} can sign in no more")

    with_database(config_path, work)


@users.command("list")
@config_option
@told
def list_users(config_path: Path | None) -> None:
    """List all users."""

    async def work(database: Database) -> None:
        for record in await _admin(database).list_users():
            user, state = record.user, "active" if record.active else "deactivated"
            roles = " ".join(sorted(user.roles))
            click.echo(f"{user.agent}  {user.display_name}  {roles}  {state}")

    with_database(config_path, work)


def _admin(database: Database) -> UserAdmin:
    return UserAdmin(database, SystemClock(), Passwords())


def _new_password() -> str:
    """Ask twice at a terminal, without showing it; else take the first line of standard input."""
    if not _is_terminal():
        return sys.stdin.readline().rstrip("\r\n")
    label = f"Password (at least {MINIMUM_LENGTH} characters)"
    return str(click.prompt(label, hide_input=True, confirmation_prompt=True))


def _is_terminal() -> bool:
    return sys.stdin.isatty()
