"""Loops over calls as machine code: `compiled` is Numba's `njit`, with a type.

What works on whole batches at once is NumPy; what takes decisions for each call is a plain loop, compiled: a NumPy call
costs a microsecond however little it does, and a key took four hundred of them. The machine code is kept beside the
module (`__pycache__`) or in the user's cache, so that only the first process of a new version waits for the compiler.
"""

from collections.abc import Callable
from typing import Final, TypeVar, cast

import numba

from dtmf.kept_code import keep_by_package

_Function = TypeVar("_Function", bound=Callable[..., object])

keep_by_package()

_ANY_ORDER: Final = {"reassoc", "nsz", "contract"}
"A sum may be taken in any order: that lets eight of its terms be added at once."


def compiled(function: _Function) -> _Function:
    """Return `function`, compiled at its first call for each combination of argument types."""
    return _made(function, set())


def compiled_sum(function: _Function) -> _Function:
    """Return `function`, compiled likewise; its sums are quick, and exact in the last digits to nobody."""
    return _made(function, _ANY_ORDER)


def _made(function: _Function, fastmath: set[str]) -> _Function:
    try:
        made = numba.njit(cache=True, error_model="numpy", fastmath=fastmath)(function)
    except RuntimeError:  # no place to keep it: every process compiles for itself
        made = numba.njit(error_model="numpy", fastmath=fastmath)(function)
    return cast(_Function, made)
