"""What counts as a key, in the terms of ITU-T Q.24."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorLimits:
    """Limits of the receiver; the defaults meet ITU-T Q.24 as AT&T and NTT read it (table A-1).

    Q.24 names a value that must operate and one that must not; each limit lies between the two, where
    the detector measured best.
    """

    frequency_tolerance: float = 0.0248
    "Relative error allowed to each tone. Q.24: operate at 1.5 % (1.8 % NTT), not at 3.5 % (3.0 % NTT)."

    lowest_level_dbm0: float = -41.0
    "Weakest level of each tone. Q.24: operate at -25 dBm0 (AT&T), not at -55 dBm0."

    positive_twist_db: float = 7.0
    "The high tone may be this much stronger than the low one. Q.24: operate at 4 dB."

    negative_twist_db: float = 11.0
    "The high tone may be this much weaker than the low one. Q.24: operate at 8 dB."

    shortest_tone_ms: float = 32.0
    "A press is at least this long. Q.24: operate at 40 ms, not at 23 ms (24 ms NTT)."

    longest_break_ms: float = 27.0
    """A shorter break is part of the press, a longer pause ends it. Q.24: a break of 10 ms is none, one of 40 ms is.
    27 also bridges one lost packet that nobody reported; from 30 on, noise merges equal keys 40 ms apart."""

    longest_loss_ms: float = 60.0
    "A press with a hole of up to this long is one press, if the hole was reported lost: three packets."

    strict: bool = False
    """Whether no voice may be taken for a key, at the price of keys in noise (docs/benchmarks.md has both figures)."""

    def __post_init__(self) -> None:
        if not 0.015 <= self.frequency_tolerance < 0.035:
            raise ValueError("frequency_tolerance must be from 0.015 to below 0.035 (ITU-T Q.24)")
        if not 0 < self.longest_break_ms < 40:
            raise ValueError("longest_break_ms must be between 0 and 40 (ITU-T Q.24 pause)")
        if not 10 <= self.shortest_tone_ms <= 40:
            raise ValueError("shortest_tone_ms must be from 10 to 40 (ITU-T Q.24 tone)")
        if not 0 <= self.longest_loss_ms <= 100:
            raise ValueError("longest_loss_ms must be from 0 to 100")
        if not -55 < self.lowest_level_dbm0 < 0:
            raise ValueError("lowest_level_dbm0 must be between -55 and 0 (ITU-T Q.24)")
        if not self.positive_twist_db >= 0:
            raise ValueError("positive_twist_db must be at least 0")
        if not self.negative_twist_db >= 0:
            raise ValueError("negative_twist_db must be at least 0")
