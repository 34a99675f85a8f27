"""The two sides of one call: their dialogs, their session descriptions, and what the bridge says to them.

Sans-IO. Rules of this file: how far a dialog is, the endpoint knows better than we: an answer may have come whose event
waits behind the one that is treated now. A dialog that is gone already is what was wanted.
"""

import contextlib
from collections.abc import Callable, Mapping

from bridge.call.dialogs import SipDialogs
from bridge.call.media_side import MediaSide
from bridge.call.refusal import Refusal
from bridge.call.setup import CallSetup
from bridge.errors import LocalProtocolError
from bridge.media import messages as m
from bridge.sip import events as sip
from bridge.sip.name_addr import NameAddr


class CallSides:
    """The first side dialled, the second is rung."""

    def __init__(
        self, setup: CallSetup, endpoint: SipDialogs, command: Callable[[m.Command], None]
    ) -> None:
        """`command` sends to the worker what the sides agree on."""
        self._setup, self._sip = setup, endpoint
        self._first, self._second = setup.first, other_side(setup.first)
        self._dialogs: dict[m.Leg, sip.DialogId] = {self._first: setup.invite.dialog}
        self.media = {leg: MediaSide(setup.origin(leg), leg, command) for leg in m.Leg}

    @property
    def first(self) -> MediaSide:
        """Session description of the side that dialled."""
        return self.media[self._first]

    @property
    def second(self) -> MediaSide:
        """And of the side that is rung."""
        return self.media[self._second]

    @property
    def dialogs(self) -> Mapping[m.Leg, sip.DialogId]:
        """The dialogs so far."""
        return self._dialogs

    def of(self, dialog: sip.DialogId) -> m.Leg:
        """Return whose dialog that is."""
        return next(leg for leg, known in self._dialogs.items() if known == dialog)

    def use_ports(self, opened: m.CallOpened) -> None:
        """Name these ports in every description from now on."""
        self.media[m.Leg.CALLER].port = opened.caller_port
        self.media[m.Leg.AGENT].port = opened.agent_port

    def ring_second(self, now: float) -> None:
        """Call the second side; raise LocalProtocolError where it cannot be."""
        invite, target = self._setup.invite, self._setup.target
        self._dialogs[self._second] = self._sip.invite(
            request_uri=target.uri,
            from_=NameAddr(
                uri=self._setup.identity(invite.from_.uri.user or "anonymous"),
                display_name=invite.from_.display_name,
            ),
            to=NameAddr(uri=target.uri),
            destination=target.destination,
            body=self.second.make_offer(self.first.codec_order),
            max_forwards=invite.max_forwards - 1,
            now=now,
        )

    def respond_first(self, status: int, reason: str, body: bytes, now: float) -> bool:
        """Answer the INVITE that began the call, as :meth:`respond` does."""
        return self.respond(self._setup.invite.dialog, status, reason, body, now)

    def respond(
        self, dialog: sip.DialogId, status: int, reason: str, body: bytes, now: float
    ) -> bool:
        """Answer an INVITE; return False where its sender gave up in the same moment: its own event tells so."""
        try:
            self._sip.respond(dialog, status, reason, body=body, now=now)
        except LocalProtocolError:
            return False
        return True

    def inform(self, side: m.Leg, event: sip.InfoReceived, now: float) -> None:
        """Pass an INFO on to `side`; one that comes before the answer has nowhere to go."""
        if (dialog := self._dialogs.get(side)) is not None:
            with contextlib.suppress(LocalProtocolError):
                self._sip.info(dialog, event.content_type, event.body, now)

    def leave(self, refusal: Refusal, now: float) -> None:
        """Send BYE where a side is connected, else `refusal` to the first and CANCEL to the second."""
        self._leave_first(refusal, now)
        self._leave_second(now)

    def _leave_first(self, refusal: Refusal, now: float) -> None:
        dialog = self._setup.invite.dialog
        with contextlib.suppress(LocalProtocolError):
            try:
                self._sip.bye(dialog, now)
            except LocalProtocolError:
                self._sip.respond(
                    dialog, refusal.status, refusal.reason, headers=refusal.headers, now=now
                )

    def _leave_second(self, now: float) -> None:
        if (dialog := self._dialogs.get(self._second)) is None:
            return
        with contextlib.suppress(LocalProtocolError):
            try:
                self._sip.bye(dialog, now)
            except LocalProtocolError:
                self._sip.cancel(dialog, now)


def other_side(side: m.Leg) -> m.Leg:
    """Return the side that hears this one."""
    return m.Leg.AGENT if side is m.Leg.CALLER else m.Leg.CALLER
