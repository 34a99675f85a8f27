"""Have every compiled function at hand before the first call needs it."""

import numpy as np

from dtmf.bank import DetectorBank
from dtmf.frames import FRAME_SAMPLES
from dtmf.keys import tones_hz
from dtmf.residual import fit_tones
from dtmf.sound import SOUND_SAMPLES, Sound
from dtmf.spans import levels_within
from dtmf.tones import tone


def warm_up() -> None:
    """Load the machine code of the detector, or compile it where this version never ran: half a minute, once.

    Reads two keys of a call whose start is lost; what that does not reach is called by name.
    """
    frames = np.zeros((40, 1, FRAME_SAMPLES), np.int16)
    key = tone("5", 8 * FRAME_SAMPLES).reshape(8, FRAME_SAMPLES)
    frames[4:12, 0], frames[20:28, 0] = key, key
    bank, slot = DetectorBank(1), np.zeros(1, np.intp)
    for number, frame in enumerate(frames):
        bank.process(frame, slot, np.array([number == 0]))
    on, amplitudes = np.ones((1, 4), np.bool_), np.ones((1, 2, 4), np.float32)
    levels_within(slot, slot + 3, on, amplitudes)
    whole = np.ones((1, SOUND_SAMPLES), np.bool_)
    sound = Sound(np.ones((1, SOUND_SAMPLES), np.float32), whole, slot + SOUND_SAMPLES)
    fit_tones(sound, np.array([tones_hz("5")], np.float64))


if __name__ == "__main__":
    warm_up()
