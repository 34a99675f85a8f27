"""Whether an INVITE becomes a call, and what the call starts with."""

import itertools
import secrets
from collections.abc import Callable
from datetime import datetime

from bridge.call.media_hosts import media_hosts
from bridge.call.routing import Locate, admit, find_target, limits_of_caller
from bridge.call.setup import CallSetup
from bridge.config import Address, BridgeConfig
from bridge.media import messages as m
from bridge.sip import events as sip
from bridge.sip.uri import Uri


class CallAdmission:
    """Lets trunks and registered phones call where a route leads."""

    def __init__(
        self,
        config: BridgeConfig,
        *,
        locate: Locate,
        identity: Callable[[str, Address], Uri],
        utc_now: Callable[[], datetime],
    ) -> None:
        """`identity`: the URI by which the bridge stands for a user towards an address."""
        self._config, self._locate = config, locate
        self._identity, self._utc_now = identity, utc_now
        self._session_ids = itertools.count(secrets.randbits(31))

    def admit(self, invite: sip.InviteReceived) -> CallSetup:
        """Return what the call starts with; raise :class:`RouteError` where it may not be, or leads nowhere."""
        dialler, dialled = invite.from_.uri.user or "", invite.request_uri.user or ""
        origin = admit(self._config, invite.source, dialler, self._locate)
        target = find_target(self._config, dialled, self._locate)
        call = m.CallId(secrets.token_hex(8))
        first = m.Leg.AGENT if origin.agent else m.Leg.CALLER
        recordings = self._config.recordings
        return CallSetup(
            call=call,
            invite=invite,
            target=target,
            first=first,
            agent=origin.agent or target.agent,
            started_at=self._utc_now(),
            hosts=media_hosts(self._config, invite, first, target.destination),
            identity=lambda user: self._identity(user, target.destination),
            session_id=next(self._session_ids),
            recording="" if recordings is None else str(recordings / f"{call}.wav"),
            detector=limits_of_caller(origin, target),
        )
