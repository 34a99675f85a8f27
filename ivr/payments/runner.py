"""Rules of this file: a charge is sent once. No answer is looked up, never sent again.

Whoever calls `charge` has stored the key before; see `ivr.session.charging`.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from ivr.payments.model import CardData, Order, Outcome, RefusalReason, Refused, Unknown
from ivr.payments.processor import (
    HttpRequest,
    NoAnswerError,
    NotSentError,
    Processor,
    Transport,
)

_log = logging.getLogger(__name__)

LOOK_UP_PAUSES_S = (1.0, 2.0, 4.0)
"Pauses before each look-up after no answer: an agent and a caller wait on the line meanwhile."

LOOK_UP_TIMEOUT_S = 5.0
"Longest wait for the answer to a look-up; shorter than a charge's, since it can always be asked again."

_BACKSTOP_S = 2.0
"How much longer than its own time-out a transport may take before it is cut off."


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A configured processor and the way to it."""

    processor: Processor

    transport: Transport

    timeout_s: float = 10.0
    "Longest wait for one answer (Twilio's Generic Pay Connector waits as long)."


class Runner:
    """Sends for the processors and tells outcomes apart from silence."""

    def __init__(
        self,
        accounts: Mapping[str, Account],
        *,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Serve these accounts by name; `pause` waits so many seconds."""
        self._accounts = dict(accounts)
        self._pause = pause

    @property
    def accounts(self) -> frozenset[str]:
        """Return the names of the configured accounts."""
        return frozenset(self._accounts)

    async def charge(self, account: str, order: Order, card: CardData, *, key: str) -> Outcome:
        """Charge the card once and return the outcome; after silence, what look-ups tell.

        Raises nothing but cancellation: a fault before sending is Refused, any later one is Unknown.
        """
        use = self._accounts.get(account)
        if use is None:
            return Refused(reason=RefusalReason.MISCONFIGURED)
        try:
            request = use.processor.charge(order, card, key=key)
        except Exception as error:
            _warn("could not build a charge", account, error)
            return Refused(reason=RefusalReason.BAD_REQUEST)
        outcome = await self._exchange(account, use, request, timeout_s=use.timeout_s)
        for pause_s in LOOK_UP_PAUSES_S:
            if not isinstance(outcome, Unknown):
                break
            await self._pause(pause_s)
            outcome = await self.look_up(account, key)
        return outcome

    async def look_up(self, account: str, key: str) -> Outcome:
        """Ask once what became of a charge; Unknown where there is no answer."""
        use = self._accounts.get(account)
        if use is None:
            return Unknown()
        try:
            request = use.processor.look_up(key)
        except Exception as error:
            _warn("could not build a look-up", account, error)
            return Unknown()
        timeout_s = min(use.timeout_s, LOOK_UP_TIMEOUT_S)
        outcome = await self._exchange(account, use, request, timeout_s=timeout_s)
        # A look-up that was turned down says nothing about the charge.
        return Unknown() if isinstance(outcome, Refused) else outcome

    async def _exchange(
        self, account: str, use: Account, request: HttpRequest, *, timeout_s: float
    ) -> Outcome:
        try:
            async with asyncio.timeout(timeout_s + _BACKSTOP_S):
                reply = await use.transport.send(request, timeout_s=timeout_s)
            return use.processor.read(reply)
        except NotSentError:
            _log.warning("processor %s: not reachable, nothing was sent", account)
            return Refused(reason=RefusalReason.NOT_SENT)
        except (NoAnswerError, TimeoutError):
            _log.warning("processor %s: no answer", account)
            return Unknown()
        except Exception as error:
            _warn("fault while exchanging", account, error)
            return Unknown()
        finally:
            request.body.wipe()


def _warn(what: str, account: str, error: Exception) -> None:
    # The kind only: the text of a foreign exception can quote a request.
    _log.warning("processor %s: %s (%s)", account, what, type(error).__name__)
