"""How a payment wants its line masked; `ivr.app` turns it into what the bridge understands."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LineMasking:
    """What is asked for when a line is secured."""

    hold_frames: int = 1
    "Frames of 20 ms that are held back at least, 1 or 2."

    muted: bool = False
    "Nothing of the caller is heard but beeps."

    even_beeps: bool = False
