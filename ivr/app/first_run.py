"""What a gateway without any configuration needs to be usable at once: a user for the panel and a phone account.

Both get random passwords. The panel's is shown once and stored as a hash; the phone's is kept in a file that its
owner alone can read, because SIP digest needs the password itself.
"""

import json
import secrets
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from ivr.config import Config, SipTable
from ivr.config_file import ConfigError
from ivr.session.words import Role
from ivr.storage.users import UserAdmin

FIRST_USER: Final = "agent"
PHONES_FILE: Final = "phones.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstUser:
    """The user that was just created."""

    username: str
    password: str


async def create_first_user(users: UserAdmin) -> FirstUser | None:
    """Create a user where there is none yet; return it with its password, which is told this once."""
    if await users.list_users():
        return None
    password = secrets.token_urlsafe(12)
    await users.create_user(
        FIRST_USER,
        display_name="Agent",
        password=password,
        roles=[Role.AGENT, Role.ADMIN],
        by="first-run",
    )
    return FirstUser(username=FIRST_USER, password=password)


def phone_accounts(config: Config) -> dict[str, str]:
    """Return user names and passwords of the phones: the configuration's, or one made at the first start.

    Raise ConfigError where the file of the first start cannot be read any more.
    """
    if config.sip.phones:
        return config.sip.phones
    path = config.data / PHONES_FILE
    if not path.exists():
        _write_phones(path, {FIRST_USER: secrets.token_urlsafe(12)})
    return _read_phones(path)


def _read_phones(path: Path) -> dict[str, str]:
    try:
        document = tomllib.loads(path.read_text("utf-8"))
        return SipTable(phones=document["phones"]).phones
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        reason = f"not valid TOML: {error}"
    except KeyError:
        reason = "no [phones] table"
    except ValidationError as error:
        problems = error.errors(include_input=False, include_url=False)
        reason = problems[0]["msg"].removeprefix("Value error, ")
    raise ConfigError(f"{path}: {reason}; delete the file to have a new one made")


def _write_phones(path: Path, phones: dict[str, str]) -> None:
    path.touch(mode=0o600)
    lines = ["# Softphones that may register: user name and SIP password.", "[phones]"]
    lines += [f"{json.dumps(user)} = {json.dumps(password)}" for user, password in phones.items()]
    path.write_text("\n".join(lines) + "\n", "utf-8")
