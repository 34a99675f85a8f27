"""What a call starts with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from bridge.call.media_side import SdpOrigin
from bridge.call.routing import Target
from bridge.media import messages as m
from bridge.sip import events as sip
from bridge.sip.uri import Uri
from dtmf.limits import DetectorLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSetup:
    """What a call starts with."""

    call: m.CallId
    invite: sip.InviteReceived
    target: Target
    first: m.Leg
    "Which side dialled: the customer (`CALLER`) or the agent."
    agent: str
    started_at: datetime
    hosts: Mapping[m.Leg, str]
    "Our address towards each side, for SDP and its ports."
    identity: Callable[[str], Uri]
    "The URI by which we stand for a user towards the other side."
    session_id: int
    recording: str
    "Path of the recording; empty: none."
    detector: DetectorLimits = DetectorLimits()
    "By which the caller's keys are read."

    @property
    def opening(self) -> m.OpenCall:
        """What a worker is told to carry the call."""
        return m.OpenCall(
            call=self.call,
            detector=self.detector,
            caller_host=self.hosts[m.Leg.CALLER],
            agent_host=self.hosts[m.Leg.AGENT],
        )

    def origin(self, leg: m.Leg) -> SdpOrigin:
        """Return what all our descriptions to one side have in common."""
        return SdpOrigin(call=self.call, host=self.hosts[leg], session_id=self.session_id)
