"""The built-in test processor `test`: no network and no money, through the same runner as real ones.

:class:`TestProcessor` is pure, as every processor is. :class:`TestAcquirer` stands where the network is and
answers from the table of test cards. It forgets everything when the process ends.
"""

import asyncio
import json
import re
from base64 import b32encode
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Final, TypeVar

from ivr.payments.decline import DeclineCode
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
from ivr.payments.processor import HttpReply, HttpRequest, NoAnswerError, NotSentError
from ivr.payments.processors.test_cards import BEHAVIOURS, Behaviour
from ivr.payments.runner import Account
from ivr.secret import SecretBytes, SecretDigits

NAME: Final = "test"
"Name of the account that profiles use unless they say otherwise."

V = TypeVar("V")

_URL: Final = "https://processor.test/charges"
"RFC 2606 section 2: `.test` is never a real host."

_MAX_CHARGES: Final = 10_000
"Charges remembered for look-ups; beyond that the oldest is forgotten, as real processors do after a day."

_SECRET_VALUE: Final = re.compile(
    r'("(?:card_number|expiry|security_code|postal_code)"\s*:\s*)"[^"]*"'
)


class TestProcessor:
    """Builds requests for the test acquirer and reads its replies."""

    __test__ = False  # the name is the trade's word; pytest must not collect it

    name = NAME

    def charge(self, order: Order, card: CardData, *, key: str) -> HttpRequest:
        """Return the request that charges the card."""
        content = {
            "key": key,
            "amount_minor": order.amount.minor,
            "currency": order.amount.currency,
            "payee": order.payee,
            "description": order.description,
            "card_number": card.number.reveal(),
            "expiry": card.expiry.reveal(),
            "security_code": _revealed(card.security_code),
            "postal_code": _revealed(card.postal_code),
        }
        return HttpRequest(
            method="POST",
            url=_URL,
            headers=(("content-type", "application/json"),),
            body=SecretBytes(json.dumps(content).encode()),
        )

    def look_up(self, key: str) -> HttpRequest:
        """Return the request that asks for the charge with this key."""
        return HttpRequest(method="GET", url=f"{_URL}/{key}", body=SecretBytes())

    def read(self, reply: HttpReply) -> Outcome:
        """Return the outcome; Unknown for anything that cannot be read."""
        if reply.status == 404:
            return Unknown(never_seen=True)
        if reply.status == 400:
            return Refused(reason=RefusalReason.BAD_REQUEST)
        if reply.status != 200:
            return Unknown()
        try:
            content = json.loads(reply.body)
            result, reference = content["result"], str(content["reference"])
            match result:
                case "approved":
                    return Approved(reference=reference)
                case "declined":
                    return Declined(code=DeclineCode(content["decline_code"]), reference=reference)
                case "pending":
                    return Pending(reference=reference)
        except (ValueError, KeyError, TypeError):
            pass
        return Unknown()

    def scrub(self, transcript: str) -> str:
        """Return the transcript with the values of the card fields replaced."""
        return _SECRET_VALUE.sub(r'\1"[hidden]"', transcript)


class TestAcquirer:
    """What is at the other end of the test processor; implements `Transport`."""

    __test__ = False

    def __init__(self, *, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Wait with `pause` where a card's behaviour is not to answer in time."""
        self._pause = pause
        self._charges: dict[str, tuple[int, bytes]] = {}
        self._silent: dict[str, None] = {}

    @property
    def charges(self) -> int:
        """Return how many charges are remembered, whatever came of them."""
        return len(self._charges)

    async def send(self, request: HttpRequest, *, timeout_s: float) -> HttpReply:
        """Answer from the table of test cards; a key seen before gets the same answer again."""
        if request.method == "GET":
            return await self._looked_up(request.url.rpartition("/")[2], timeout_s)
        content = json.loads(request.body.reveal())
        key, amount_minor = str(content["key"]), int(content["amount_minor"])
        if key in self._charges:
            charged_minor, body = self._charges[key]
            if charged_minor != amount_minor:
                return HttpReply(status=400)
            return HttpReply(status=200, body=body)
        does = BEHAVIOURS.get(content["card_number"], DeclineCode.NOT_A_TEST_CARD)
        return await self._charge(key, amount_minor, does, timeout_s)

    async def _charge(
        self, key: str, amount_minor: int, does: Behaviour | DeclineCode, timeout_s: float
    ) -> HttpReply:
        match does:
            case Behaviour.UNREACHABLE:
                raise NotSentError
            case Behaviour.REFUSED:
                return HttpReply(status=400)
            case Behaviour.TIMEOUT:
                await self._no_answer(timeout_s)
            case Behaviour.SILENT:
                _remember(self._silent, key, None)
                await self._no_answer(timeout_s)
            case Behaviour.ANSWER_LOST:
                self._decide(key, amount_minor, Behaviour.APPROVED)
                await self._no_answer(timeout_s)
            case Behaviour.DECLINE_LOST:
                self._decide(key, amount_minor, DeclineCode.DO_NOT_HONOUR)
                await self._no_answer(timeout_s)
        return HttpReply(status=200, body=self._decide(key, amount_minor, does))

    async def _looked_up(self, key: str, timeout_s: float) -> HttpReply:
        if key in self._silent:
            await self._no_answer(timeout_s)
        if key not in self._charges:
            return HttpReply(status=404)
        return HttpReply(status=200, body=self._charges[key][1])

    async def _no_answer(self, timeout_s: float) -> None:
        await self._pause(timeout_s)
        raise NoAnswerError

    def _decide(self, key: str, amount_minor: int, does: Behaviour | DeclineCode) -> bytes:
        content = {"reference": reference_of(key), "result": str(does)}
        if isinstance(does, DeclineCode):
            content |= {"result": "declined", "decline_code": str(does)}
        body = json.dumps(content).encode()
        _remember(self._charges, key, (amount_minor, body))
        return body


def reference_of(key: str) -> str:
    """Return the reference of the charge with this idempotency key: short enough to be read out on the telephone."""
    letters = b32encode(sha256(key.encode()).digest()).decode()
    return f"TEST-{letters[:4]}-{letters[4:8]}"


def _remember(table: dict[str, V], key: str, value: V) -> None:
    table[key] = value
    if len(table) > _MAX_CHARGES:
        del table[next(iter(table))]


def _revealed(secret: SecretDigits | None) -> str:
    return "" if secret is None else secret.reveal()


def test_account() -> Account:
    """Return the account that charges nobody."""
    return Account(processor=TestProcessor(), transport=TestAcquirer())


test_account.__test__ = False  # type: ignore[attr-defined]  # pytest must not collect it
