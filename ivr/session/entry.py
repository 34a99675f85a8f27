"""Rules of this file: one field as it is keyed. Keys, `now` and timers in, a step out; no I/O, no clock.

The digits leave only inside their hiding type. A failed attempt is wiped at once.
"""

from enum import Enum, auto

from ivr.payments.card import brand_of, mask, masked_number
from ivr.secret import Revealable, SecretDigits, is_control_key, is_digit_key
from ivr.session.fields import FieldRules
from ivr.session.profile import PaymentProfile
from ivr.session.words import ErrorType, FieldName, FieldState

_SETTLE_S = 1.5
"""After a field ended by itself and was wrong, the caller may still be keying the rest: keys that follow each
other faster than this are dropped, or a doubled digit would cost a second attempt."""


class Step(Enum):
    """What a key or a timer did."""

    IGNORED = auto()
    CHANGED = auto()
    VALID = auto()
    FAILED = auto()
    STOPPED = auto()
    "The clear key twice in a row: the caller wants to stop."


class FieldEntry:
    """One field: its digits, its state, its attempts and its timer."""

    def __init__(self, name: FieldName, profile: PaymentProfile) -> None:
        """Make an idle field."""
        self.name = name
        self.state = FieldState.IDLE
        self.error: ErrorType | None = None
        self.attempt = 0
        "Attempts begun."
        self._profile = profile
        self._rules: FieldRules | None = None
        self._attempt_over = True
        self._cleared_last = False
        self._settling_until: float | None = None
        self._timer: float | None = None
        self._kept_mask = ""
        self._kept_brand: str | None = None
        self.digits = SecretDigits()

    @property
    def exhausted(self) -> bool:
        """Return whether the last attempt allowed has failed."""
        return self.state is FieldState.INVALID and self.attempt >= self._profile.attempts

    @property
    def brand(self) -> str | None:
        """Return the card brand as soon as the digits tell it (card number only)."""
        if self.name is not FieldName.CARD_NUMBER:
            return None
        return self.digits.inspect(brand_of) if self.digits else self._kept_brand

    @property
    def mask(self) -> str:
        """Return one asterisk a digit; the last four of a valid card number in clear."""
        if not self.digits:
            return self._kept_mask
        if self.name is FieldName.CARD_NUMBER and self.state is FieldState.VALID:
            return masked_number(len(self.digits), self.digits.last_four())
        return mask(len(self.digits))

    def next_timer(self) -> float | None:
        """Return when `handle_timer` is due; None when no timeout runs."""
        return self._timer

    def ask(self, rules: FieldRules, now: float) -> None:
        """Begin to collect; what was keyed before is wiped. Costs an attempt only after a failed one."""
        self.reset()
        self._rules = rules
        self._begin_attempt()
        self._timer = now + self._profile.first_key_timeout_s

    def reset(self) -> None:
        """Wipe the field and make it idle; attempts stay counted."""
        self._empty()
        self.state = FieldState.IDLE
        self.error = None
        self._timer = None
        self._cleared_last = False
        self._settling_until = None

    def demand_again(self, error: ErrorType) -> None:
        """Wipe a value that no longer fits and say why; this is no failed attempt of the caller."""
        self.reset()
        self.error = error

    def wipe_keeping_view(self) -> None:
        """Wipe the digits for good; a valid field keeps showing its mask and brand."""
        if self.state is FieldState.VALID:
            self._kept_mask, self._kept_brand = self.mask, self.brand
        elif self.state is FieldState.COLLECTING:
            self.reset()
        self.digits.wipe()
        self._timer = None

    def receive_key(self, key: Revealable, now: float) -> Step:
        """Take one key while this field is asked; A to D mean nothing here."""
        assert self._rules is not None, "a field must be asked before it is keyed"
        if is_control_key(key, self._profile.end_key):
            self._cleared_last = False
            self._settling_until = None
            return self._end() if self.digits else Step.IGNORED
        if is_control_key(key, self._profile.clear_key):
            return self._clear(now)
        if not is_digit_key(key) or self._still_settling(now):
            return Step.IGNORED
        return self._add_digit(key, now)

    def handle_timer(self, now: float) -> Step:
        """End the field when its timeout has run out: what is there is taken if it is valid."""
        if self._timer is None or now < self._timer:
            return Step.IGNORED
        assert self._rules is not None, "only an asked field has a timer"
        if not self.digits or self.digits.inspect(self._rules.unfinished):
            return self._fail(ErrorType.INPUT_TIMEOUT)
        return self._end()

    def _add_digit(self, key: Revealable, now: float) -> Step:
        assert self._rules is not None
        if self.state is FieldState.INVALID:
            self._begin_attempt()
        self._cleared_last = False
        self.digits.append(key)
        self._timer = now + self._profile.inter_key_timeout_s
        if not self.digits.inspect(self._rules.complete):
            return Step.CHANGED
        step = self._end()
        if step is Step.FAILED:
            self._settling_until = now + _SETTLE_S
        return step

    def _clear(self, now: float) -> Step:
        if self._cleared_last:
            self._empty()
            self._timer = None
            return Step.STOPPED
        self._cleared_last = True
        self._settling_until = None
        if self.state is FieldState.INVALID:
            return Step.IGNORED
        self._empty()
        self._timer = now + self._profile.first_key_timeout_s
        return Step.CHANGED

    def _still_settling(self, now: float) -> bool:
        if self._settling_until is None or now >= self._settling_until:
            self._settling_until = None
            return False
        self._settling_until = now + _SETTLE_S
        return True

    def _end(self) -> Step:
        assert self._rules is not None
        problem = self.digits.inspect(self._rules.problem)
        if problem is not None:
            return self._fail(problem)
        self.state = FieldState.VALID
        self._timer = None
        return Step.VALID

    def _fail(self, error: ErrorType) -> Step:
        self._empty()
        self.state = FieldState.INVALID
        self.error = error
        self._timer = None
        self._attempt_over = True
        self._cleared_last = False
        return Step.FAILED

    def _begin_attempt(self) -> None:
        if self._attempt_over:
            self.attempt += 1
            self._attempt_over = False
        self.state = FieldState.COLLECTING
        self.error = None

    def _empty(self) -> None:
        self.digits.wipe()
        self._kept_mask, self._kept_brand = "", None
