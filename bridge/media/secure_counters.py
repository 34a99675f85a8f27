"""What one worker counts while a call is secure: how much was masked, how much passed, and how suspect that was.

Rules of this file: one row a call slot, totals of the whole span only. Nothing is kept of a single frame or press,
so nothing that leaves here can tell which key was pressed, or when.
"""

from dataclasses import dataclass, fields
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from bridge.media.messages import SecureSpanCounted, Transport

_COLUMN: Final = {transport: column for column, transport in enumerate(Transport)}


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


class SecureCounters:
    """Counters of up to `calls` call slots."""

    def __init__(self, calls: int) -> None:
        self._presses: NDArray[np.int64] = np.zeros((calls, len(_COLUMN)), np.int64)
        self._late_before: NDArray[np.int64] = np.zeros(calls, np.int64)
        self._counts: NDArray[np.int64] = np.zeros((6, calls), np.int64)
        self._masked, self._passed, self._muted, self._lost, self._events, self._restarts = (
            self._counts
        )
        self._highest: NDArray[np.float32] = np.full(calls, -np.inf, np.float32)
        "Of what passed so far."
        self._held: NDArray[np.float32] = np.full((2, calls), -np.inf, np.float32)
        "Of the last two frames, the older first: the gate may hold back either, and decides with the next."
        self._newest_counts: NDArray[np.bool_] = np.ones(calls, np.bool_)
        self._presses_before: NDArray[np.int64] = np.zeros(len(_COLUMN), np.int64)
        self._counts_before: NDArray[np.int64] = np.zeros(len(self._counts), np.int64)
        "Of the spans that the slots had before."

    def start(self, call: int, packets_late: int) -> None:
        """Begin a span; `packets_late` is what the caller's leg counts by now."""
        self._presses_before += self._presses[call]
        self._counts_before += self._counts[:, call]
        self._presses[call] = self._counts[:, call] = 0
        self._late_before[call] = packets_late
        self._highest[call] = self._held[:, call] = -np.inf

    def judge_by(self, call: int, *, newest: bool) -> None:
        """Say whether the newest frame's score has a say in what passes: not where the gate looks back less far."""
        self._newest_counts[call] = newest

    def count_frames(
        self,
        calls: NDArray[np.intp],
        masked: NDArray[np.bool_],
        muted: NDArray[np.bool_],
        lost: NDArray[np.bool_],
        score: NDArray[np.float32],
    ) -> None:
        """Count what the gate did with a batch, one row a call: shapes `(n,)`, as `GateBank.process` has them."""
        passed = ~(masked | muted)
        self._passed[calls] += passed
        self._masked[calls] += ~passed
        self._muted[calls] += muted & ~masked
        self._lost[calls] += lost
        older, newer = self._held[:, calls]
        judged = np.maximum(older, newer)
        judged = np.where(self._newest_counts[calls], np.maximum(judged, score), judged)
        highest = self._highest[calls]
        self._highest[calls] = np.where(passed, np.maximum(highest, judged), highest)
        self._held[0, calls], self._held[1, calls] = newer, score

    def count_press(self, call: int, transport: Transport) -> None:
        """Count one press, told first by `transport`."""
        self._presses[call, _COLUMN[transport]] += 1

    def count_event(self, call: int) -> None:
        """Count an RFC 4733 packet that was not forwarded."""
        self._events[call] += 1

    def count_restart(self, call: int) -> None:
        """Count a stream that began anew: what the gate held back of the old one is void."""
        self._restarts[call] += 1
        self._held[:, call] = -np.inf

    def totals(self, call: int, packets_late: int) -> SecureTotals:
        """Return the span's totals; `packets_late` as in :meth:`start`."""
        highest = float(self._highest[call])
        return SecureTotals(
            presses_in_band=int(self._presses[call, _COLUMN[Transport.IN_BAND]]),
            presses_rfc4733=int(self._presses[call, _COLUMN[Transport.RFC_4733]]),
            presses_sip_info=int(self._presses[call, _COLUMN[Transport.SIP_INFO]]),
            frames_masked=int(self._masked[call]),
            frames_passed=int(self._passed[call]),
            frames_lost=int(self._lost[call]),
            packets_late=packets_late - int(self._late_before[call]),
            events_withheld=int(self._events[call]),
            stream_restarts=int(self._restarts[call]),
            highest_passed_score=None if highest == -np.inf else round(highest, 3),
            frames_muted=int(self._muted[call]),
        )

    def totals_of_all(self) -> AllSpans:
        """Return the totals of all spans of all slots."""
        presses = self._presses_before + self._presses.sum(axis=0)
        counts = self._counts_before + self._counts.sum(axis=1)
        masked, passed, muted, lost, events, restarts = counts.tolist()
        return AllSpans(
            presses_in_band=int(presses[_COLUMN[Transport.IN_BAND]]),
            presses_rfc4733=int(presses[_COLUMN[Transport.RFC_4733]]),
            presses_sip_info=int(presses[_COLUMN[Transport.SIP_INFO]]),
            frames_masked=masked,
            frames_passed=passed,
            frames_muted=muted,
            frames_lost=lost,
            events_withheld=events,
            stream_restarts=restarts,
        )
