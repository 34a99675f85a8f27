"""How one call is masked while its line is secure: what may differ from call to call."""

from dataclasses import dataclass
from typing import Self

from bridge.media.messages import SecureChanged, SetSecure


@dataclass(frozen=True, slots=True, kw_only=True)
class LineMasking:
    """What whoever secures a line asks for, and what the media worker confirms."""

    hold_frames: int = 1
    """Frames of 20 ms that the gate holds back: 1 or 2. Asked for it is the least: where telephone events are agreed
    on with the caller's side it is 2, because a gateway that makes events of tones often lets a stub of the tone
    through, and the event comes up to 20 ms after it. Tone evidence masks as many frames back as were asked for."""

    muted: bool = False
    "Nothing of the caller is heard but beeps."

    even_beeps: bool = False
    """Beeps come at even intervals, so that they do not give away the rhythm of the presses. Is what it was when the
    line was secured."""

    @classmethod
    def of(cls, message: SetSecure | SecureChanged) -> Self:
        """Return what a message asks for, or tells."""
        return cls(
            hold_frames=message.hold_frames, muted=message.muted, even_beeps=message.even_beeps
        )


PLAIN_MASKING = LineMasking()
"The caller is heard between keys; least delay."

OPEN_LINE = LineMasking(hold_frames=0)
"What an open line confirms: nothing is masked."
