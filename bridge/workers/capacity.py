"""How many calls a media worker can carry: by its slots, its ports, and the files that it may have open."""

from dataclasses import dataclass, replace
from typing import Final

from bridge.media.open_files import calls_within, files_needed
from bridge.media.port_pool import ANY_PORTS
from bridge.media.settings import WorkerSettings

PORTS_OF_A_CALL: Final = 4
"RTP and RTCP (RFC 3550 section 11) for two legs."


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortage:
    """Why a worker cannot carry as many calls as it has slots."""

    calls: int
    "How many it can."

    reason: str
    "What is too little, how much of it there is and would be needed, and where it is set."


def most_calls(settings: WorkerSettings) -> int:
    """Return how many calls a worker can carry at once, by its slots and its ports."""
    return min(settings.calls, _ports(settings) // PORTS_OF_A_CALL)


def within_open_files(settings: WorkerSettings, open_files: int) -> WorkerSettings:
    """Return the settings with as many slots as `open_files` (the hard limit of a process) allow, none at the least."""
    return replace(settings, calls=min(settings.calls, calls_within(open_files)))


def shortages(settings: WorkerSettings, open_files: int) -> tuple[Shortage, ...]:
    """Return what keeps a worker from carrying as many calls as configured, each as a sentence for people."""
    found = []
    if (by_files := calls_within(open_files)) < settings.calls:
        reason = (
            f"{files_needed(settings.calls)} open files are needed, {open_files} are allowed: raise the hard limit "
            "(LimitNOFILE of a systemd unit, ulimit -Hn), or lower media.calls_per_worker"
        )
        found.append(Shortage(calls=by_files, reason=reason))
    if (by_ports := _ports(settings) // PORTS_OF_A_CALL) < settings.calls:
        reason = (
            f"{PORTS_OF_A_CALL * settings.calls} RTP ports are needed, the worker has {_ports(settings)}: widen "
            "rtp.first_port to rtp.last_port, or lower media.calls_per_worker"
        )
        found.append(Shortage(calls=by_ports, reason=reason))
    return tuple(found)


def _ports(settings: WorkerSettings) -> int:
    first, last = settings.first_port, settings.last_port
    first, last = (first, last) if first else ANY_PORTS
    return last - first + 1
