"""System calls for compiled loops: C functions by name, so that the machine code which calls them can be kept.

A packet that passes through Python costs more there than in the kernel. Callers see to it that addresses are of arrays
that live on, and lengths are theirs. Each returns -1 on an error, whose reason nobody asks for.
"""

import ctypes
import platform
from collections.abc import Callable
from typing import Final, cast

from numba import config, types

MSG_DONTWAIT: Final = 0x40

_PACKED: Final = platform.machine() in ("x86_64", "i686")
"There `struct epoll_event` has no gap before its data (epoll_ctl(2))."

EVENT_WORDS: Final = 3 if _PACKED else 4
"32-bit words of a `struct epoll_event`."

EVENT_FD_WORD: Final = 1 if _PACKED else 2

SOCKET_ADDRESS_BYTES: Final = 28
"Of a `struct sockaddr_in6`, the longest that a leg's socket has to do with."

_C: Final = {types.intc: ctypes.c_int, types.uintp: ctypes.c_size_t, types.intp: ctypes.c_ssize_t}


def _c_function(name: str, result: object, *arguments: object) -> Callable[..., int]:
    if not config.DISABLE_JIT:  # type: ignore[attr-defined]  # set when numba is imported
        return cast(Callable[..., int], types.ExternalFunction(name, result(*arguments)))  # type: ignore[operator]
    function = getattr(ctypes.CDLL(None), name)
    function.restype, function.argtypes = _C[result], [_C[argument] for argument in arguments]
    return cast(Callable[..., int], function)


_FD = _FLAGS = _COUNT = _MS = types.intc
_ADDRESS = _SIZE = types.uintp

getpeername: Final = _c_function("getpeername", types.intc, _FD, _ADDRESS, _ADDRESS)
recvfrom: Final = _c_function(
    "recvfrom", types.intp, _FD, _ADDRESS, _SIZE, _FLAGS, _ADDRESS, _ADDRESS
)
recv: Final = _c_function("recv", types.intp, _FD, _ADDRESS, _SIZE, _FLAGS)
send: Final = _c_function("send", types.intp, _FD, _ADDRESS, _SIZE, _FLAGS)
epoll_wait: Final = _c_function("epoll_wait", types.intc, _FD, _ADDRESS, _COUNT, _MS)
