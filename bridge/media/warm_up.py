"""Have the machine code of the media worker at hand before its first call."""

import numpy as np

from bridge.media.leg_table import FRAME, LegTable
from bridge.media.line_masking import PLAIN_MASKING
from bridge.media.path import MediaPath
from bridge.media.receiver import Receiver
from bridge.media.rounds import Rounds
from bridge.media.sender import Sender
from bridge.recording.timelines import Timelines
from dtmf import warm_up as detector


def warm_up() -> None:
    """Load the machine code of all loops, or compile it where this version never ran: most of a minute, once.

    A secured and recorded call without sockets takes a frame from both sides, then none.
    """
    detector.warm_up()
    legs = LegTable(1, np.random.default_rng(0))
    receiver = Receiver(legs)
    receiver.receive(0.0)
    receiver.receive_queued(np.zeros(0, np.intp), 0.0)
    receiver.close()
    none = np.zeros(0, np.int64)
    list(Rounds(1).of(none.astype(np.intp), np.zeros((0, FRAME), np.uint8), none, none, 1))
    timelines = Timelines(1)
    timelines.begin(0, 0.0)
    path = MediaPath(legs, Sender(legs), 1, lambda *_: None, timelines, lambda *_: None)
    path.close_gate(0, PLAIN_MASKING)
    path.fillers.beeper.press(0, 0.0)
    both, coded = np.arange(2), np.zeros((2, FRAME), np.uint8)
    path.take_frames(both, coded, np.zeros(2, np.bool_), np.zeros(2, np.int64))
    path.now = 1.0
    path.fill()


if __name__ == "__main__":
    warm_up()
