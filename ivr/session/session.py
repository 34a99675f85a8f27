"""Rules of this file: one payment session, sans-IO. Every change goes through the state table.

Whoever drives it (`ivr.session.service`) secures the call before `secured`, stores the key before it sends, and
releases the call once `ended`. Ending wipes the card here, before anybody hears of the end.
"""

from dataclasses import dataclass
from datetime import date, datetime

from ivr.payments.decline import DECLINE_ADVICE, DeclineCode
from ivr.payments.model import (
    Approved,
    CardData,
    Declined,
    Order,
    Outcome,
    Pending,
    RefusalReason,
    Refused,
    Unknown,
)
from ivr.secret import Revealable
from ivr.session import messages
from ivr.session.capture import Capture, Progress
from ivr.session.machine import Trigger, can_move, next_status
from ivr.session.profile import PaymentProfile
from ivr.session.view import AgentId, AgentView, CallId, SessionId
from ivr.session.words import (
    Action,
    FieldName,
    InteractionType,
    RecorderState,
    Result,
    Status,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOpening:
    """What is fixed when a session begins."""

    session: SessionId

    call: CallId

    caller: str

    agent: AgentId

    interaction_type: InteractionType

    order: Order

    profile: PaymentProfile

    created_at: datetime


_EXIT_WORDS: dict[Trigger, tuple[Result | None, str]] = {
    Trigger.CALL_NOT_SECURED: (Result.INTERNAL_ERROR, messages.LINE_NOT_SECURED),
    Trigger.CALLER_STOPPED: (Result.CALLER_INTERRUPTED_WITH_STAR, messages.CALLER_STOPPED),
    Trigger.CANCELLED: (None, messages.CANCELLED),
    Trigger.HUNG_UP: (Result.CALLER_HUNG_UP, messages.CALLER_HUNG_UP),
    Trigger.MEDIA_LOST: (Result.INTERNAL_ERROR, messages.MEDIA_LOST),
    Trigger.TIMED_OUT: (Result.VALIDATION_ERROR, messages.TIMED_OUT),
    Trigger.FAULT: (Result.INTERNAL_ERROR, messages.FAULT),
}


class PaymentSession:
    """One payment on one call, from the agent's request to the wiped card."""

    def __init__(self, opening: SessionOpening, *, today: date) -> None:
        """Make a session in `created`; `today` (UTC) decides which expiry dates have passed."""
        self.opening = opening
        self.status = Status.CREATED
        self.result: Result | None = None
        self.message = ""
        self.confirmation = ""
        self.ended = False
        "Nothing more can be keyed or sent, and the card is wiped."
        self.ended_at: datetime | None = None
        "Set by the driver, which has the clock."
        self.secure = False
        "The line is confirmed secure and not released yet."
        self.charges = 0
        "Charges submitted so far."
        self.card_brand = ""
        self.card_last_four = ""
        self.seq = 0
        self._capture = Capture(opening.profile, today=today)
        self._deadline: float | None = None
        self._waiting_exit: Trigger | None = None

    # --- what the driver tells

    def secured(self, now: float) -> None:
        """Gate and recorder confirmed: ask for the first field."""
        self._move(Trigger.CALL_SECURED)
        self.secure = True
        self._deadline = now + self.opening.profile.session_timeout_s
        self._capture.ask_next(now)

    def receive_key(self, key: Revealable, now: float) -> bool:
        """Take one key; return whether anything changed. Keys that nobody asked for are dropped."""
        if self.status is not Status.COLLECTING:
            return False
        return self._progress(self._capture.receive_key(key, now))

    def interrupted(self, now: float) -> bool:
        """Keys may be lost: wipe the field that is being keyed and ask for it again; return whether one was.

        Fields that are complete stay, and so does a charge that is under way.
        """
        name = self._capture.collecting
        if self.status is not Status.COLLECTING or name is None:
            return False
        self.ask(name, now)
        self.message = messages.MEDIA_INTERRUPTED
        return True

    def ask(self, name: FieldName, now: float) -> None:
        """Ask for one field (again); raise :class:`IllegalMoveError` where nothing can be keyed."""
        self._move(Trigger.FIELD_ASKED)
        self.message = ""
        self._capture.ask(name, now)

    def submitted(self) -> int:
        """Begin a charge; return its number, 1 for the first."""
        self._move(Trigger.SUBMITTED)
        self.charges += 1
        self.message = messages.PROCESSING
        return self.charges

    def answered(self, outcome: Outcome) -> None:
        """Take the processor's answer, then whatever happened to the call meanwhile.

        The security code is wiped whatever the answer is, unless the charge never left (PCI DSS 3.3.1).
        """
        match outcome:
            case Approved(reference=reference):
                self.confirmation = reference
                self._exit(
                    Trigger.APPROVED,
                    Result.SUCCESS,
                    messages.approved(str(self.opening.order.amount)),
                )
            case Declined(code=code, reference=reference):
                self.confirmation = reference
                self._declined(code)
            case Refused(reason=RefusalReason.NOT_SENT):
                self.not_sent(messages.NOT_SENT)
            case Refused():
                self._exit(Trigger.REFUSED, Result.PAYMENT_CONNECTOR_ERROR, messages.REFUSED)
            case Pending(reference=reference):
                self.confirmation = reference
                self._exit(Trigger.NO_ANSWER, None, messages.PENDING)
            case Unknown():
                self._exit(Trigger.NO_ANSWER, None, messages.REVIEW)
        self._exit_that_waited()

    def not_sent(self, message: str) -> None:
        """The charge provably never left: it may be submitted again, so often and no more."""
        self._move(Trigger.NOT_SENT)
        self.message = message
        if not self._may_charge_again:
            self._exit(Trigger.FAULT, Result.PAYMENT_CONNECTOR_ERROR, messages.NEVER_SENT)
        self._exit_that_waited()

    def leave(self, trigger: Trigger) -> None:
        """End the session for a reason that lies outside; during a charge the answer is waited for.

        Raise :class:`IllegalMoveError` where the table has no row.
        """
        if self.ended:
            return
        if next_status(self.status, trigger) is Status.PROCESSING:
            self._waiting_exit = self._waiting_exit or trigger
            self._deadline = None
            return
        result, message = _EXIT_WORDS[trigger]
        if (
            self.status is Status.PROCESSING
        ):  # only a fault gets here: nobody knows what was charged
            result, message = None, messages.REVIEW
        elif self.status is Status.DECLINED and trigger is Trigger.HUNG_UP:
            message = messages.CALLER_HUNG_UP_DECLINED
        self._exit(trigger, result, message)

    def released(self) -> None:
        """The line is open again, or gone."""
        self.secure = False

    def handle_timer(self, now: float) -> bool:
        """Let timeouts that have run out take effect; return whether anything changed."""
        if self._deadline is not None and now >= self._deadline:
            self.leave(Trigger.TIMED_OUT)
            return True
        if self.status is not Status.COLLECTING:
            return False
        return self._progress(self._capture.handle_timer(now))

    def next_timer(self) -> float | None:
        """Return when `handle_timer` is due; None when no timeout runs."""
        if self.ended:
            return None
        due = [at for at in (self._deadline, self._capture.next_timer()) if at is not None]
        return min(due, default=None)

    # --- what the driver asks

    @property
    def missing(self) -> tuple[FieldName, ...]:
        """Return the fields that are not valid yet."""
        return self._capture.missing

    @property
    def mutes_caller(self) -> bool:
        """Return whether the agent is not to hear the caller now: while fields are keyed, if the profile says so."""
        keyed = self.status in (Status.CREATED, Status.COLLECTING)
        return keyed and self.opening.profile.masking.muted

    def check_may_ask(self) -> None:
        """Raise :class:`IllegalMoveError` where no field can be asked now."""
        next_status(self.status, Trigger.FIELD_ASKED)

    def card(self) -> CardData:
        """Return the card for the charge; it shares the buffers that ending wipes."""
        return self._capture.card()

    def view(self, now: float, *, recorder: RecorderState, caller_muted: bool = False) -> AgentView:
        """Return the session as its agent may see it."""
        opening = self.opening
        timer = self._capture.next_timer()
        return AgentView(
            session=opening.session,
            call=opening.call,
            agent=opening.agent,
            status=self.status,
            payee=opening.order.payee,
            interaction_type=opening.interaction_type,
            profile=opening.profile.name,
            amount=opening.order.amount,
            reason=opening.order.description,
            fields=self._capture.views(),
            collecting=self._capture.collecting,
            seconds_left=None if timer is None else max(0.0, timer - now),
            secure=self.secure,
            recorder=recorder,
            result=self.result,
            message=self.message,
            confirmation=self.confirmation,
            actions=self._actions(),
            caller_muted=caller_muted and not self.ended,
            seq=self.seq,
        )

    # --- inside

    @property
    def _may_charge_again(self) -> bool:
        return self.charges < self.opening.profile.charges

    def _actions(self) -> tuple[Action, ...]:
        if self.ended:
            return ()
        allowed = []
        if can_move(self.status, Trigger.FIELD_ASKED):
            allowed.append(Action.CAPTURE)
        if can_move(self.status, Trigger.SUBMITTED):
            allowed.append(Action.SUBMIT)
        if can_move(self.status, Trigger.CANCELLED):
            allowed.append(Action.CANCEL)
        return tuple(allowed)

    def _progress(self, progress: Progress) -> bool:
        if progress is not Progress.IGNORED:
            self.message = ""
        match progress:
            case Progress.IGNORED:
                return False
            case Progress.STOPPED:
                self.leave(Trigger.CALLER_STOPPED)
            case Progress.EXHAUSTED:
                failed = self._capture.collecting
                assert failed is not None
                self._exit(
                    Trigger.TOO_MANY_FAILURES,
                    Result.TOO_MANY_FAILED_ATTEMPTS,
                    messages.too_many_attempts(failed),
                )
            case Progress.COMPLETE:
                self._move(Trigger.FIELDS_COMPLETE)
                self.message = messages.COLLECTED
        self._note_card()
        return True

    def _note_card(self) -> None:
        """Remember brand and last four, which may be shown and kept."""
        if self._capture.brand is not None:
            self.card_brand = str(self._capture.brand)
            self.card_last_four = self._capture.last_four

    def _declined(self, code: DeclineCode) -> None:
        advice = DECLINE_ADVICE[code]
        if not self._may_charge_again:
            words = f"{advice.words} {messages.NO_MORE_CHARGES}"
            self._exit(Trigger.DECLINED, Result.PAYMENT_CONNECTOR_ERROR, words)
            return
        self._move(Trigger.DECLINED)
        self.message = advice.words
        if advice.same_card:
            self._capture.forget_security_code()
        else:
            self._capture.forget_card()

    def _exit_that_waited(self) -> None:
        trigger, self._waiting_exit = self._waiting_exit, None
        if trigger is not None and not self.ended:
            self.leave(trigger)

    def _exit(self, trigger: Trigger, result: Result | None, message: str) -> None:
        self._move(trigger)
        self._capture.wipe()
        self._deadline = None
        self.ended = True
        self.result = result
        self.message = message

    def _move(self, trigger: Trigger) -> None:
        self.status = next_status(self.status, trigger)
