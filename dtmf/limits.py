"""What counts as a key, in the terms of ITU-T Q.24, and presets for the columns of its table A-1.

Limits decide what is read. What is masked is decided by `dtmf.suspicion`, which knows none of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Final

_TWIST: Final = "what is read must be masked, and from 13 dB on that is not sure"

_ALLOWED: Final[Mapping[str, tuple[float, float, str]]] = {
    "frequency_tolerance": (0.015, 0.034, "ITU-T Q.24: operate at 1.5 %, not at 3.5 %"),
    "lowest_level_dbm0": (
        -45.0,
        -20.0,
        "weaker tones are not looked at, stronger ones are ordinary",
    ),
    "positive_twist_db": (0.0, 11.0, _TWIST),
    "negative_twist_db": (0.0, 11.0, _TWIST),
    "shortest_tone_ms": (10.0, 40.0, "ITU-T Q.24: operate at 40 ms"),
    "longest_break_ms": (1.0, 39.0, "ITU-T Q.24: 40 ms is a pause"),
    "longest_loss_ms": (0.0, 100.0, "five packets"),
}
"Lowest and highest value of each limit, and why."


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorLimits:
    """Limits of the receiver; the defaults are those of AT&T in ITU-T Q.24, table A-1.

    Q.24 names a value that must operate and one that must not; each limit lies between the two, where
    the detector measured best. Raises ValueError for a value beyond what :func:`check_limit` allows.
    """

    frequency_tolerance: float = 0.0248
    "Relative error allowed to each tone. Q.24: operate at 1.5 %, not at 3.5 %."

    lowest_level_dbm0: float = -41.0
    "Weakest level of each tone. Q.24: operate at -25 dBm0, not at -55 dBm0."

    positive_twist_db: float = 7.0
    "The high tone may be this much stronger than the low one. Q.24: operate at 4 dB."

    negative_twist_db: float = 11.0
    "The high tone may be this much weaker than the low one. Q.24: operate at 8 dB."

    shortest_tone_ms: float = 32.0
    "A press is at least this long. Q.24: operate at 40 ms, not at 23 ms."

    longest_break_ms: float = 27.0
    """A shorter break is part of the press, a longer pause ends it. Q.24: a break of 10 ms is none, one of 40 ms is.
    27 also bridges one lost packet that nobody reported; from 30 on, noise merges equal keys 40 ms apart."""

    longest_loss_ms: float = 60.0
    "A press with a hole of up to this long is one press, if the hole was reported lost: three packets."

    strict: bool = False
    """Whether to ask more wherever a voice might pass for a key, at the price of keys in noise and under voices
    (docs/benchmarks.md: "preset strict")."""

    def __post_init__(self) -> None:
        for limit in fields(self):
            if limit.name in _ALLOWED:
                check_limit(limit.name, getattr(self, limit.name))


def check_limit(name: str, value: float) -> float:
    """Return `value` where the limit `name` may have it; raise ValueError that says what it may have."""
    lowest, highest, reason = _ALLOWED[name]
    if not lowest <= value <= highest:  # not a number is neither
        raise ValueError(f"{name} must be from {lowest:g} to {highest:g} ({reason})")
    return value


PRESETS: Final[Mapping[str, DetectorLimits]] = MappingProxyType(
    {
        "att": DetectorLimits(),
        # Operate from -24 dBm, not at -29; at 5 dB either way (3 dB are added as in the defaults); a pause of 30 ms
        # ends a press, a break of 10 ms does not. 1.8 and 3.0 % and 40 and 24 ms have the defaults between them.
        "ntt": DetectorLimits(
            lowest_level_dbm0=-26.5,
            positive_twist_db=8.0,
            negative_twist_db=8.0,
            longest_break_ms=20.0,
        ),
        # Operate from -27 dBm, not at -36; at 6 dB; a break of 20 ms is none, a pause of 40 is one.
        "danish": DetectorLimits(
            lowest_level_dbm0=-31.5, positive_twist_db=9.0, negative_twist_db=9.0
        ),
        # Operate from -27 dBm, not at -30; at 10 dB; a break of 12 ms is none, a pause of 70 is one.
        "australian": DetectorLimits(
            lowest_level_dbm0=-28.5, positive_twist_db=11.0, negative_twist_db=11.0
        ),
        # Operate from -25 dBm, not at -50; at 9 dB; a break of 10 ms is none, a pause of 30 is one.
        "brazilian": DetectorLimits(
            lowest_level_dbm0=-37.5,
            positive_twist_db=11.0,
            negative_twist_db=11.0,
            longest_break_ms=20.0,
        ),
    }
)
"""By the names that a configuration uses: columns of ITU-T Q.24, table A-1. Those of NTT and AT&T were compared with a
published test report; those of the Danish, Australian and Brazilian administrations are the table as it is usually
quoted, and wait for somebody with the Recommendation at hand. Levels there are dBm at the exchange's receiver; they are
taken for dBm0, as if it stood at relative level 0. A break of 20 ms no longer bridges a lost packet that nobody
reported."""
