"""What the detector tells. Keys are hidden from `repr`, so that no log line can show one by accident."""

from dataclasses import dataclass, field

from dtmf.frames import Bools, Floats, Indices


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """One key press found in a recording."""

    key: str = field(repr=False)
    "One of `0-9*#A-D`."

    start: int
    "First sample of the tone, within about 3 ms."

    end: int
    "First sample after the tone, within about 3 ms."


@dataclass(frozen=True, slots=True, kw_only=True)
class ToneQuality:
    """How the two tones of one press arrived: what the line and the telephone made of them.

    Hidden from `repr`: a telephone has its own error at each tone and a line its own loss, so whoever knows both can
    tell a key from these figures.
    """

    level_dbm0: float = field(repr=False)
    "Level of the weaker tone, which `DetectorLimits.lowest_level_dbm0` bounds."

    twist_db: float = field(repr=False)
    "High over low tone; negative where the high one is weaker."

    frequency_error: float = field(repr=False)
    "The larger relative error of the two tones, without its sign: 0.01 is 1 %."


@dataclass(frozen=True, slots=True, kw_only=True)
class ToneStarted:
    """A key was pressed on one slot; told once, as soon as it is certain (at most 80 ms after the first sample)."""

    slot: int

    key: str = field(repr=False)
    "One of `0-9*#A-D`."

    start_samples: int
    "First sample of the tone, counted from the slot's reset."

    line: ToneQuality = field(repr=False)
    "Measured where the press was decided."


@dataclass(frozen=True, slots=True, kw_only=True)
class ToneEnded:
    """The key that was pressed on one slot was let go."""

    slot: int

    key: str = field(repr=False)
    "The key of the ToneStarted before it."

    start_samples: int
    "As in that ToneStarted."

    end_samples: int
    "First sample after the tone, counted from the slot's reset."


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """Tone evidence of one batch of frames, one row a frame: quick and sensitive, for the gate and nobody else."""

    score: Floats
    "Log odds (n,) that the frame, or the 10 ms before it, holds part of a tone pair; -inf where no trace is."

    key_down: Bools
    "True (n,) while an accepted key is still down: evidence whatever the score says."

    def take(self, rows: Indices) -> "Suspicion":
        """Return the evidence of some rows of the batch, in the order of `rows`."""
        return Suspicion(score=self.score[rows], key_down=self.key_down[rows])


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """What one batch of frames held."""

    suspicion: Suspicion

    started: list[ToneStarted]

    ended: list[ToneEnded]
