"""Programs, libraries and modules nobody here wrote: found, or the test that needs them is skipped (in CI: fails)."""

import ctypes
import importlib.util
import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest


def require_program(name: str) -> Path:
    """Return the path of program `name`; skip the running test where it is not installed."""
    found = shutil.which(name)
    if found is None:
        _missing(name)
    return Path(found)


def require_library(name: str) -> ctypes.CDLL:
    """Load shared library `name`, for example `libspandsp.so.2`; skip the running test where there is none."""
    try:
        return ctypes.CDLL(name)
    except OSError:
        _missing(name)


def require_module(name: str) -> None:
    """Skip the running test where Python module `name` is not installed; it is not imported here."""
    if importlib.util.find_spec(name) is None:
        _missing(name)


def _missing(name: str) -> NoReturn:
    reason = f"peer {name} is not installed"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
