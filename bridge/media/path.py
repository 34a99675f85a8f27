"""The way of the sound through a call: caller to agent (behind the gate while secure), agent to caller, to the
recorder.

Rules of this file: while a call is secure, nothing of the caller's packets goes anywhere but into the detector; the
agent's leg and the recorder get what the gate returns, or a beep, or a prompt. Mask first, then fan out.
"""

import numpy as np
from numpy.typing import NDArray

from bridge.media.fillers import Fillers
from bridge.media.frame_loops import divide
from bridge.media.leg_table import FRAME, Legs, LegTable
from bridge.media.line_masking import LineMasking
from bridge.media.outlets import Outlets
from bridge.media.secure_lines import Pressed, SecureLines
from bridge.media.sender import Sender
from bridge.prompts.prompter import Ended
from bridge.recording.timelines import Timelines
from bridge.rtp.g711 import DECODE
from bridge.rtp.packet import RtpPacket
from bridge.rtp.telephone_event import TelephoneEvent
from dtmf.keys import HiddenKey


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
        self._legs, self._sender = legs, sender
        self._outlets = Outlets(legs, sender, timelines)
        self.lines = SecureLines(legs, calls, pressed)
        self.fillers = Fillers(legs, sender, self._outlets, calls, prompt_ended)
        self._passed: NDArray[np.bool_] = np.zeros(2 * calls, np.bool_)
        self._prompted: Legs = np.zeros(2 * calls, np.intp)
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
        self.lines.close(call, masking, self.now)
        self.fillers.beeper.reset(call, even=masking.even_beeps)
        self.fillers.pauses.end(2 * call)

    def open_gate(self, call: int) -> None:
        """Open the gate, now; nothing of what was held goes out."""
        self.lines.open(call, self.now)
        self.fillers.beeper.reset(call)
        self.fillers.pauses.end(2 * call)

    def may_open(self, call: int, asked_s: float) -> bool:
        """Return whether the gate, asked to open at `asked_s`, can do so without letting part of a key or beep out."""
        if self.fillers.holds_gate(call):
            return False
        return self.lines.may_open(call, asked_s, self.now)

    def fill(self) -> None:
        """Let whoever is sent no sound just now hear a prompt, a beep or the noise of a pause."""
        if not self.withholds:
            self.fillers.fill(self.now)

    def take_frames(
        self,
        legs: Legs,
        coded: NDArray[np.uint8],
        lost: NDArray[np.bool_],
        timestamps: NDArray[np.int64],
    ) -> None:
        """Treat one frame each of different legs (see `intake.FrameSink`)."""
        heard = self._sender.advance(legs, timestamps, self.now)
        gated, prompted = divide(
            self._legs.rows,
            self.lines.secure,
            self.fillers.prompter.playing,
            legs,
            coded,
            lost,
            heard,
            DECODE,
            self._passed,
            self._prompted,
            self._gated_calls,
            self._gated_agents,
            self._gated_pcm,
            self._gated_lost,
            self._gated_heard,
        )
        # First what needs no detector: it would wait as long as that takes, which is half of a full worker's tick.
        if not self.withholds and gated < len(legs):
            self._outlets.pass_on(legs, coded, self._passed[: len(legs)], self.now)
        if prompted and not self.withholds:
            self.fillers.play_prompts(self._prompted[:prompted], self.now)
        if gated:
            self._take_gated(gated)

    def take_event(
        self, leg: int, event: TelephoneEvent, key: HiddenKey | None, packet: RtpPacket
    ) -> None:
        """Forward a telephone event, or swallow and read it while the caller's leg is secure."""
        self.fillers.pauses.end(leg)
        if self._is_gated(leg):
            self.lines.take_event(leg >> 1, event, key, self.now)
        else:
            self._sender.send_event(leg ^ 1, packet.payload, packet.timestamp, marker=packet.marker)

    def take_pause(self, leg: int, level: int) -> None:
        """Let the other side hear noise of `level` -dBov; behind a closed gate the pause is silence."""
        if not self._is_gated(leg):
            self.fillers.pauses.begin(leg, level)

    def restart_stream(self, leg: int, timestamp: int) -> None:
        """Start detector and gate afresh; let the outgoing stream go on without a jump."""
        self.fillers.pauses.end(leg)
        if self.fillers.prompter.playing[leg ^ 1]:
            self._sender.join(leg ^ 1, timestamp)
        else:
            self._sender.rebase(leg ^ 1, timestamp, self.now)
        if self._is_gated(leg):
            self.lines.restart_stream(leg >> 1, self.now)

    def _is_gated(self, leg: int) -> bool:
        """Return whether what comes from this leg stays behind the gate."""
        return leg & 1 == 0 and bool(self.lines.secure[leg >> 1])

    def _take_gated(self, count: int) -> None:
        """Read `count` frames for keys, and send what the gate makes of those that are to be heard."""
        calls, heard = self._gated_calls[:count], self._gated_heard[:count]
        audio, sent = self.lines.take_frames(
            calls,
            self._gated_pcm[:count],
            self._gated_lost[:count],
            heard,
            self.now,
            withholds=self.withholds,
        )
        if self.withholds:
            return  # beeps too: they follow in the next tick that is in time
        sent |= self.fillers.beeper.overlay(audio, calls, heard, self.now)
        self._outlets.send_sound(self._gated_agents[:count], audio, sent, self.now)
