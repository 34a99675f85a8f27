"""How many files a process may have open, and how many a media worker needs: every socket is one.

Each process has a soft limit, which it may raise up to a hard one (getrlimit(2), RLIMIT_NOFILE); children inherit both.
"""

import resource
from typing import Final

_SOCKETS_OF_A_CALL: Final = 4
"RTP and RTCP (RFC 3550 section 11) for two legs."

_RECORDINGS_OF_A_CALL: Final = 1

_SOCKETS_AT_REST: Final = _SOCKETS_OF_A_CALL
"""For each call as many sockets again may rest (`port_pool.QUARANTINE_S`): so many do where all calls of a worker are
moved to the one that takes its place, or where all end and as many begin."""

_FILES_OF_A_CALL: Final = _SOCKETS_OF_A_CALL + _RECORDINGS_OF_A_CALL + _SOCKETS_AT_REST

_OTHERS: Final = 64
"What a worker has open without a call, some twenty files, and room for libraries that read theirs."

_UNLIMITED: Final = 2**20
"What is counted with where there is no limit: more than a worker could use."


def most_open_files() -> int:
    """Return the hard limit of this process."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _number(hard)


def allow_most_open_files() -> None:
    """Raise the soft limit of this process as far as the hard one allows.

    Workers that are started afterwards inherit it. The soft limit, often 1024, protects programs that use select(2) for
    whatever they open; ours do not.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def open_files_allowed() -> int:
    """Return the soft limit of this process."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _number(soft)


def files_needed(calls: int) -> int:
    """Return how many open files a worker needs to carry so many calls."""
    return _OTHERS + _FILES_OF_A_CALL * calls


def calls_within(open_files: int) -> int:
    """Return how many calls a worker can carry that may have so many files open."""
    return max(0, (open_files - _OTHERS) // _FILES_OF_A_CALL)


def port_pairs_within(open_files: int, calls: int) -> int:
    """Return how many pairs of ports a worker may hold, resting ones too, so that every call can be recorded."""
    return max(0, open_files - _OTHERS - _RECORDINGS_OF_A_CALL * calls) // 2


def _number(limit: int) -> int:
    return _UNLIMITED if limit == resource.RLIM_INFINITY else limit
