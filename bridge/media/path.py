"""The way of the sound through a call: caller to agent (behind the gate while secure), agent to caller, to the
recorder.

Rules of this file: while a call is secure, nothing of the caller's packets goes anywhere but into the detector; the
agent's leg and the recorder get what the gate returns, or a beep, or a prompt. Mask first, then fan out. The recorder
hears of each side what the other side hears of it.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bridge.media.beeper import Beeper
from bridge.media.frame_loops import decoded, divide, follow
from bridge.media.leg_table import FRAME, SAMPLES_PER_S, Legs, LegTable
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
from bridge.media.pauses import Pauses
from bridge.media.secure_counters import SecureCounters
from bridge.media.secure_totals import SecureTotals
from bridge.media.sender import Sender
from bridge.prompts.prompter import Ended, Prompter
from bridge.recording.timelines import Timelines
from bridge.rtp.g711 import DECODE, ENCODE
from bridge.rtp.packet import RtpPacket
from bridge.rtp.telephone_event import TelephoneEvent
from dtmf.bank import DetectorBank
from dtmf.gate import GateBank
from dtmf.keys import HiddenKey
from dtmf.limits import DetectorLimits

Pressed = Callable[[int, HiddenKey, Transport, float], None]
"Called with call slot, key, transport and when the press began (monotonic seconds)."


class MediaPath:
    """Treats the frames of all calls; implements `intake.FrameSink`."""

    def __init__(
        self,
        legs: LegTable,
        sender: Sender,
        calls: int,
        pressed: Pressed,
        timelines: Timelines,
        prompt_ended: Ended,
    ) -> None:
        """`timelines`: of the calls that are recorded."""
        self._legs, self._sender, self._pressed = legs, sender, pressed
        self._timelines = timelines
        self._bank, self._gate = DetectorBank(calls, DETECTOR), GateBank(calls, GATE)
        self.beeper = Beeper(calls)
        self.pauses = Pauses(2 * calls)
        self.prompter = Prompter(2 * calls, prompt_ended)
        self.counters = SecureCounters(calls)
        self._detectors = [DETECTOR] * calls
        self._lines = LineMeter(calls)
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
        self._passed: NDArray[np.bool_] = np.zeros(2 * calls, np.bool_)
        self._gated_calls: NDArray[np.intp] = np.zeros(calls, np.intp)
        self._gated_agents: Legs = np.zeros(calls, np.intp)
        self._gated_pcm: NDArray[np.int16] = np.zeros((calls, FRAME), np.int16)
        self._gated_lost: NDArray[np.bool_] = np.zeros(calls, np.bool_)
        self._gated_heard: NDArray[np.bool_] = np.zeros(calls, np.bool_)
        "Of the batch at hand."
        self.now = 0.0
        "Set by the worker at each tick."
        self.withholds = False
        "This tick begins too late: its sound is read for keys and not sent. Set by the worker."

    def close_gate(self, call: int, masking: LineMasking) -> None:
        """Close the gate of an open call, now."""
        assert not self.secure[call], "a secure call would lose what it has heard of a key"
        self._start_afresh(call)
        self.beeper.reset(call, even=masking.even_beeps)
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

    def open_gate(self, call: int) -> None:
        """Open the gate, now; nothing of what was held goes out."""
        self._start_afresh(call)
        self.beeper.reset(call)
        self.secure[call] = self._muted[call] = False
        self._masking[call] = OPEN_LINE

    def masking(self, call: int) -> LineMasking:
        """Return how `call` is masked just now."""
        return self._masking[call]

    def secure_totals(self, call: int) -> SecureTotals:
        """Return what was counted since the gate of `call` was closed."""
        return self.counters.totals(call, self._packets_late(call))

    def open(self, call: int, detector: DetectorLimits) -> None:
        """Begin a call, whose keys are read by the limits `detector`."""
        self._detectors[call] = detector
        self._lines.start(call)

    def line_quality(self, call: int) -> LineQuality | None:
        """Return what may be told of the caller's line."""
        return self._lines.quality(call, self._detectors[call])

    def may_open(self, call: int, asked_s: float) -> bool:
        """Return whether the gate, asked to open at `asked_s`, can do so without letting part of a key or beep out."""
        if self.beeper.holds_up(call) and not self.prompter.playing[2 * call + 1]:
            # under a prompt no beep sounds, nor is one to sound after it on an open line
            return False
        if self._event_is_fresh(call):
            return False
        key_down = bool(self._key_down[call])
        still_s = SUSPICION_LIMIT_S if key_down else OPEN_WITHOUT_SOUND_S
        if self.now - self._heard_s[call] >= still_s:
            return True
        waited = self.now - asked_s >= SUSPICION_LIMIT_S and not key_down
        return waited or bool(self._quiet_frames[call] >= OPEN_AFTER_FRAMES)

    def _start_afresh(self, call: int) -> None:
        slot = np.array([call])
        self._bank.reset(slot, self._detectors[call])
        self._gate.reset(slot)
        self._secured_frames[call] = self._quiet_frames[call] = 0
        self._key_down[call] = False
        self._heard_s[call], self._event_s[call] = self.now, -np.inf
        self.pauses.end(2 * call)

    def _hold(self, call: int) -> None:
        """Hold back what was asked for, and two frames where an event may tell of a stub that no sound gives away."""
        before, look_back = self._masking[call], int(self._look_back[call])
        least = EVENT_HOLD_FRAMES if self._legs.takes_events(2 * call) else 1
        held = max(before.hold_frames, look_back, least)
        self._gate.hold(np.array([call]), held, look_back=look_back)
        self.counters.judge_by(call, newest=held == look_back)
        self._masking[call] = replace(before, hold_frames=held)

    def _event_is_fresh(self, call: int) -> bool:
        return bool(self.now - self._event_s[call] < EVENT_GONE_S)

    def take_frames(
        self,
        legs: Legs,
        coded: NDArray[np.uint8],
        lost: NDArray[np.bool_],
        timestamps: NDArray[np.int64],
    ) -> None:
        """Treat one frame each of different legs (see `intake.FrameSink`)."""
        heard = self._sender.advance(legs, timestamps, self.now)
        if self.prompter:
            heard &= ~self._prompt_instead(legs ^ 1, heard)
        gated = divide(
            self._legs.rows,
            self.secure,
            legs,
            coded,
            lost,
            heard,
            DECODE,
            self._passed,
            self._gated_calls,
            self._gated_agents,
            self._gated_pcm,
            self._gated_lost,
            self._gated_heard,
        )
        if gated:
            self._take_gated(
                self._gated_calls[:gated],
                self._gated_agents[:gated],
                self._gated_pcm[:gated],
                self._gated_lost[:gated],
                self._gated_heard[:gated],
            )
        if not self.withholds and gated < len(legs):
            self._pass_on(legs, coded, self._passed[: len(legs)])

    def take_event(
        self, leg: int, event: TelephoneEvent, key: HiddenKey | None, packet: RtpPacket
    ) -> None:
        """Forward a telephone event, or swallow and read it while the caller's leg is secure."""
        call = leg >> 1
        self.pauses.end(leg)
        if not (self.secure[call] and leg & 1 == 0):
            self._sender.send_event(leg ^ 1, packet.payload, packet.timestamp, marker=packet.marker)
            return
        self._gate.close(np.array([call]), EVENT_MASK_FRAMES)
        self.counters.count_event(call)
        self._quiet_frames[call] = 0
        self._heard_s[call] = self._event_s[call] = self.now
        if key is not None:
            self._pressed(
                call, key, Transport.RFC_4733, self.now - event.duration_samples / SAMPLES_PER_S
            )

    def take_pause(self, leg: int, level: int) -> None:
        """Let the other side hear noise of `level` -dBov; behind a closed gate the pause is silence."""
        if not (self.secure[leg >> 1] and leg & 1 == 0):
            self.pauses.begin(leg, level)

    def restart_stream(self, leg: int, timestamp: int) -> None:
        """Start detector and gate afresh; let the outgoing stream go on without a jump."""
        call = leg >> 1
        self.pauses.end(leg)
        if self.prompter.playing[leg ^ 1]:
            self._sender.join(leg ^ 1, timestamp)
        else:
            self._sender.rebase(leg ^ 1, timestamp, self.now)
        if self.secure[call] and leg & 1 == 0:
            slot = np.array([call])
            self._bank.reset(slot, self._detectors[call])
            self._gate.reset(slot)
            masked = EVENT_MASK_FRAMES if self._event_is_fresh(call) else RESTART_MASK_FRAMES
            self._gate.close(slot, masked)
            self._secured_frames[call] = 0
            self.counters.count_restart(call)

    def fill_prompts(self) -> None:
        """Begin prompts; play on to legs whose other side sends no sound just now. Before beeps and pauses."""
        if not self.prompter or self.withholds:
            return
        # A beep sounds to its end: cut off, it would click.
        self.prompter.begin(lambda leg: leg & 1 == 1 and self.beeper.sounds(leg >> 1))
        to = self._sender.due(self.prompter.legs(), self.now)
        if len(to):
            self._sender.step(to, self.now)
            self._send_sound(to, self.prompter.next_frames(to))

    def fill_beeps(self) -> None:
        """Play queued beeps to agents whose caller sends no sound just now."""
        beeping = self.beeper.beeping()
        if self.withholds or not len(beeping):
            return
        to = self._sender.due(2 * beeping + 1, self.now)
        if not len(to):
            return
        audio = np.zeros((len(to), FRAME), np.int16)
        sent = self.beeper.overlay(audio, to >> 1, np.ones(len(to), np.bool_), self.now)
        self._sender.step(to[sent], self.now)
        self._send_sound(to, audio, sent)

    def fill_pauses(self) -> None:
        """Play noise to whoever listens to a pause."""
        if self.withholds or not self.pauses:
            return
        to = self._sender.due(self.pauses.legs() ^ 1, self.now)
        if len(to):
            self._sender.step(to, self.now)
            legs = to ^ 1
            audio = self.pauses.sound(legs)
            law = self._legs.law[legs]
            coded = ENCODE[law[:, None], audio.view(np.uint16)]
            self._pass_on(legs, coded, np.ones(len(legs), np.bool_))

    def _prompt_instead(self, to: Legs, heard: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Send a frame of the prompt where one plays and there is a place for it; return where one plays."""
        plays = self.prompter.playing[to]
        now = to[plays & heard]
        if len(now) and not self.withholds:
            self._send_sound(now, self.prompter.next_frames(now))
        return plays

    def _take_gated(
        self,
        calls: NDArray[np.intp],
        agents: Legs,
        pcm: NDArray[np.int16],
        lost: NDArray[np.bool_],
        heard: NDArray[np.bool_],
    ) -> None:
        """Read frames for keys, and send what the gate makes of those that are to be heard."""
        detection = self._bank.process(pcm, calls, lost)
        gated = self._gate.process(pcm, calls, lost, detection.suspicion)
        unheard, sent = follow(
            calls,
            gated.masked,
            lost,
            heard,
            gated.audio,
            detection.suspicion.key_down,
            self.now,
            self.withholds,
            self._muted,
            self._secured_frames,
            self._quiet_frames,
            self._key_down,
            self._heard_s,
        )
        self.counters.count_frames(calls, gated.masked, unheard, lost, detection.suspicion.score)
        for tone in detection.started:
            self._lines.add(tone.slot, tone.line)
            ago_samples = int(self._secured_frames[tone.slot]) * FRAME - tone.start_samples
            began_s = self.now - ago_samples / SAMPLES_PER_S
            self._pressed(tone.slot, HiddenKey(tone.key), Transport.IN_BAND, began_s)
        if self.withholds:
            return  # beeps too: they follow in the next tick that is in time
        sent |= self.beeper.overlay(gated.audio, calls, heard, self.now)
        self._send_sound(agents, gated.audio, sent)

    def _packets_late(self, call: int) -> int:
        return int(self._legs.in_late[2 * call])

    def _send_sound(
        self, to: Legs, audio: NDArray[np.int16], chosen: NDArray[np.bool_] | None = None
    ) -> None:
        """Send and record what is to be heard by `to` instead of the other side's packets, or the `chosen` of it."""
        chosen = np.ones(len(to), np.bool_) if chosen is None else chosen
        self._sender.send(to, audio, chosen)
        if self._timelines.taking:
            self._record(to ^ 1, audio, chosen)

    def _pass_on(self, legs: Legs, coded: NDArray[np.uint8], chosen: NDArray[np.bool_]) -> None:
        self._sender.pass_on(legs, coded, chosen)
        if self._timelines.taking:
            self._record(legs, decoded(self._legs.rows, legs, coded, DECODE), chosen)

    def _record(self, legs: Legs, audio: NDArray[np.int16], chosen: NDArray[np.bool_]) -> None:
        timestamps = self._legs.out_timestamp[legs ^ 1]
        self._timelines.take(legs, timestamps, audio, chosen, self.now)
