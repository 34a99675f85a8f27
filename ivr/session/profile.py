"""A payment profile: what an admin decides before an agent can take a payment."""

from dataclasses import dataclass

from ivr.money import Money
from ivr.session.line_masking import LineMasking
from ivr.session.view import ProfileView
from ivr.session.words import CallerVoice, FieldName

DEFAULT_FIELDS = (FieldName.CARD_NUMBER, FieldName.EXPIRATION_DATE, FieldName.SECURITY_CODE)
"What is asked, in this order, unless the profile says otherwise."


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentProfile:
    """One way of taking a payment. Built by `ivr.session.profile_toml`, which checks every value."""

    name: str
    "Stable word: lower-case letters, digits and hyphens."

    label: str
    "What the agent reads."

    minimum: Money

    maximum: Money
    "Same currency as `minimum`."

    brands: tuple[str, ...]
    "Card brands that are taken, for example `visa`."

    processor: str = "test"
    "Name of a configured processor account."

    fields: tuple[FieldName, ...] = DEFAULT_FIELDS
    "Fields asked of the caller, in this order."

    clear_key: str = "*"
    "Clears the field; pressed twice in a row it stops the payment."

    end_key: str = "#"
    "Ends the field."

    first_key_timeout_s: float = 20.0

    inter_key_timeout_s: float = 5.0

    attempts: int = 3
    "Failed attempts allowed for one field."

    charges: int = 3
    "How often the card may be submitted in one session."

    session_timeout_s: float = 900.0
    "Longest time from securing the line to its release; entry that lasts longer expires."

    postal_code_min_length: int = 3

    postal_code_max_length: int = 10

    caller_voice: CallerVoice = CallerVoice.PASS
    "Of the caller, at the agent's, while a field is keyed."

    hold_frames: int = 1
    "Frames of 20 ms that masking holds back at least: 1, or 2 where tones under a loud voice must not show."

    even_beeps: bool = False
    "Beeps come at even intervals; only where the voice is muted, whose gaps would tell the rhythm all the same."

    @property
    def masking(self) -> LineMasking:
        """Return how the line is to be masked when it is secured, just before the first field is asked."""
        return LineMasking(
            hold_frames=self.hold_frames,
            muted=self.caller_voice is CallerVoice.MUTE,
            even_beeps=self.even_beeps,
        )

    @property
    def currency(self) -> str:
        """Return the ISO 4217 code of the limits and of every payment."""
        return self.minimum.currency

    def view(self) -> ProfileView:
        """Return what an agent needs to choose this profile."""
        return ProfileView(
            name=self.name,
            label=self.label,
            currency=self.currency,
            minimum=self.minimum,
            maximum=self.maximum,
            fields=self.fields,
        )

    def as_table(self) -> dict[str, object]:
        """Return the profile (without its name) as the plain values of its TOML table."""
        return {
            "label": self.label,
            "currency": self.currency,
            "minimum": self.minimum.decimal_text(),
            "maximum": self.maximum.decimal_text(),
            "brands": list(self.brands),
            "processor": self.processor,
            "fields": [str(name) for name in self.fields],
            "clear_key": self.clear_key,
            "end_key": self.end_key,
            "first_key_timeout_s": self.first_key_timeout_s,
            "inter_key_timeout_s": self.inter_key_timeout_s,
            "attempts": self.attempts,
            "charges": self.charges,
            "session_timeout_s": self.session_timeout_s,
            "postal_code_min_length": self.postal_code_min_length,
            "postal_code_max_length": self.postal_code_max_length,
            "caller_voice": self.caller_voice.value,
            "hold_frames": self.hold_frames,
            "even_beeps": self.even_beeps,
        }
