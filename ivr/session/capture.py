"""Rules of this file: which field the keys go to. Fields follow the profile's order; the agent may re-ask any."""

from datetime import date
from enum import Enum, auto

from ivr.payments.card import Brand, code_lengths
from ivr.payments.model import CardData
from ivr.secret import Revealable
from ivr.session.entry import FieldEntry, Step
from ivr.session.fields import FieldRules, rules_for
from ivr.session.messages import field_message
from ivr.session.profile import PaymentProfile
from ivr.session.view import FieldView
from ivr.session.words import ErrorType, FieldName, FieldState

_OF_ONE_CARD = (FieldName.EXPIRATION_DATE, FieldName.SECURITY_CODE)
"What belongs to a card number and goes with it."


class Progress(Enum):
    """What a key or a timer meant for the whole capture."""

    IGNORED = auto()
    CHANGED = auto()
    COMPLETE = auto()
    STOPPED = auto()
    EXHAUSTED = auto()
    "A field failed as often as the profile allows."


class Capture:
    """The fields of one session. Sans-IO: keys and `now` in, progress out."""

    def __init__(self, profile: PaymentProfile, *, today: date) -> None:
        """Make idle fields; `today` (UTC) decides which expiry dates have passed."""
        self._profile = profile
        self._today = today
        self._entries = {name: FieldEntry(name, profile) for name in profile.fields}
        self.collecting: FieldName | None = None

    @property
    def missing(self) -> tuple[FieldName, ...]:
        """Return the fields that are not valid yet."""
        return tuple(n for n, entry in self._entries.items() if entry.state is not FieldState.VALID)

    @property
    def brand(self) -> Brand | None:
        """Return the brand of the card number once that is valid."""
        number = self._entries[FieldName.CARD_NUMBER]
        brand = number.brand if number.state is FieldState.VALID else None
        return None if brand is None else Brand(brand)

    @property
    def last_four(self) -> str:
        """Return the last four digits of a valid card number; empty before there is one."""
        number = self._entries[FieldName.CARD_NUMBER]
        return number.mask[-4:] if number.state is FieldState.VALID else ""

    def ask(self, name: FieldName, now: float) -> None:
        """Send keys to this field from now on; it is wiped first.

        Asking for a card number that was valid means another card: its expiry and code go too.
        """
        entry = self._entries[name]
        if self.collecting not in (None, name):
            self._interrupt(self.collecting)
        if name is FieldName.CARD_NUMBER and entry.state is FieldState.VALID:
            self._forget(*_OF_ONE_CARD)
        self.collecting = name
        entry.ask(self._rules(name), now)

    def ask_next(self, now: float) -> Progress:
        """Ask for the first field that is missing; COMPLETE when there is none."""
        self.collecting = None
        if not self.missing:
            return Progress.COMPLETE
        self.ask(self.missing[0], now)
        return Progress.CHANGED

    def receive_key(self, key: Revealable, now: float) -> Progress:
        """Take one key for the field that is asked."""
        if self.collecting is None:
            return Progress.IGNORED
        return self._advance(self._entries[self.collecting].receive_key(key, now), now)

    def handle_timer(self, now: float) -> Progress:
        """Let a timeout that has run out end its field."""
        if self.collecting is None:
            return Progress.IGNORED
        return self._advance(self._entries[self.collecting].handle_timer(now), now)

    def next_timer(self) -> float | None:
        """Return when the running timeout ends; None when none runs."""
        return None if self.collecting is None else self._entries[self.collecting].next_timer()

    def forget_security_code(self) -> None:
        """Wipe the security code; it must be asked again (PCI DSS 3.3.1)."""
        self._forget(FieldName.SECURITY_CODE)

    def forget_card(self) -> None:
        """Wipe number, expiry and security code; another card must be asked for."""
        self._forget(FieldName.CARD_NUMBER, *_OF_ONE_CARD)

    def wipe(self) -> None:
        """Wipe every field for good; what was valid keeps its mask for the agent to see."""
        self.collecting = None
        for entry in self._entries.values():
            entry.wipe_keeping_view()

    def card(self) -> CardData:
        """Return the card, sharing the fields' buffers, so that wiping either wipes both."""
        code = self._entries.get(FieldName.SECURITY_CODE)
        postal = self._entries.get(FieldName.POSTAL_CODE)
        return CardData(
            number=self._entries[FieldName.CARD_NUMBER].digits,
            expiry=self._entries[FieldName.EXPIRATION_DATE].digits,
            security_code=None if code is None else code.digits,
            postal_code=None if postal is None else postal.digits,
        )

    def views(self) -> tuple[FieldView, ...]:
        """Return the fields as asterisks, in the profile's order."""
        return tuple(self._view(entry) for entry in self._entries.values())

    def _advance(self, step: Step, now: float) -> Progress:
        match step:
            case Step.IGNORED:
                return Progress.IGNORED
            case Step.CHANGED:
                return Progress.CHANGED
            case Step.STOPPED:
                return Progress.STOPPED
            case Step.FAILED:
                assert self.collecting is not None
                exhausted = self._entries[self.collecting].exhausted
                return Progress.EXHAUSTED if exhausted else Progress.CHANGED
            case Step.VALID:
                self._recheck_security_code()
                return self.ask_next(now)

    def _recheck_security_code(self) -> None:
        """Ask again for a code that was keyed before the brand was known and does not fit it."""
        code = self._entries.get(FieldName.SECURITY_CODE)
        if code is None or code.state is not FieldState.VALID or self.brand is None:
            return
        if len(code.digits) not in code_lengths(self.brand):
            code.demand_again(ErrorType.INVALID_SECURITY_CODE)

    def _interrupt(self, name: FieldName | None) -> None:
        """Leave a field that another one is asked before; half a value is no value."""
        if name is not None and self._entries[name].state is FieldState.COLLECTING:
            self._entries[name].reset()

    def _forget(self, *names: FieldName) -> None:
        for name in names:
            if name in self._entries:
                self._entries[name].reset()

    def _rules(self, name: FieldName) -> FieldRules:
        return rules_for(name, self._profile, brand=self.brand, today=self._today)

    def _view(self, entry: FieldEntry) -> FieldView:
        error = entry.error
        return FieldView(
            name=entry.name,
            state=entry.state,
            mask=entry.mask,
            brand=entry.brand,
            error=error,
            message=""
            if error is None
            else field_message(
                entry.name,
                error,
                brands=self._profile.brands,
                code_lengths=code_lengths(self.brand),
            ),
            attempt=entry.attempt,
            attempts_allowed=self._profile.attempts,
        )
