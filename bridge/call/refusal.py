"""What the first side of a call is told when the call cannot be."""

from dataclasses import dataclass
from typing import Final

from bridge.errors import AddressFamilyError, NoCommonCodecError, SdpError
from bridge.sip import events as sip

RETRY_AFTER_S: Final = 10
"Told with a 503: by then a call has ended or a dead worker is replaced."

MAX_REASON: Final = 80
"Characters of a reason phrase made of an error's text."


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A final response other than 2xx to the INVITE that began the call."""

    status: int
    "300-699."

    reason: str

    retry_after_s: int | None = None
    "Retry-After (RFC 3261 section 20.33); None where it is not sent."

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The response's own header lines."""
        return () if self.retry_after_s is None else (("Retry-After", str(self.retry_after_s)),)


UNAVAILABLE: Final = Refusal(status=480, reason="Temporarily Unavailable")
TIMED_OUT: Final = Refusal(status=408, reason="Request Timeout")
OVERLOADED: Final = Refusal(status=503, reason="Service Unavailable", retry_after_s=RETRY_AFTER_S)
NO_USABLE_ANSWER: Final = Refusal(status=502, reason="The Answer Has No Usable Audio")


def passed_across(rejected: sip.Rejected) -> Refusal:
    """Return the second side's refusal for the first; what concerns only us and the second side stays behind."""
    if rejected.status in (401, 407):
        return Refusal(status=403, reason="Forbidden")
    if 300 <= rejected.status < 400:
        return UNAVAILABLE
    return Refusal(
        status=rejected.status, reason=rejected.reason, retry_after_s=rejected.retry_after
    )


def refusal_of_offer(error: SdpError) -> Refusal:
    """Return 488 where there is no common codec or address family, 400 where the offer cannot be read.

    RFC 3261 section 21.4.26.
    """
    status = 488 if isinstance(error, NoCommonCodecError | AddressFamilyError) else 400
    return Refusal(status=status, reason=str(error)[:MAX_REASON])
