"""The shape of a payment processor: pure, it builds requests and reads replies; the runner sends."""

from dataclasses import dataclass, field
from typing import Protocol

from ivr.payments.model import CardData, Order, Outcome
from ivr.secret import SecretBytes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HttpRequest:
    """One request to a processor. The body hides itself; headers may hold credentials and are not shown."""

    method: str

    url: str
    "Never holds card data: addresses are logged."

    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    body: SecretBytes


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpReply:
    """What the processor answered."""

    status: int

    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    body: bytes = field(default=b"", repr=False)
    "Not shown: some processors echo what they were sent."


class Processor(Protocol):
    """One payment processor. No I/O, no clock, no memory between calls."""

    @property
    def name(self) -> str:
        """Return the word that profiles use."""
        ...

    def charge(self, order: Order, card: CardData, *, key: str) -> HttpRequest:
        """Return the request that charges the card; `key` makes it idempotent."""
        ...

    def look_up(self, key: str) -> HttpRequest:
        """Return the request that asks what became of the charge with this key."""
        ...

    def read(self, reply: HttpReply) -> Outcome:
        """Return the outcome in the reply to a charge or a look-up; Unknown for what cannot be read."""
        ...

    def scrub(self, transcript: str) -> str:
        """Return the transcript of an exchange without card data and credentials."""
        ...


class NotSentError(Exception):
    """The request provably never left this machine (name not found, connection refused)."""


class NoAnswerError(Exception):
    """The request may have arrived; no complete answer came."""


class Transport(Protocol):
    """Sends one request. Transports live beside the processors, where secrets may be revealed."""

    async def send(self, request: HttpRequest, *, timeout_s: float) -> HttpReply:
        """Return the reply; raise :class:`NotSentError` or :class:`NoAnswerError`. Never retries."""
        ...
