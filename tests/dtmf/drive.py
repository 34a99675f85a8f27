"""Drive the bank and the gate over whole calls, all of them together."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dtmf import DetectorBank, DetectorLimits, GateBank, ToneEnded, ToneStarted
from dtmf.frames import FRAME_SAMPLES, Bools, Pcm
from tests.dtmf.signals import frames_of


@dataclass(slots=True, kw_only=True)
class Heard:
    """What one call's slot told."""

    started: list[ToneStarted] = field(default_factory=list)

    reported_samples: list[int] = field(default_factory=list)
    "End of the frame with which each of `started` was told."

    ended: list[ToneEnded] = field(default_factory=list)

    @property
    def keys(self) -> str:
        return "".join(tone.key for tone in self.started)


def listen(
    calls: list[Pcm], lost: Bools | None = None, limits: DetectorLimits | None = None
) -> list[Heard]:
    """Return what the bank tells of `calls`; `lost` is (calls, frames), as many frames as it covers."""
    frames = frames_of(calls)
    slots = np.arange(len(calls), dtype=np.intp)
    bank = DetectorBank(len(calls), limits)
    heard = [Heard() for _ in calls]
    for number, batch in enumerate(frames):
        detection = bank.process(batch, slots, lost_in(lost, number, len(calls)))
        for start in detection.started:
            heard[start.slot].started.append(start)
            heard[start.slot].reported_samples.append((number + 1) * FRAME_SAMPLES)
        for end in detection.ended:
            heard[end.slot].ended.append(end)
    return heard


def read(calls: list[Pcm], lost: Bools | None = None) -> list[str]:
    """Return the keys of each call."""
    return [heard.keys for heard in listen(calls, lost)]


def mask(
    calls: list[Pcm],
    lost: Bools | None = None,
    limits: DetectorLimits | None = None,
    *,
    hold: int = 1,
) -> tuple[Pcm, Bools]:
    """Return what the gates let out, (calls, samples), `hold` frames late, and what was masked, (calls, frames)."""
    frames = frames_of(calls)
    slots = np.arange(len(calls), dtype=np.intp)
    bank, gate = DetectorBank(len(calls), limits), GateBank(len(calls))
    gate.hold(slots, hold)
    audio = np.zeros_like(frames)
    masked = np.zeros(frames.shape[:2], np.bool_)
    for number, batch in enumerate(frames):
        gone = lost_in(lost, number, len(calls))
        suspicion = bank.process(batch, slots, gone).suspicion
        gated = gate.process(batch, slots, gone, suspicion)
        audio[number], masked[number] = gated.audio, gated.masked
    return audio.transpose(1, 0, 2).reshape(len(calls), -1), masked.T


def lost_in(lost: Bools | None, number: int, calls: int) -> NDArray[np.bool_]:
    """Return which calls lost frame `number`."""
    if lost is None or number >= lost.shape[1]:
        return np.zeros(calls, np.bool_)
    return np.ascontiguousarray(lost[:, number])
