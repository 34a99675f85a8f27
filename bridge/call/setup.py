"""What a call starts with."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

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
    host: str
    "Our address, for SDP."
    identity: Callable[[str], Uri]
    "The URI by which we stand for a user towards the other side."
    session_id: int
    recording: str
    "Path of the recording; empty: none."
    detector: DetectorLimits = DetectorLimits()
    "By which the caller's keys are read."
