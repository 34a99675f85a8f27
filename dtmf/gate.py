"""The gate: what the agent and the recorder hear of the caller. It passes a frame only when it knows what follows.

Held back by one frame (20 ms), because a tone that starts late in a frame shows only in the next; or by two, where a
tone may be hidden until later: by louder speech over it, or because it is a stub of which something else than sound
will tell. Fails closed: a frame that was lost, or whose look-ahead was lost, is silence.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from dtmf.batch import check_batch
from dtmf.compiled import compiled
from dtmf.events import Suspicion
from dtmf.frames import FRAME_SAMPLES, Bools, Floats, Indices, Pcm
from dtmf.gate_settings import GateSettings

HOLDS: Final = (1, 2)
"How many frames may be held back."

_LONGEST_CLOSE: Final = 1 << 30
"Frames; months. Only keeps the counter from wrapping."


@dataclass(frozen=True, slots=True, kw_only=True)
class Gated:
    """What a batch of gates lets out."""

    audio: Pcm
    """int16 (n, 160): each slot's frame as many before the one given as it holds, or silence. The caller may write to
    it; it is good until the next `process` of the same bank, which uses the memory again."""

    masked: Bools
    "True (n,) where it is silence in place of a frame."


class GateBank:
    """Gates of up to `capacity` calls, a slot each."""

    def __init__(self, capacity: int, settings: GateSettings | None = None) -> None:
        self._settings = settings or GateSettings()
        self._capacity = capacity
        # Two rows a slot, `2 * slot + place`: where one frame is held, place stays; where two are, it alternates, so
        # that the row about to be written is always that of the oldest frame.
        self._held = np.zeros((2 * capacity, FRAME_SAMPLES), np.int16)
        self._shut = np.ones(2 * capacity, np.bool_)
        "By row: this frame does not go out."
        self._row = 2 * np.arange(capacity, dtype=np.intp)
        "By slot: of its oldest frame."
        self._turn = np.zeros(capacity, np.intp)
        "By slot: what the row is XORed with after each frame; 1 where two frames are held."
        self._deep = np.ones(capacity, np.bool_)
        "By slot: evidence masks all that is held, not just the frame before."
        self._hang_over = np.zeros(capacity, np.int32)
        self._closed = np.zeros(capacity, np.int32)
        # Fresh memory for each batch would cost more than all else here: the kernel clears every page of it.
        self._out = np.zeros((capacity, FRAME_SAMPLES), np.int16)

    def reset(self, slots: Indices) -> None:
        """Forget the held frames of `slots`: what comes out before the next frame given is silence, masked."""
        self._forget(slots)
        self._hang_over[slots] = 0
        self._closed[slots] = 0

    def hold(self, slots: Indices, frames: int, *, look_back: int | None = None) -> None:
        """Hold back one frame, or two, of `slots` from now on; raise ValueError for another number.

        Evidence masks the `look_back` frames before its own, all that are held unless told otherwise; :meth:`close`
        masks them all in any case. Where the hold is a change, what was held is silence: a frame that is let out
        sooner than it was to be would come without its look-ahead, one that is let out later would come twice.
        """
        look_back = frames if look_back is None else look_back
        if frames not in HOLDS or not 1 <= look_back <= frames:
            raise ValueError("a gate holds back 1 or 2 frames, and looks back at most as far")
        self._deep[slots] = look_back == frames
        turn = frames - 1
        changed = slots[self._turn[slots] != turn]
        self._turn[changed] = turn
        self._forget(changed)

    def close(self, slots: Indices, frames: int) -> None:
        """Mask the held frames and the next `frames` of `slots`, whatever they hold; a longer closing stays."""
        if frames < 0:
            raise ValueError("frames must be at least 0")
        self._shut[2 * slots] = self._shut[2 * slots + 1] = True
        self._closed[slots] = np.maximum(self._closed[slots], min(frames, _LONGEST_CLOSE))

    def process(self, frames: Pcm, slots: Indices, lost: Bools, suspicion: Suspicion) -> Gated:
        """Take one frame each of n slots and its evidence, and return each slot's oldest held frame, or silence.

        Shapes and errors as in `DetectorBank.process`; `suspicion` is that of the same batch. Evidence masks what is
        held (see :meth:`hold`), its own frame and the hang-over. A lost frame is evidence: what nobody heard may have
        been a tone.
        """
        check_batch(frames, slots, lost, self._capacity)
        audio, masked = self._out[: len(slots)], np.empty(len(slots), np.bool_)
        _process(
            frames,
            slots,
            lost,
            suspicion.score,
            suspicion.key_down,
            self._settings.threshold,
            self._settings.hang_over_frames,
            self._held,
            self._shut,
            self._row,
            self._turn,
            self._deep,
            self._hang_over,
            self._closed,
            audio,
            masked,
        )
        return Gated(audio=audio, masked=masked)

    def _forget(self, slots: Indices) -> None:
        for rows in (2 * slots, 2 * slots + 1):
            self._held[rows] = 0
            self._shut[rows] = True


@compiled
def _process(
    frames: Pcm,
    slots: Indices,
    lost: Bools,
    score: Floats,
    key_down: Bools,
    threshold: float,
    hang_over_frames: int,
    held: Pcm,
    shut: Bools,
    row_of: Indices,
    turn: Indices,
    deep: Bools,
    hang_over: npt.NDArray[np.int32],
    closed: npt.NDArray[np.int32],
    audio: Pcm,
    masked: Bools,
) -> None:
    for index in range(len(slots)):
        slot = slots[index]
        row = row_of[slot]
        # "not below" is closed for a score that is no number
        evidence = not score[index] <= threshold or key_down[index] or lost[index]
        masked[index] = shut[row] or (evidence and deep[slot])
        for sample in range(FRAME_SAMPLES):
            audio[index, sample] = 0 if masked[index] else held[row, sample]
            held[row, sample] = 0 if lost[index] else frames[index, sample]
        if evidence:
            shut[row ^ 1] = True
        shut[row] = evidence or hang_over[slot] > 0 or closed[slot] > 0
        hang_over[slot] = hang_over_frames if evidence else max(hang_over[slot] - 1, 0)
        closed[slot] = max(closed[slot] - 1, 0)
        row_of[slot] = row ^ turn[slot]
