"""Three transports, one press: joins what in-band tones, RFC 4733 and SIP INFO tell of the same key press.

Rules of this file: a press is told at most once by each transport, and all tellings of one press agree on the key.
So a telling joins the oldest recent press of the same key that its transport has not told yet and that began at
about the same time; otherwise it is a press of its own. Two quick presses of one key stay two: each transport tells
both, in order. Times are monotonic seconds, passed in.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from bridge.media.messages import Transport
from dtmf.keys import HiddenKey

MEDIA_WINDOW_S: Final = 0.1
"In-band and RFC 4733 share the media path: their onsets differ by packetisation and detection, not more."

INFO_WINDOW_S: Final = 0.45
"SIP INFO takes the signalling path and is sent at the press by some phones, at the release by others."

KEPT_PRESSES: Final = 16
"More presses than fit into the longest window at 15 keys a second; the oldest are forgotten first."


@dataclass(slots=True)
class _Press:
    key: HiddenKey = field(repr=False)
    start_s: float
    told_by: set[Transport]


class PressMerger:
    """One call's presses."""

    def __init__(self) -> None:
        self._presses: deque[_Press] = deque(maxlen=KEPT_PRESSES)

    def receive(self, key: HiddenKey, transport: Transport, start_s: float) -> bool:
        """Return whether this telling is a press not told before.

        `start_s` is when the press began, as nearly as the transport tells.
        """
        for press in self._presses:
            if transport not in press.told_by and self._same(press, key, transport, start_s):
                press.told_by.add(transport)
                return False
        self._presses.append(_Press(key, start_s, {transport}))
        return True

    @staticmethod
    def _same(press: _Press, key: HiddenKey, transport: Transport, start_s: float) -> bool:
        by_info = transport is Transport.SIP_INFO or press.told_by == {Transport.SIP_INFO}
        window_s = INFO_WINDOW_S if by_info else MEDIA_WINDOW_S
        return abs(start_s - press.start_s) <= window_s and key.same_as(press.key)
