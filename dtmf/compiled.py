"""Loops over calls as machine code: `compiled` is Numba's `njit`, with a type.

What works on whole batches at once is NumPy; what takes decisions for each call is a plain loop, compiled. The code is
kept beside the module (`__pycache__`), so that only the first process of a new version waits for the compiler.
"""

from collections.abc import Callable
from typing import TypeVar, cast

import numba

_Function = TypeVar("_Function", bound=Callable[..., object])


def compiled(function: _Function) -> _Function:
    """Return `function`, compiled at its first call for each combination of argument types."""
    return cast(_Function, numba.njit(cache=True, error_model="numpy")(function))
