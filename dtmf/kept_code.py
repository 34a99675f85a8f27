"""When machine code that was kept is good no longer.

Numba takes it for good while the file of its function is what it was. But compiled functions hold those that they call
and the constants of other modules inside them, so here it is good while the whole package is what it was, and `dtmf`.
"""

import hashlib
from functools import cache
from pathlib import Path
from typing import Final

from numba import config
from numba.core import caching

_HERE: Final = Path(__file__).parent


class _OfPackage:
    """Stamps with all modules beside that of the function."""

    _py_file: str

    def get_source_stamp(self) -> str:
        return _stamp(Path(self._py_file).parent) + _stamp(_HERE)


class Provided(_OfPackage, caching.UserProvidedCacheLocator):
    """Keeps in the folder that NUMBA_CACHE_DIR names."""


class Beside(_OfPackage, caching.InTreeCacheLocator):
    """Keeps in `__pycache__`."""


class OfUser(_OfPackage, caching.UserWideCacheLocator):
    """Keeps in the user's cache."""


@cache
def _stamp(folder: Path) -> str:
    found = hashlib.sha256()
    for path in sorted(folder.glob("*.py")):
        found.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


def keep_by_package() -> None:
    """Have Numba keep the code of all functions that are compiled from now on in this way."""
    places = (Provided, Beside, OfUser)
    names = ",".join(f"{__name__}.{place.__name__}" for place in places)
    config.CACHE_LOCATOR_CLASSES = names  # type: ignore[attr-defined]  # set when numba is imported
