"""Rows about reading keys where there are none: recorded speech, music."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from benchmarks import corpus
from benchmarks.presets import strict
from benchmarks.receivers import SPANDSP, Line, Ours, Receiver
from benchmarks.rows import OURS, Case, Figure, Limit, NotAvailableError, Row
from benchmarks.signals import RATE_HZ, Pcm, coded
from benchmarks.voice import music

_LEVELS_DBM0: Final = (-10, -15, -22)

_PIECES: Final = 200
"Calls that a long sound is cut into, so that the bank treats them together."

_LEAST_SPEECH_H: Final = 6.5
_LEAST_VARIED_H: Final = 40.0

_NONE: Final = Limit(at_most=0, least_base=0.25, text="0")

RECORDED: Final = "recorded speech, 5 languages, 3 levels"
VARIED: Final = "12 speeds, 3 alignments, 2 talkers, tilted, low-passed"
VARIED_STRICT: Final = f"{VARIED}; preset strict"


def cases(
    receivers: Sequence[Receiver], seed: int, hours: float, tick: Callable[[float], None]
) -> list[Case]:
    """Return the rows; `hours` of varied speech, `tick` is told the hours that are done."""
    few = [receiver for receiver in receivers if receiver.name in (OURS, SPANDSP)]
    return [
        _case(
            RECORDED,
            Limit(at_most=0, least_base=_LEAST_SPEECH_H, text=f"0 in {_LEAST_SPEECH_H:g} h"),
            lambda: _count(receivers, _recorded(), tick),
        ),
        _case("music on hold, recorded", _NONE, lambda: _count(receivers, _held(), tick)),
        _case("music, made here", _NONE, lambda: _count(receivers, _made(seed), tick)),
        _case(
            VARIED,
            Limit(at_most=1 / 20, least_base=_LEAST_VARIED_H, text="≤ 1 in 20 h, over 40 h"),
            lambda: _an_hour(_count(few, corpus.variants(hours), tick)),
        ),
        _case(
            VARIED_STRICT,
            Limit(at_most=0, least_base=_LEAST_VARIED_H, text="0 in 40 h"),
            lambda: _count([Ours(strict())], corpus.variants(hours), tick),
        ),
    ]


def _case(name: str, limit: Limit, ask: Callable[[], Mapping[str, Figure]]) -> Case:
    return Case(row=Row(group="talk-off", name=name, limits={OURS: limit}), ask=ask)


def _recorded() -> Iterable[Pcm]:
    recordings = [recording.pcm for recording in corpus.require_speech()]
    for level_dbm0 in _LEVELS_DBM0:
        yield coded(corpus.joined(recordings, level_dbm0))


def _held() -> Iterable[Pcm]:
    if not (pieces := corpus.music()):
        raise NotAvailableError("no package asterisk-moh-opsound-wav is installed")
    for level_dbm0 in _LEVELS_DBM0:
        yield coded(corpus.joined(list(pieces), level_dbm0))


def _made(seed: int) -> Iterable[Pcm]:
    rng = np.random.default_rng(seed)
    for level_dbm0 in _LEVELS_DBM0:
        pieces = [music(60 * RATE_HZ, level_dbm0, rng) for _ in range(6)]
        yield coded(np.concatenate(pieces))


def _count(
    receivers: Sequence[Receiver], sounds: Iterable[Pcm], tick: Callable[[float], None]
) -> Mapping[str, Figure]:
    """Return how many keys each receiver finds in `sounds`."""
    found = dict.fromkeys((receiver.name for receiver in receivers), 0)
    hours = 0.0
    for sound in sounds:
        calls = _pieces(sound)
        for receiver in receivers:
            found[receiver.name] += sum(map(len, receiver.read(calls)))
        hours += len(sound) / RATE_HZ / 3600
        tick(hours)
    return {
        name: Figure(value=number, text=f"{number} in {hours:.2f} h", base=hours)
        for name, number in found.items()
    }


def _pieces(sound: Pcm) -> list[Line]:
    edges = np.linspace(0, len(sound), _PIECES + 1).astype(int).tolist()
    return [Line(pcm=sound[start:end]) for start, end in pairwise(edges)]


def _an_hour(found: Mapping[str, Figure]) -> Mapping[str, Figure]:
    """Return the figures with their rate an hour as value."""
    return {
        name: Figure(value=figure.value / figure.base, text=figure.text, base=figure.base)
        for name, figure in found.items()
    }
