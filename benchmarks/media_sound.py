"""What the callers of the media benchmark say and key, and how the keys that a call reports are judged."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks import lines
from benchmarks.signals import FRAME, RATE_HZ, Keying, Press, rounded, white_noise
from bridge.rtp.g711 import ENCODE, MU_LAW

_TALK_S: Final = 9.0
_QUIET_S: Final = 9.0
_KEYS_S: Final = 2.0
"Calls begin anywhere in the track, so at any time 45 % of them talk, 45 % are nearly silent and 10 % key."

_KEYS: Final = 4
_TALK_DBM0: Final = -15.0
_QUIET_DBM0: Final = -65.0

_TOLD_WITHIN: Final = 10
"Frames: a key that begins so shortly before the end need not have been told."


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """A conversation that goes round; no two frames are alike."""

    frames: NDArray[np.uint8]
    "Mu-law, (n, 160)."

    presses: Sequence[Press]
    "In samples from the start."

    def write(self, path: Path) -> None:
        """Write the frames one after the other."""
        self.frames.tofile(path)

    def keys_of(self, first_frame: int, frames: int) -> tuple[str, str]:
        """Return the keys that whoever hears `frames` from `first_frame` on must read, and those that they may.

        The two differ by what is cut off at either end.
        """
        start, rounds = first_frame * FRAME, 1 + (first_frame + frames) // len(self.frames)
        end = start + frames * FRAME
        laps = [(lap * self.frames.size, press) for lap in range(rounds) for press in self.presses]
        may = [
            (at + press.start, press.key)
            for at, press in laps
            if at + press.end > start and at + press.start < end
        ]
        must = [key for at, key in may if start <= at < end - _TOLD_WITHIN * FRAME]
        return "".join(must), "".join(key for _, key in may)


def track(seconds: float, seed: int) -> Track:
    """Return a conversation of at least `seconds`."""
    rng = np.random.default_rng(seed)
    keying = Keying(keys=lambda rng: "".join(rng.choice(list("0123456789"), _KEYS)),
                    on_ms=(80, 120), off_ms=(300, 360), lead_ms=(100, 140))  # fmt: skip
    size = round((_TALK_S + _QUIET_S + _KEYS_S) * RATE_HZ)
    parts, presses = [], list[Press]()
    for number in range(max(1, round(seconds * RATE_HZ / size))):
        # Under all of it the noise of a quiet line, which makes every frame another.
        sound = white_noise(size, _QUIET_DBM0, rng)
        talk = round(_TALK_S * RATE_HZ)
        sound[:talk] += lines.speech_of(talk, _TALK_DBM0, rng)
        keyed, at = keying.play(rng), size - round(_KEYS_S * RATE_HZ)
        length = min(len(keyed.signal), size - at)
        sound[at : at + length] += keyed.signal[:length]
        offset = number * size + at
        presses += [
            Press(key=press.key, start=press.start + offset, end=press.end + offset)
            for press in keyed.presses
        ]
        parts.append(sound)
    frames = ENCODE[MU_LAW][rounded(np.concatenate(parts)).view(np.uint16)].reshape(-1, FRAME)
    assert len(np.unique(frames, axis=0)) == len(frames), "a frame occurs twice"
    return Track(frames=frames, presses=presses)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyScore:
    """How what was told compares with what was keyed."""

    keyed: int
    missed: int
    false: int

    def __add__(self, other: "KeyScore") -> "KeyScore":
        return KeyScore(
            keyed=self.keyed + other.keyed,
            missed=self.missed + other.missed,
            false=self.false + other.false,
        )


NOTHING_KEYED: Final = KeyScore(keyed=0, missed=0, false=0)


def judged(told: str, must: str, may: str) -> KeyScore:
    """Return the score of `told`: keys of `must` that are missing in it, and keys that are not even in `may`."""
    return KeyScore(
        keyed=len(must),
        missed=len(must) - _common(told, must),
        false=len(told) - _common(told, may),
    )


def _common(a: str, b: str) -> int:
    """Return the length of the longest common subsequence."""
    if a == b:
        return len(a)
    best = [0] * (len(b) + 1)
    for left in a:
        corner = 0
        for place, right in enumerate(b, 1):
            corner, best[place] = (
                best[place],
                corner + 1 if left == right else max(best[place], best[place - 1]),
            )
    return best[-1]
