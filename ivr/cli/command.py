"""What every command shares: the `--config` option, and errors told in one line instead of a traceback."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Final, ParamSpec

import click

from bridge.recording.keys_in_wav import WavError
from ivr.config_file import ConfigError
from ivr.evidence.errors import EvidenceError
from ivr.session.profile_toml import ProfileError
from ivr.session.store import StoreError
from ivr.storage.passwords import PasswordRefusedError
from ivr.storage.users import UserRefusedError

P = ParamSpec("P")

_FOR_PEOPLE: Final = (
    ConfigError,
    ProfileError,
    StoreError,
    WavError,
    UserRefusedError,
    PasswordRefusedError,
    EvidenceError,
)
"Errors whose text says what is wrong, where, and what to do; anything else is a bug and keeps its traceback."

config_option = click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    envvar="TONEWALL_CONFIG",
    help="TOML file; without it the built-in defaults are used.",
)


def told(command: Callable[P, None]) -> Callable[P, None]:
    """Turn errors for people into their text and exit code 1."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except _FOR_PEOPLE as error:
            raise click.ClickException(str(error)) from None
        except OSError as error:
            raise click.ClickException(_words(error)) from None

    return run


def _words(error: OSError) -> str:
    """Return the error without its number, which tells people nothing."""
    if error.strerror is None:
        return str(error)
    return error.strerror if error.filename is None else f"{error.filename}: {error.strerror}"
