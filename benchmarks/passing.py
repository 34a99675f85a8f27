"""Rows about what passes a secure call: speech that is cut, and the delay."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

import numpy as np

from benchmarks import corpus
from benchmarks.phones import Keys, Network, traffic
from benchmarks.rows import Case, Figure, Limit, NotAvailableError, Row
from benchmarks.secure_calls import AgentSide, SecureCalls, masked_frames
from benchmarks.signals import (
    FRAME,
    RATE_HZ,
    Pcm,
    coded,
    samples_of_ms,
    white_noise,
)
from benchmarks.voice import MAN, WOMAN, Talker, talk
from bridge.media.line_masking import PLAIN_MASKING, LineMasking
from dtmf.tones import amplitude

KEPT: Final = "figure"

_CALLS: Final = 50
_SPEECH_DBM0: Final = -15.0
_SPEECH_FLOOR_DBM0: Final = -45.0
"A frame below is a pause, and not counted."

_LONGEST_DELAY_MS: Final = 200


def cases(seed: int, minutes: float) -> list[Case]:
    """Return the rows; `minutes` of speech come from each of our own talkers.

    Where two frames are held by the profile, more is masked, and there is no limit: it is asked for. Made speech has
    none: the model holds its vowels steadier than people do, and masking follows steadiness.
    """
    masked = Limit(at_most=0.005, least_base=5000, text="< 0.5 % of frames")
    rows: list[tuple[str, Limit | None, Callable[[], Mapping[str, Figure]]]] = [
        (
            "delay added",
            Limit(at_most=20, text="≤ 20 ms"),
            partial(_delay, seed, PLAIN_MASKING),
        ),
        (
            "delay added where telephone events are agreed on",
            Limit(at_most=40, text="≤ 40 ms"),
            partial(_delay, seed, PLAIN_MASKING, events=True),
        ),
        (
            "delay added, hold_frames = 2",
            Limit(at_most=40, text="≤ 40 ms"),
            partial(_delay, seed, LineMasking(hold_frames=2)),
        ),
        *(
            (f"recorded speech masked, {name}", masked, partial(_recorded, *key))
            for name, key in _VOICES.items()
        ),
        (
            "recorded speech masked, en, hold_frames = 2",
            None,
            partial(_recorded, "en", None, LineMasking(hold_frames=2)),
        ),
        ("made speech masked, man", None, partial(_made, MAN, minutes, seed)),
        ("made speech masked, woman", None, partial(_made, WOMAN, minutes, seed)),
    ]
    return [
        Case(row=Row(group="pass", name=name, limits={KEPT: limit} if limit else {}), ask=ask)
        for name, limit, ask in rows
    ]


_VOICES: Final = {
    **{language: (language, None) for language in corpus.LANGUAGES},
    "women": (None, "f"),
    "men": (None, "m"),
}


def carried(
    calls: Sequence[Pcm],
    seed: int,
    masking: LineMasking | None = PLAIN_MASKING,
    *,
    events: bool = False,
) -> list[AgentSide]:
    """Return what comes out of secure calls that get `calls`, all of one length, in packets of 20 ms."""
    rng = np.random.default_rng(seed)
    sent = [
        traffic(pcm, (), codec="PCMU", keys=Keys.IN_BAND, network=Network(), rng=rng)
        for pcm in calls
    ]
    with SecureCalls(len(calls), masking=masking, events=events) as through:
        return through.run(sent, len(calls[0]) + samples_of_ms(_LONGEST_DELAY_MS))


def _delay(seed: int, masking: LineMasking, *, events: bool = False) -> Mapping[str, Figure]:
    """Return how much later the agent hears a secure call than an open one."""
    noise = coded(white_noise(2 * RATE_HZ, -30, np.random.default_rng(seed)))
    before, after = (
        _lag(noise, carried([noise], seed, how, events=events)[0].audio) for how in (None, masking)
    )
    value = (after - before) * 1000 / RATE_HZ
    return {KEPT: Figure(value=value, text=f"{value:.1f} ms", base=1)}


def _lag(sent: Pcm, heard: Pcm) -> int:
    """Return after how many samples most frames of `sent` are heard as they were."""
    lags = range(samples_of_ms(_LONGEST_DELAY_MS))
    return min(lags, key=lambda lag: int(masked_frames(sent, heard, lag).sum()))


def _recorded(
    language: str | None, gender: str | None, masking: LineMasking = PLAIN_MASKING
) -> Mapping[str, Figure]:
    voices = [
        recording.pcm
        for recording in corpus.require_speech()
        if language in (None, recording.language) and gender in (None, recording.gender)
    ]
    if not voices:
        raise NotAvailableError("no package asterisk-core-sounds-*-wav with it is installed")
    return _masked(coded(corpus.joined(voices, _SPEECH_DBM0)), masking)


def _made(talker: Talker, minutes: float, seed: int) -> Mapping[str, Figure]:
    rng = np.random.default_rng(seed)
    return _masked(coded(talk(round(minutes * 60 * RATE_HZ), _SPEECH_DBM0, talker, rng)))


def _masked(sound: Pcm, masking: LineMasking = PLAIN_MASKING) -> Mapping[str, Figure]:
    """Return the share of frames with speech that secure calls do not let pass; pauses are told but do not count."""
    size = len(sound) // (_CALLS * FRAME) * FRAME
    calls = list(sound[: _CALLS * size].reshape(_CALLS, size))
    lost = total = lost_of_all = frames_of_all = 0
    floor = amplitude(_SPEECH_FLOOR_DBM0) / np.sqrt(2)
    for pcm, side in zip(calls, carried(calls, 1, masking), strict=True):
        # a packet's own 20 ms, and the gate's
        masked = masked_frames(pcm, side.audio, (1 + masking.hold_frames) * FRAME)
        frames = pcm[: len(masked) * FRAME].reshape(-1, FRAME).astype(np.float64)
        talks = np.sqrt(np.mean(frames**2, axis=1)) > floor
        lost += int(masked[talks].sum())
        total += int(talks.sum())
        lost_of_all += int((masked & frames.any(axis=1)).sum())
        frames_of_all += len(masked)
    minutes, with_pauses = total * FRAME / RATE_HZ / 60, lost_of_all / frames_of_all
    text = f"{lost / total:.2%} of {minutes:.1f} min ({with_pauses:.2%} with pauses)"
    return {KEPT: Figure(value=lost / total, text=text.replace("%", " %"), base=total)}
