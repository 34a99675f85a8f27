"""What an agent may see. Everything here can be shown, logged and sent: it holds masks, never digits."""

from dataclasses import dataclass
from typing import NewType

from ivr.money import Money
from ivr.session.words import (
    Action,
    ErrorType,
    FieldName,
    FieldState,
    InteractionType,
    RecorderState,
    Result,
    Status,
)

CallId = NewType("CallId", str)
SessionId = NewType("SessionId", str)
AgentId = NewType("AgentId", str)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldView:
    """One field as asterisks."""

    name: FieldName

    state: FieldState

    mask: str
    "One `*` a key while it is keyed; once valid, a card number shows its last four: `************1111`."

    brand: str | None = None
    "Card brand as soon as the prefix tells it (card number only), for example `visa`."

    error: ErrorType | None = None

    message: str = ""
    "The error in words that the agent can say to the caller."

    attempt: int = 0
    "Attempts begun; 0 before the first."

    attempts_allowed: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentView:
    """One payment session as its agent sees it."""

    session: SessionId

    call: CallId

    agent: AgentId

    status: Status

    payee: str

    interaction_type: InteractionType

    profile: str

    amount: Money

    reason: str

    fields: tuple[FieldView, ...]

    collecting: FieldName | None
    "The field that keys go to now."

    seconds_left: float | None
    "Until the running first-key or inter-key timeout; None when no timeout runs."

    secure: bool
    "The gate is on and confirmed: the agent and the recorder get no tones."

    recorder: RecorderState

    result: Result | None = None

    message: str = ""
    "What happened, in words for the agent: the approval, the decline reason, the failure."

    confirmation: str = ""
    "The processor's reference, once there is one."

    actions: tuple[Action, ...] = ()
    "What the agent may do now; empty while the processor is asked and once the session has ended."

    caller_muted: bool = False
    "The agent hears nothing of the caller but beeps, confirmed: a field is being keyed, and the profile says so."

    seq: int = 0
    "Grows with every change of this session; a reader drops what is not newer."


@dataclass(frozen=True, slots=True, kw_only=True)
class CallView:
    """One live call of an agent."""

    call: CallId

    agent: AgentId

    caller: str
    "Who calls: the number or user part of the caller's address."

    called: str
    "What was dialled."

    state: str
    "`ringing`, `talking`, `held` or `ended`."

    secure: bool

    recorder: RecorderState

    started_at: str
    "ISO 8601, UTC."

    muted: bool = False
    "The agent hears nothing of the caller but beeps, confirmed."


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileView:
    """One payment profile that an agent can choose."""

    name: str

    label: str

    currency: str

    minimum: Money

    maximum: Money

    fields: tuple[FieldName, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StartPayment:
    """What the agent enters to take a payment; amounts are checked against the profile."""

    call: CallId

    payee: str

    interaction_type: InteractionType

    profile: str

    amount: str
    "As typed, for example `12.50`."

    reason: str = ""
