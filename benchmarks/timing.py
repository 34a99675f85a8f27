"""Rows about time: how soon a key is told, and what listening costs beside spandsp in the same run."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.random import Generator

from benchmarks import lines
from benchmarks.receivers import SPANDSP, Line, Ours, Spandsp, spandsp
from benchmarks.rows import OURS, Case, Figure, Limit, NotAvailableError, Row
from benchmarks.signals import FRAME, RATE_HZ, Keying, Pcm, coded, sixteen_digits, white_noise
from dtmf import DetectorBank, GateBank
from dtmf.warm_up import warm_up

CALLS: Final = 1000
_ROUND_FRAMES: Final = 50
"Us and spandsp in turns of a second of every call, so that both meet the same moods of the machine."

_REPORT_TONES_MS: Final = (40, 60, 100)
_REPORT_SNR_DB: Final = (40, 6, 0)


def cases(n: int, seed: int, rounds: int) -> list[Case]:
    """Return the rows: `n` entries for the delay, `rounds` seconds of 1,000 calls for the cost."""
    told = Row(
        group="time",
        name="from the 40th ms of a tone to the report, longest",
        limits={OURS: Limit(at_most=40, text="≤ 40 ms")},
    )
    listed = [Case(row=told, ask=lambda: _report_delay(n, seed))]
    for load in (_MIXED, _NOISE, _SILENCE):
        row = Row(group="cost", name=load.name, limits={OURS: load.limit})
        listed.append(Case(row=row, ask=lambda load=load: _ratio(load, seed, rounds)))  # type: ignore[misc]
    row = Row(
        group="cost",
        name="detector and gate, mixed load, a call and frame",
        limits={OURS: Limit(at_most=2.0, text="≤ 2 µs")},
    )
    return [*listed, Case(row=row, ask=lambda: _with_gate(seed, rounds))]


def _report_delay(n: int, seed: int) -> Mapping[str, Figure]:
    """Return the longest time from the 40th millisecond of a tone to the end of the frame that told it."""
    rng = np.random.default_rng(seed)
    delays_ms: list[float] = []
    for tone_ms in _REPORT_TONES_MS:
        for snr_db in _REPORT_SNR_DB:
            keying = Keying(keys=sixteen_digits, on_ms=(tone_ms, tone_ms), off_ms=(60, 90))
            played = [keying.play(rng) for _ in range(n)]
            way = lines.noise(-10 - snr_db)
            calls = [Line(pcm=coded(way(keyed, rng))) for keyed in played]
            starts = [np.array([press.start for press in keyed.presses]) for keyed in played]
            for told in Ours().listen(calls):
                of_call = starts[told.call]
                start = int(of_call[np.argmin(np.abs(of_call - told.start))])
                delays_ms.append((told.told - start) * 1000 / RATE_HZ - 40)
    longest, median = max(delays_ms), float(np.median(delays_ms))
    text = f"{longest:.1f} ms (median {median:.1f}, 99.9 %: {np.quantile(delays_ms, 0.999):.1f})"
    return {OURS: Figure(value=longest, text=text, base=len(delays_ms))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What 1,000 calls carry."""

    name: str
    talking: int
    keying: int
    noisy: int
    "The rest is near-silence: noise at -65 dBm0."
    limit: Limit


_MIXED: Final = Load(
    name="45 % speech, 45 % near-silence, 10 % keying 2 digits/s",
    talking=450,
    keying=100,
    noisy=0,
    limit=Limit(at_most=1.0, text="≤ 1 × spandsp"),
)
_HALF: Final = Limit(at_most=0.5, text="≤ 0.5 × spandsp")
_NOISE: Final = Load(name="white noise", talking=0, keying=0, noisy=CALLS, limit=_HALF)
_SILENCE: Final = Load(name="near-silence", talking=0, keying=0, noisy=0, limit=_HALF)


def frames_of(load: Load, rounds: int, rng: Generator) -> Pcm:
    """Return what the calls carry, (frames, 1000, 160)."""
    samples = rounds * _ROUND_FRAMES * FRAME
    audio = np.empty((CALLS, samples), np.int16)
    for call in range(CALLS):
        if call < load.talking:
            sound = lines.speech_of(samples, -15, rng)
        elif call < load.talking + load.keying:
            keying = Keying(
                keys=lambda rng: "".join(rng.choice(list("0123456789"), 2 * rounds)),
                on_ms=(80, 120),
                off_ms=(380, 420),
            )
            sound = np.resize(keying.play(rng).signal, samples)
        else:
            level_dbm0 = -20 if call < load.talking + load.keying + load.noisy else -65
            sound = white_noise(samples, level_dbm0, rng)
        audio[call] = coded(sound)
    order = rng.permutation(CALLS)
    shape = (CALLS, samples // FRAME, FRAME)
    return np.ascontiguousarray(audio[order].reshape(shape).transpose(1, 0, 2))


def _ratio(load: Load, seed: int, rounds: int) -> Mapping[str, Figure]:
    """Return the median over the rounds of our time over spandsp's."""
    if (peer := spandsp()) is None:
        raise NotAvailableError("spandsp is not installed: there is nothing to compare with")
    warm_up()
    frames = frames_of(load, rounds, np.random.default_rng(seed))
    bank, slots, lost = DetectorBank(CALLS), np.arange(CALLS), np.zeros(CALLS, np.bool_)
    states = [peer.open() for _ in range(CALLS)]
    ours_s, peer_s = [], []
    for start in range(0, len(frames), _ROUND_FRAMES):
        part = frames[start : start + _ROUND_FRAMES]
        ours_s.append(_timed(lambda part=part: [bank.process(f, slots, lost) for f in part]))  # type: ignore[misc]
        calls = np.ascontiguousarray(part.transpose(1, 0, 2)).reshape(CALLS, -1)
        peer_s.append(_timed(lambda calls=calls: _feed(peer, states, calls)))  # type: ignore[misc]
    for state in states:
        peer.close(state)
    ratio = float(np.median(np.array(ours_s) / np.array(peer_s)))
    scale = 1e6 / (CALLS * _ROUND_FRAMES)
    ours_us, peer_us = float(np.median(ours_s)) * scale, float(np.median(peer_s)) * scale
    return {
        OURS: Figure(value=ratio, text=f"{ratio:.2f} × ({ours_us:.2f} µs)", base=rounds),
        SPANDSP: Figure(value=1.0, text=f"1 × ({peer_us:.2f} µs)", base=rounds),
    }


def _feed(peer: Spandsp, states: list[int], calls: Pcm) -> None:
    """Give every receiver a second of its call at once: what the call from Python costs is not spandsp's."""
    for state, call in zip(states, calls, strict=True):
        peer.feed(state, call)


def _with_gate(seed: int, rounds: int) -> Mapping[str, Figure]:
    """Return what detector and gate together take for one frame of one call, the median of the rounds."""
    warm_up()
    frames = frames_of(_MIXED, rounds, np.random.default_rng(seed))
    bank, gate = DetectorBank(CALLS), GateBank(CALLS)
    slots, lost = np.arange(CALLS), np.zeros(CALLS, np.bool_)

    def treat(part: Pcm) -> None:
        for batch in part:
            gate.process(batch, slots, lost, bank.process(batch, slots, lost).suspicion)

    taken_s = [
        _timed(lambda start=start: treat(frames[start : start + _ROUND_FRAMES]))  # type: ignore[misc]
        for start in range(0, len(frames), _ROUND_FRAMES)
    ]
    value = float(np.median(taken_s)) * 1e6 / (CALLS * _ROUND_FRAMES)
    return {OURS: Figure(value=value, text=f"{value:.2f} µs", base=rounds)}


def _timed(work: Callable[[], object]) -> float:
    """Return the processor time of `work` in seconds."""
    start = time.process_time()
    work()
    return time.process_time() - start
