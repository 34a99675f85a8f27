"""What the bridge tells about its calls."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bridge.media.line_masking import OPEN_LINE, LineMasking
from bridge.media.line_quality import LineQuality
from bridge.media.messages import CallId, RecorderState, Transport
from bridge.media.secure_totals import SecureTotals
from bridge.rtp.call_quality import CallQuality
from dtmf.keys import HiddenKey
from dtmf.limits import DetectorLimits


class CallState(StrEnum):
    """How far a call is, in words for people."""

    RINGING = "ringing"
    TALKING = "talking"
    HELD = "held"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallInfo:
    """A call as others may know it."""

    call: CallId

    agent: str
    "User name of the agent's phone; empty where the agent's side is a trunk."

    caller: str
    "Number or user of the customer's side."

    called: str
    "What was dialled."

    state: CallState

    secure: bool

    recorder: RecorderState

    detector: DetectorLimits = DetectorLimits()
    "By which the caller's keys are read: those of the trunk that the caller is behind."

    started_at: datetime

    masking: LineMasking = OPEN_LINE
    "How the line is masked, as its worker confirmed."


@dataclass(frozen=True, slots=True, kw_only=True)
class CallChanged:
    """A call began, changed or ended (`info.state`)."""

    info: CallInfo

    reason: str = ""
    "Why it ended."


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPressed:
    """A key was pressed on the caller's leg of a secure call (in-band, RFC 4733 or SIP INFO, counted once)."""

    call: CallId

    key: HiddenKey = field(repr=False)

    transport: Transport


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaInterrupted:
    """The worker that carried the call is gone: no sound passes, what was keyed since its last report is lost.

    The call is being moved to another worker: `MediaMoved` follows, or `MediaLost`, or the end of the call.
    """

    call: CallId


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaMoved:
    """The call goes on by way of another worker; a line that was secure is secure again, confirmed."""

    call: CallId


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaLost:
    """The worker that carried the call is gone: no sound passes any more, and the call is being ended."""

    call: CallId


@dataclass(frozen=True, slots=True, kw_only=True)
class SecureSpanEnded:
    """What the media worker counted while the line was secure.

    Told once a span, before the change of the call that says that the line is open. Where the call ended while it was
    secure it is told after that end, and never where the worker was lost.
    """

    call: CallId

    totals: SecureTotals


@dataclass(frozen=True, slots=True, kw_only=True)
class LineMeasured:
    """How good the caller's line was.

    Told once, after the end of each call whose line was secure, and never where the worker was lost.
    """

    call: CallId

    line: LineQuality | None
    "None where too few presses were read from tones."


@dataclass(frozen=True, slots=True, kw_only=True)
class CallMeasured:
    """How good the sound of both legs was.

    Told once, after the end of each call and before `LineMeasured`, and never where the worker was lost.
    """

    call: CallId

    quality: CallQuality


BridgeEvent = (
    CallChanged
    | CallMeasured
    | KeyPressed
    | LineMeasured
    | MediaInterrupted
    | MediaLost
    | MediaMoved
    | SecureSpanEnded
)
