"""Rows about the beep that stands for a key: whether it is always the same, and what its time tells."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from benchmarks.passing import KEPT, carried
from benchmarks.rows import Case, Figure, Limit, Row, share
from benchmarks.signals import (
    DIGITS,
    FRAME,
    RATE_HZ,
    Keyed,
    Keying,
    Pcm,
    Press,
    coded,
    samples_of_ms,
    white_noise,
)
from bridge.media.beeper import EVEN_BEEP_S
from bridge.media.line_masking import PLAIN_MASKING, LineMasking

_GAP: Final = 40
"Samples of silence that end a beep."

_ONE: Final = Limit(at_most=1, text="1")
_EACH: Final = Limit(at_least=1.0, text="100 %")
_ALL: Final = Limit(at_least=0.85, text="≥ 85 %")
_CHANCE: Final = Limit(at_most=0.115, least_base=3000, text="≤ 11.5 %")
_EVEN: Final = LineMasking(muted=True, even_beeps=True)


def cases(n: int, seed: int) -> list[Case]:
    """Return the rows, of `n` presses each."""
    rows: list[tuple[str, Limit, Callable[[], Mapping[str, Figure]]]] = [
        ("sounds for 40 ms and for 2 s", _ONE, partial(_sounds, n, seed)),
        ("places in the frame", _ONE, partial(_places, n, seed)),
        ("one a press, 40 ms and 2 s", _EACH, partial(_one_each, _MIXED_MS, 120, n, seed)),
        ("one a press, 40 ms, 40 ms apart", _EACH, partial(_one_each, (40,), 40, n, seed)),
        ("digit guessed from when it comes", _CHANCE, partial(_from_time, n, seed)),
        (
            "digit guessed from a rhythm that tells it",
            _ALL,
            partial(from_rhythm, n, seed, PLAIN_MASKING),
        ),
        (
            "digit guessed from a rhythm that tells it, even-beeps",
            _CHANCE,
            partial(from_rhythm, n, seed, _EVEN),
        ),
    ]
    return [
        Case(row=Row(group="beep", name=name, limits={KEPT: limit}), ask=ask)
        for name, limit, ask in rows
    ]


_MIXED_MS: Final = (40, 2000)
_A_CALL: Final = 30
"Presses."


def _pressed(on_ms: Sequence[float], off_ms: float, n: int, seed: int) -> list[Keyed]:
    """Return calls of presses whose tones are of the lengths `on_ms` in turn."""
    rng = np.random.default_rng(seed)
    return [_call(on_ms, off_ms, rng) for _ in range(-(-n // _A_CALL))]


def _call(on_ms: Sequence[float], off_ms: float, rng: Generator) -> Keyed:
    parts, presses, place = [], [], 0
    for number in range(_A_CALL):
        length = on_ms[number % len(on_ms)]
        one = Keying(
            keys=lambda rng: str(rng.choice(list(DIGITS))),
            on_ms=(length, length),
            off_ms=(0, 0),
            lead_ms=(off_ms, off_ms + 20 * (off_ms > 40)),
        ).play(rng)
        press = one.presses[0]
        parts.append(one.signal[: press.end])
        presses.append(Press(key=press.key, start=place + press.start, end=place + press.end))
        place += press.end
    return Keyed(signal=np.concatenate([*parts, np.zeros(RATE_HZ)]), presses=presses)


def _beeps(
    played: Sequence[Keyed], masking: LineMasking = PLAIN_MASKING, noise_dbm0: float | None = None
) -> list[list[tuple[int, Pcm]]]:
    """Return, for each call, where sound begins that the agent hears, and the sound.

    The callers are silent else, or there is noise about them.
    """
    longest, rng = max(len(keyed.signal) for keyed in played), np.random.default_rng(1)
    calls = []
    for keyed in played:
        signal = np.concatenate([keyed.signal, np.zeros(longest - len(keyed.signal))])
        if noise_dbm0 is not None:
            signal += white_noise(longest, noise_dbm0, rng)
        calls.append(coded(signal))
    return [_runs(side.audio) for side in carried(calls, 1, masking)]


def _runs(audio: Pcm) -> list[tuple[int, Pcm]]:
    """Return each stretch of sound between silences."""
    loud = np.flatnonzero(audio)
    if not len(loud):
        return []
    edges = np.flatnonzero(np.diff(loud) > _GAP)
    firsts = loud[np.concatenate([[0], edges + 1])]
    lasts = loud[np.concatenate([edges, [len(loud) - 1]])]
    return [
        (int(first), audio[first : last + 1]) for first, last in zip(firsts, lasts, strict=True)
    ]


def _sounds(n: int, seed: int) -> Mapping[str, Figure]:
    heard = [
        beep.tobytes()
        for call in _beeps(_pressed(_MIXED_MS, 120, n // 10, seed))
        for _, beep in call
    ]
    return _number(len(set(heard)), len(heard))


def _places(n: int, seed: int) -> Mapping[str, Figure]:
    heard = [at % FRAME for call in _beeps(_pressed((45, 93, 150), 120, n, seed)) for at, _ in call]
    return _number(len(set(heard)), len(heard))


def _number(different: int, total: int) -> Mapping[str, Figure]:
    return {KEPT: Figure(value=different, text=f"{different} among {total}", base=total)}


def _one_each(on_ms: Sequence[float], off_ms: float, n: int, seed: int) -> Mapping[str, Figure]:
    """Return the share of calls in which as many beeps are heard as keys were pressed."""
    played = _pressed(on_ms, off_ms, n // 10 if 2000 in on_ms else n, seed)
    heard = _beeps(played)
    right = sum(
        len(beeps) == len(keyed.presses) for beeps, keyed in zip(heard, played, strict=True)
    )
    figure = share(right, len(played))
    text = f"{figure.text} of {len(played)} calls"
    return {KEPT: Figure(value=figure.value, text=text, base=figure.base)}


def _from_time(n: int, seed: int) -> Mapping[str, Figure]:
    """Return how often the digit is guessed from how long after its press the beep comes.

    Half of the presses show which delay each digit usually has, to 2.5 ms; the other half is guessed.
    """
    played = _pressed((60, 90, 120), 120, 2 * n, seed)
    keys, delays = [], []
    for keyed, beeps in zip(played, _beeps(played), strict=True):
        if len(beeps) == len(keyed.presses):
            keys += [DIGITS.index(press.key) for press in keyed.presses]
            delays += [
                at - press.start for press, (at, _) in zip(keyed.presses, beeps, strict=True)
            ]
    return _learned(keys, np.array(delays) // 20, seed)


_RHYTHM_MS: Final = range(200, 1000, 80)
"From press to press, by the digit that is pressed: no caller gives away more, and none hesitates over a second."


def from_rhythm(n: int, seed: int, masking: LineMasking) -> Mapping[str, Figure]:
    """Return how often the digit is guessed from the time since the beep before, where the caller's rhythm tells it.

    Half of the presses show which interval each digit usually has, to 20 ms; the other half is guessed. There is
    noise about a caller who is muted: gaps in it would tell the rhythm, too.
    """
    rng = np.random.default_rng(seed)
    played = [_rhythmic(rng) for _ in range(-(-2 * n // (_A_CALL - 1)))]
    keys, intervals = [], []
    for keyed, beeps in zip(
        played, _beeps(played, masking, -50 if masking.muted else None), strict=True
    ):
        if len(beeps) == len(keyed.presses):
            keys += [DIGITS.index(press.key) for press in keyed.presses[1:]]
            intervals += np.diff([at for at, _ in beeps]).tolist()
    return _learned(keys, np.array(intervals) // FRAME, seed)


def _rhythmic(rng: Generator) -> Keyed:
    """Return a call whose every press follows the one before as `_RHYTHM_MS` says, then time for waiting beeps."""
    keying = Keying(keys=lambda rng: str(rng.choice(list(DIGITS))), on_ms=(80, 80), lead_ms=(0, 0))
    parts, presses, place = [], [], 0
    for _ in range(_A_CALL):
        (press,), signal = (one := keying.play(rng)).presses, one.signal
        interval = samples_of_ms(_RHYTHM_MS[DIGITS.index(press.key)])
        parts += [np.zeros(interval - press.end), signal[: press.end]]
        place += interval
        presses.append(Press(key=press.key, start=place - press.end, end=place))
    waiting_s = _A_CALL * EVEN_BEEP_S - place / RATE_HZ + 1
    return Keyed(
        signal=np.concatenate([*parts, np.zeros(round(waiting_s * RATE_HZ))]), presses=presses
    )


def _learned(keys: Sequence[int], signs: NDArray[np.intp], seed: int) -> Mapping[str, Figure]:
    """Return how often a key is guessed from its sign by who has seen half of both."""
    if not len(keys):
        return {KEPT: share(0, 0)}
    signs = signs - signs.min()
    seen = np.zeros((int(signs.max()) + 1, len(DIGITS)))
    half = len(keys) // 2
    np.add.at(seen, (signs[:half], np.array(keys[:half])), 1)
    seen += np.random.default_rng(seed).uniform(0, 0.5, seen.shape)  # any of the equally likely
    guessed = seen[signs[half:]].argmax(axis=1)
    return {KEPT: share(int((guessed == np.array(keys[half:])).sum()), len(keys) - half)}
