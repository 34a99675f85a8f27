"""The lines of callers while they are secure: read for keys, and let out by the gate, which opens only over silence.

Rules of this file: a line that is secured, opened or begun anew knows nothing of what was before. What leaves here is
what the gate returns, or silence.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bridge.media.frame_loops import follow
from bridge.media.leg_table import FRAME, SAMPLES_PER_S, LegTable
from bridge.media.line_masking import OPEN_LINE, LineMasking
from bridge.media.line_quality import LineMeter, LineQuality
from bridge.media.masking import (
    DETECTOR,
    EVENT_GONE_S,
    EVENT_HOLD_FRAMES,
    EVENT_MASK_FRAMES,
    GATE,
    OPEN_AFTER_FRAMES,
    OPEN_WITHOUT_SOUND_S,
    RESTART_MASK_FRAMES,
    SUSPICION_LIMIT_S,
)
from bridge.media.messages import Transport
from bridge.media.secure_counters import SecureCounters
from bridge.media.secure_totals import SecureTotals
from bridge.rtp.telephone_event import TelephoneEvent
from dtmf.bank import DetectorBank
from dtmf.gate import GateBank
from dtmf.keys import HiddenKey
from dtmf.limits import DetectorLimits

Pressed = Callable[[int, HiddenKey, Transport, float], None]
"Called with call slot, key, transport and when the press began (monotonic seconds)."


class SecureLines:
    """The callers' lines of up to `calls` call slots. `now` is in monotonic seconds."""

    def __init__(self, legs: LegTable, calls: int, pressed: Pressed) -> None:
        self._legs, self._pressed = legs, pressed
        self._bank, self._gate = DetectorBank(calls, DETECTOR), GateBank(calls, GATE)
        self.counters = SecureCounters(calls)
        self._detectors = [DETECTOR] * calls
        self._meter = LineMeter(calls)
        self.secure: NDArray[np.bool_] = np.zeros(calls, np.bool_)
        self._muted: NDArray[np.bool_] = np.zeros(calls, np.bool_)
        self._masking = [OPEN_LINE] * calls
        "As it is; how much is held back may be more than was asked for."
        self._look_back: NDArray[np.int64] = np.ones(calls, np.int64)
        "Frames before tone evidence that are masked: as many as were asked to be held back."
        self._secured_frames: NDArray[np.int64] = np.zeros(calls, np.int64)
        "Frames given to the detector since the call was secured: its clock."
        self._quiet_frames: NDArray[np.int64] = np.zeros(calls, np.int64)
        "Frames in a row that the gate let pass."
        self._key_down: NDArray[np.bool_] = np.zeros(calls, np.bool_)
        self._heard_s: NDArray[np.float64] = np.zeros(calls, np.float64)
        "When the caller's last packet came."
        self._event_s: NDArray[np.float64] = np.full(calls, -np.inf)
        "When the caller's last telephone event packet came."

    def begin(self, call: int, detector: DetectorLimits) -> None:
        """Begin a call, whose keys are read by the limits `detector`."""
        self._detectors[call] = detector
        self._meter.start(call)

    def close(self, call: int, masking: LineMasking, now: float) -> None:
        """Close the gate of an open line, now."""
        assert not self.secure[call], "a secure call would lose what it has heard of a key"
        self._start_afresh(call, now)
        self.counters.start(call, self._packets_late(call))
        self.secure[call] = True
        self._look_back[call] = 1
        self._masking[call] = replace(OPEN_LINE, even_beeps=masking.even_beeps)
        self.change_masking(call, masking)

    def change_masking(self, call: int, masking: LineMasking) -> None:
        """Let a secure call be masked as asked from its next frame on; `even_beeps` stays as it was.

        More frames are held back as soon as they are asked for, fewer only after the gate was open: nothing is worth
        the gap but a tone.
        """
        assert self.secure[call], "an open line is not masked"
        self._look_back[call] = max(int(self._look_back[call]), masking.hold_frames)
        self._hold(call)
        self._muted[call] = masking.muted
        self._masking[call] = replace(self._masking[call], muted=masking.muted)

    def caller_described(self, call: int) -> None:
        """What the caller's side speaks may have changed: hold back two frames if events are agreed on now."""
        if self.secure[call]:
            self._hold(call)

    def open(self, call: int, now: float) -> None:
        """Open the gate, now; nothing of what was held goes out."""
        self._start_afresh(call, now)
        self.secure[call] = self._muted[call] = False
        self._masking[call] = OPEN_LINE

    def may_open(self, call: int, asked_s: float, now: float) -> bool:
        """Return whether the gate, asked to open at `asked_s`, can do so without letting part of a key out."""
        if self._event_is_fresh(call, now):
            return False
        key_down = bool(self._key_down[call])
        still_s = SUSPICION_LIMIT_S if key_down else OPEN_WITHOUT_SOUND_S
        if now - self._heard_s[call] >= still_s:
            return True
        waited = now - asked_s >= SUSPICION_LIMIT_S and not key_down
        return waited or bool(self._quiet_frames[call] >= OPEN_AFTER_FRAMES)

    def masking(self, call: int) -> LineMasking:
        """Return how `call` is masked just now."""
        return self._masking[call]

    def totals(self, call: int) -> SecureTotals:
        """Return what was counted since the gate of `call` was closed."""
        return self.counters.totals(call, self._packets_late(call))

    def quality(self, call: int) -> LineQuality | None:
        """Return what may be told of the caller's line."""
        return self._meter.quality(call, self._detectors[call])

    def take_frames(
        self,
        calls: NDArray[np.intp],
        pcm: NDArray[np.int16],
        lost: NDArray[np.bool_],
        heard: NDArray[np.bool_],
        now: float,
        *,
        withholds: bool,
    ) -> tuple[NDArray[np.int16], NDArray[np.bool_]]:
        """Read a frame each of different calls (n,) for keys, and return what comes out of the gate instead.

        `pcm` (n, 160); `lost` (n,); `heard` (n,): it has a place in the agent's stream. Return the audio (n, 160),
        which the caller may write to, and which of it is to be sent (n,).
        """
        detection = self._bank.process(pcm, calls, lost)
        gated = self._gate.process(pcm, calls, lost, detection.suspicion)
        unheard, sent = follow(
            calls,
            gated.masked,
            lost,
            heard,
            gated.audio,
            detection.suspicion.key_down,
            now,
            withholds,
            self._muted,
            self._secured_frames,
            self._quiet_frames,
            self._key_down,
            self._heard_s,
        )
        self.counters.count_frames(calls, gated.masked, unheard, lost, detection.suspicion.score)
        for tone in detection.started:
            self._meter.add(tone.slot, tone.line)
            ago_samples = int(self._secured_frames[tone.slot]) * FRAME - tone.start_samples
            began_s = now - ago_samples / SAMPLES_PER_S
            self._pressed(tone.slot, HiddenKey(tone.key), Transport.IN_BAND, began_s)
        return gated.audio, sent

    def take_event(
        self, call: int, event: TelephoneEvent, key: HiddenKey | None, now: float
    ) -> None:
        """Read a telephone event packet, which goes no further; `key` as in `FrameSink.take_event`."""
        self._gate.close(np.array([call]), EVENT_MASK_FRAMES)
        self.counters.count_event(call)
        self._quiet_frames[call] = 0
        self._heard_s[call] = self._event_s[call] = now
        if key is not None:
            began_s = now - event.duration_samples / SAMPLES_PER_S
            self._pressed(call, key, Transport.RFC_4733, began_s)

    def restart_stream(self, call: int, now: float) -> None:
        """Start detector and gate afresh: another stream begins."""
        slot = np.array([call])
        self._bank.reset(slot, self._detectors[call])
        self._gate.reset(slot)
        masked = EVENT_MASK_FRAMES if self._event_is_fresh(call, now) else RESTART_MASK_FRAMES
        self._gate.close(slot, masked)
        self._secured_frames[call] = 0
        self.counters.count_restart(call)

    def _start_afresh(self, call: int, now: float) -> None:
        slot = np.array([call])
        self._bank.reset(slot, self._detectors[call])
        self._gate.reset(slot)
        self._secured_frames[call] = self._quiet_frames[call] = 0
        self._key_down[call] = False
        self._heard_s[call], self._event_s[call] = now, -np.inf

    def _hold(self, call: int) -> None:
        """Hold back what was asked for, and two frames where an event may tell of a stub that no sound gives away."""
        before, look_back = self._masking[call], int(self._look_back[call])
        least = EVENT_HOLD_FRAMES if self._legs.takes_events(2 * call) else 1
        held = max(before.hold_frames, look_back, least)
        self._gate.hold(np.array([call]), held, look_back=look_back)
        self.counters.judge_by(call, newest=held == look_back)
        self._masking[call] = replace(before, hold_frames=held)

    def _event_is_fresh(self, call: int, now: float) -> bool:
        return bool(now - self._event_s[call] < EVENT_GONE_S)

    def _packets_late(self, call: int) -> int:
        return int(self._legs.in_late[2 * call])
