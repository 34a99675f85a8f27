"""What a leg hears besides the other side's sound: prompts in its place, beeps and the noise of pauses if none comes.

Rules of this file: a place in a leg's stream is filled once. A prompt goes before a beep, a beep before noise: each
finds its place by :meth:`Sender.due`, which sees what was filled just before.
"""

import numpy as np
from numpy.typing import NDArray

from bridge.media.beeper import Beeper
from bridge.media.leg_table import FRAME, Legs, LegTable
from bridge.media.outlets import Outlets
from bridge.media.pauses import Pauses
from bridge.media.sender import Sender
from bridge.prompts.prompter import Ended, Prompter
from bridge.rtp.g711 import ENCODE


class Fillers:
    """Of up to `calls` call slots. `now` is in monotonic seconds."""

    def __init__(
        self, legs: LegTable, sender: Sender, outlets: Outlets, calls: int, prompt_ended: Ended
    ) -> None:
        self._legs, self._sender, self._outlets = legs, sender, outlets
        self.beeper = Beeper(calls)
        self.pauses = Pauses(2 * calls)
        self.prompter = Prompter(2 * calls, prompt_ended)

    def fill(self, now: float) -> None:
        """Let each leg to whom the other side sends no sound just now hear what there is for it."""
        if self.prompter:
            self._fill_prompts(now)
        if len(beeping := self.beeper.beeping()):
            self._fill_beeps(beeping, now)
        if self.pauses:
            self._fill_pauses(now)

    def play_prompts(self, to: Legs, now: float) -> None:
        """Send the next frame of the prompt to each of `to` (n,), whose stream has a place for it."""
        sound = self.prompter.next_frames(to)
        self._outlets.send_sound(to, sound, np.ones(len(to), np.bool_), now)

    def holds_gate(self, call: int) -> bool:
        """Return whether the gate of `call` should wait for a beep.

        Under a prompt no beep sounds, nor is one to sound after it on an open line.
        """
        return self.beeper.holds_up(call) and not self.prompter.playing[2 * call + 1]

    def _fill_prompts(self, now: float) -> None:
        """Begin prompts, and play on."""
        # A beep sounds to its end: cut off, it would click.
        self.prompter.begin(lambda leg: leg & 1 == 1 and self.beeper.sounds(leg >> 1))
        to = self._sender.due(self.prompter.legs(), now)
        if len(to):
            self._sender.step(to, now)
            self.play_prompts(to, now)

    def _fill_beeps(self, beeping: NDArray[np.intp], now: float) -> None:
        """Play the queued beeps of these calls to their agents."""
        to = self._sender.due(2 * beeping + 1, now)
        if not len(to):
            return
        audio, all_of_them = np.zeros((len(to), FRAME), np.int16), np.ones(len(to), np.bool_)
        sent = self.beeper.overlay(audio, to >> 1, all_of_them, now)
        self._sender.step(to[sent], now)
        self._outlets.send_sound(to, audio, sent, now)

    def _fill_pauses(self, now: float) -> None:
        """Play noise to whoever listens to a pause."""
        to = self._sender.due(self.pauses.legs() ^ 1, now)
        if len(to):
            self._sender.step(to, now)
            legs = to ^ 1
            audio = self.pauses.sound(legs)
            coded = ENCODE[self._legs.law[legs][:, None], audio.view(np.uint16)]
            self._outlets.pass_on(legs, coded, np.ones(len(legs), np.bool_), now)
