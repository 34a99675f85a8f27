"""Reading the configuration: every complaint names the file or the variable, the key, and what is wrong with it.

A key that does not exist is a complaint too: a setting that is silently ignored is worse than a gateway that does not
start.
"""

import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import SettingsError

from ivr.config import ENVIRONMENT_PREFIX, Config

_SEPARATOR: Final = "__"

_FIELD: Final = re.compile(r'field "(\w+)"')
"The one thing that a SettingsError tells, in its text."

_IN_WORDS: Final = {
    "model_type": "must be a table",
    "dict_type": "must be a table",
    "list_type": "must be a list",
    "path_type": "must be a path in quotes",
    "string_type": "must be a text in quotes",
    "missing": "is missing",
}
"Pydantic's kinds of error that it tells in words of Python."


class ConfigError(ValueError):
    """The configuration cannot be used; each line of the text names one key and what is wrong with it."""


def load_config(path: Path | None) -> Config:
    """Return the configuration of `path` (None: defaults) with the environment over it; raise ConfigError."""
    source = "built-in defaults" if path is None else str(path)
    document = {} if path is None else _document(path)
    variables = _variables(os.environ)
    if unknown := [line for name in variables if (line := _unknown_variable(name))]:
        raise ConfigError("\n".join(unknown))
    try:
        return Config(**document)
    except ValidationError as error:
        problems = error.errors(include_input=False, include_url=False)
        lines = [_complaint(source, problem, variables) for problem in problems]
        raise ConfigError("\n".join(lines)) from None
    except SettingsError as error:
        raise ConfigError(_not_json(error, variables)) from None


def _document(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None


def _variables(environment: Mapping[str, str]) -> list[str]:
    """Return the names of the variables that are ours."""
    return sorted(name for name in environment if name.upper().startswith(ENVIRONMENT_PREFIX))


def _keys_of(variable: str) -> list[str]:
    return variable[len(ENVIRONMENT_PREFIX) :].lower().split(_SEPARATOR)


def _unknown_variable(name: str) -> str:
    """Return a complaint where the first key of a variable does not exist: pydantic would not see it."""
    key = _keys_of(name)[0]
    if key in Config.model_fields:
        return ""
    return f"environment: {name}: unknown key {key!r}{_hint(key, Config.model_fields)}"


def _complaint(source: str, problem: ErrorDetails, variables: list[str]) -> str:
    path = [str(part) for part in problem["loc"]]
    message = _IN_WORDS.get(problem["type"], problem["msg"].removeprefix("Value error, "))
    if problem["type"] == "extra_forbidden":
        message = f"unknown key{_hint(path[-1], _keys_at(path[:-1]))}"
    keys = [part.lower() for part in path]
    variable = next((name for name in variables if _keys_of(name) == keys), None)
    if variable is not None:
        return f"environment: {variable}: {message}"
    return f"{source}: {'.'.join(path)}: {message}" if path else f"{source}: {message}"


def _not_json(error: SettingsError, variables: list[str]) -> str:
    found = _FIELD.search(str(error))
    field = "" if found is None else found[1]
    names = [name for name in variables if _keys_of(name)[0] == field] or variables
    return (
        f"environment: {' or '.join(names)}: not valid JSON; a list or a table is written as JSON"
    )


def _hint(word: str, known: Iterable[str]) -> str:
    known = list(known)
    close = get_close_matches(word, known, n=1)
    if close:
        return f", did you mean {close[0]!r}?"
    return f"; known: {', '.join(sorted(known))}" if known else ""


def _keys_at(path: list[str]) -> list[str]:
    """Return the keys that the table at `path` may have."""
    model: type[BaseModel] = Config
    for part in path:
        if part.isdigit():
            continue
        annotation = model.model_fields[part].annotation
        inner = [annotation, *getattr(annotation, "__args__", ())]
        tables = [kind for kind in inner if isinstance(kind, type) and issubclass(kind, BaseModel)]
        if not tables:
            return []
        model = tables[0]
    return list(model.model_fields)
