"""What the gateway and a media worker say to each other; `bridge.media.message_codec` has how it is written.

Rules of this file: a message is a frozen dataclass of plain values. A key travels only in `KeyReported` and `InfoKey`,
never in any other field.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType

from bridge.media.line_quality import LineQuality
from bridge.media.statistics import WorkerStatistics
from bridge.rtp.call_quality import CallQuality
from dtmf.keys import HiddenKey
from dtmf.limits import DetectorLimits

CallId = NewType("CallId", str)


class Leg(StrEnum):
    """The two sides of a call, as the gate sees them."""

    CALLER = "caller"
    "Whose keys are read and masked: the customer, whoever dialled."

    AGENT = "agent"


class Transport(StrEnum):
    """How a key press arrived."""

    IN_BAND = "in-band"
    RFC_4733 = "rfc4733"
    SIP_INFO = "sip-info"


class RecorderState(StrEnum):
    """What the recorder confirmed."""

    RECORDING = "recording"
    PAUSED = "paused"
    FAILED = "failed"
    OFF = "off"


class PromptEnd(StrEnum):
    """Why a prompt ended."""

    FINISHED = "finished"
    "It was played to its last sample."

    STOPPED = "stopped"
    "It was asked to stop, or another one took its place."

    CALL_CLOSED = "call closed"

    FAILED = "failed"
    "Its file cannot be played."

    MEDIA_LOST = "media lost"
    "The worker that played it is gone; told by the gateway, for the worker cannot."


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCall:
    """Bind ports for both legs; answered by `CallOpened` or `CallRefused`."""

    call: CallId
    detector: DetectorLimits = DetectorLimits()
    "By which the caller's keys are read."
    caller_host: str = ""
    "Our address towards the caller's side; empty: that of the worker's settings."
    agent_host: str = ""
    "And towards the agent's."


@dataclass(frozen=True, slots=True, kw_only=True)
class SetLeg:
    """Say where one leg's far end is and what it speaks. After a re-INVITE: again."""

    call: CallId
    leg: Leg
    host: str
    port: int
    codec: str
    "`PCMU` or `PCMA`."
    payload_type: int
    telephone_event: int
    "Payload type of telephone events; -1 where none was agreed."
    send: bool
    "False while the far end does not want to hear (hold)."
    receive: bool
    "False while the far end said it sends nothing."
    telephone_event_in: int = -1
    "Payload type that the far end's telephone events may have as well: what we offered."
    rtcp_host: str = ""
    rtcp_port: int = 0
    "Where the far end wants RTCP; 0: nowhere."
    rtcp_mux: bool = False
    "RTCP shares the port of RTP (RFC 5761)."


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSecure:
    """Close the gate now, or open it as soon as no key is down; answered by `SecureChanged` when it is done.

    Sent again to a secure call it changes how that is masked. The settings: `bridge.media.line_masking.LineMasking`.
    """

    call: CallId
    secure: bool
    hold_frames: int = 1
    muted: bool = False
    even_beeps: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRecording:
    """Start the local recorder; answered by `RecorderChanged`."""

    call: CallId
    path: str
    continues: bool = False
    "Go on with the file that a worker that is gone has begun."


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseRecording:
    """Stop taking sound; answered by `RecorderChanged` once not a sample more is taken."""

    call: CallId


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeRecording:
    """Take sound again; answered by `RecorderChanged`."""

    call: CallId


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayPrompt:
    """Let one side hear a file instead of the other side; answered by one `PromptEnded`.

    A prompt that plays there, or is to, is stopped for it.
    """

    call: CallId
    leg: Leg
    "Who hears it."
    prompt: int
    "A number that no other prompt of this gateway has."
    path: str
    "What it may be: `bridge.prompts.prompt_file`."


@dataclass(frozen=True, slots=True, kw_only=True)
class StopPrompt:
    """Stop this prompt, if it has not ended; answered by its `PromptEnded`."""

    call: CallId
    leg: Leg
    prompt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InfoKey:
    """A key that came by SIP INFO, to be joined with the other transports."""

    call: CallId
    key: HiddenKey = field(repr=False)
    duration_ms: int
    "As the INFO said; 0 where it did not."


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseCall:
    """End the call's media; its ports are drained for a while before they serve again."""

    call: CallId


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOpened:
    """Both legs have a port (RTP; RTCP is the next one up)."""

    call: CallId
    caller_port: int
    agent_port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRefused:
    """The worker cannot take the call; `reason` names what is full."""

    call: CallId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SecureChanged:
    """The gate is closed (`secure`) or open, from the next frame on; and how the call is masked then."""

    call: CallId
    secure: bool
    hold_frames: int = 0
    "As many as there are; 0 while the gate is open."
    muted: bool = False
    even_beeps: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SecureSpanCounted:
    """What was counted while the gate was closed; once a span, before the gate opens or when the call closes.

    What each number means: `bridge.media.secure_counters.SecureTotals`.
    """

    call: CallId
    presses_in_band: int
    presses_rfc4733: int
    presses_sip_info: int
    frames_masked: int
    frames_passed: int
    frames_lost: int
    packets_late: int
    events_withheld: int
    stream_restarts: int
    highest_passed_score: float | None
    frames_muted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LineReported:
    """How good the caller's line was; once a call that was secure, when it closes."""

    call: CallId
    line: LineQuality | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderChanged:
    """The recorder confirmed what it is doing now."""

    call: CallId
    state: RecorderState
    reason: str
    "Why it failed; empty otherwise."


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptEnded:
    """A prompt is over; once for each `PlayPrompt`."""

    call: CallId
    leg: Leg
    prompt: int
    why: PromptEnd
    reason: str = ""
    "What is wrong with its file, without the file's name; empty where nothing is."


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyReported:
    """A key was pressed while the call was secure; one message a press, however many transports told it."""

    call: CallId
    key: HiddenKey = field(repr=False)
    transport: Transport
    "The first transport that told it."


@dataclass(frozen=True, slots=True, kw_only=True)
class CallMeasured:
    """The sound of both legs over the whole call, told as it closes."""

    call: CallId
    quality: CallQuality


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """The worker lives."""

    calls: int
    late_ticks: int
    "Ticks that began more than a tick late, since the start."

    withheld_ticks: int = 0
    "Ticks that began so late that nothing was sent, since the start."

    overloaded: bool = False
    "It takes no new calls just now."


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerCounted:
    """What the worker has counted since its start; once a second, and dropped where the gateway does not read."""

    statistics: WorkerStatistics


Command = (
    OpenCall
    | SetLeg
    | SetSecure
    | StartRecording
    | PauseRecording
    | ResumeRecording
    | PlayPrompt
    | StopPrompt
    | InfoKey
    | CloseCall
)
CallReport = (
    CallOpened
    | CallRefused
    | SecureChanged
    | SecureSpanCounted
    | LineReported
    | RecorderChanged
    | PromptEnded
    | KeyReported
    | CallMeasured
)
"What concerns one call."
Report = CallReport | Heartbeat | WorkerCounted
Message = Command | Report
