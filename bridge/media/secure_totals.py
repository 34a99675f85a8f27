"""What is told of secure spans: totals, and nothing that could tell which key was pressed, or when."""

from dataclasses import dataclass, fields
from typing import Self

from bridge.media.messages import SecureSpanCounted


@dataclass(frozen=True, slots=True, kw_only=True)
class SecureTotals:
    """Totals of one secure span."""

    presses_in_band: int
    "Presses first told by their tones; a press that several transports tell is counted once."

    presses_rfc4733: int
    presses_sip_info: int

    frames_masked: int
    "20 ms frames of the caller that were replaced by silence or a beep."

    frames_passed: int
    "20 ms frames of the caller that the gate let through."

    frames_lost: int
    "Frames that did not arrive and were told to the detector as lost; they are among the masked."

    packets_late: int
    "Packets that came after their turn, or twice, and were dropped."

    events_withheld: int
    "RFC 4733 packets of the caller that were not forwarded."

    stream_restarts: int
    "New streams and holes of more than 100 ms, after each of which the gate starts closed."

    highest_passed_score: float | None
    "Highest log odds of a tone pair in any frame that passed, or in its look-ahead; None: no trace in any."

    frames_muted: int = 0
    "Of the masked those that the gate would have let through, had the caller not been muted."

    @classmethod
    def of(cls, counted: SecureSpanCounted) -> Self:
        """Return the totals that a worker told."""
        return cls(**{item.name: getattr(counted, item.name) for item in fields(cls)})


@dataclass(frozen=True, slots=True, kw_only=True)
class AllSpans:
    """Totals of all secure spans of a worker; the words are those of :class:`SecureTotals`."""

    presses_in_band: int
    presses_rfc4733: int
    presses_sip_info: int
    frames_masked: int
    frames_passed: int
    frames_muted: int
    frames_lost: int
    events_withheld: int
    stream_restarts: int
