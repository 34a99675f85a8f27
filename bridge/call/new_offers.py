"""Our own re-INVITEs to both sides of a call whose sound has moved to other ports (RFC 3261 section 14.1, RFC 3264
section 8.3.1).

Sans-IO. Rules of this file: a side is due until it has answered; one that cannot be asked now (another INVITE is
under way there, 491) stays due and is asked again when the driver says so.
"""

from collections.abc import Mapping
from typing import Final

from bridge.call.dialogs import SipDialogs
from bridge.call.media_side import MediaSide
from bridge.errors import LocalProtocolError
from bridge.media import messages as m
from bridge.sip import events as sip

_TRY_AGAIN: Final = frozenset({491, 500})
"Refusals that say: not now (sections 14.1 and 14.2)."


class NewOffers:
    """What each side of one call has still to be asked, or to answer."""

    def __init__(self, endpoint: SipDialogs, media: Mapping[m.Leg, MediaSide]) -> None:
        self._sip, self._media = endpoint, media
        self._due: set[m.Leg] = set()
        self._asked: set[m.Leg] = set()

    @property
    def settled(self) -> bool:
        """Every side has answered."""
        return not self._due and not self._asked

    def begin(self) -> None:
        """Both sides have to hear of new ports."""
        self._due = set(m.Leg)
        self._asked = set()

    def send_due(self, dialogs: Mapping[m.Leg, sip.DialogId], now: float) -> None:
        """Ask the sides that are due and can be asked now."""
        for leg in sorted(self._due):
            media = self._media[leg]
            if media.awaits_answer:
                continue  # an offer of ours is under way in a 200 whose ACK has not come
            try:
                self._sip.reinvite(dialogs[leg], media.make_offer(media.codec_order), now)
            except LocalProtocolError:
                media.withdraw_offer()
                continue
            self._due.discard(leg)
            self._asked.add(leg)

    def told(self, leg: m.Leg) -> None:
        """A side has asked by itself, and our answer had the new port: it need not be asked."""
        self._due.discard(leg)

    def answered(self, leg: m.Leg, body: bytes) -> None:
        """Take a side's answer; raise SdpError, NoCommonCodecError."""
        if leg in self._asked:
            self._asked.discard(leg)
            self._media[leg].read_answer(body)

    def refused(self, leg: m.Leg, status: int) -> bool:
        """Take a side's refusal; return whether the call can still go on: it may be asked again."""
        if leg not in self._asked:
            return True
        self._asked.discard(leg)
        self._media[leg].withdraw_offer()
        if status in _TRY_AGAIN:
            self._due.add(leg)
        return status in _TRY_AGAIN
