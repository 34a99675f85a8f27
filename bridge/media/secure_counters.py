"""What one worker counts while a call is secure: how much was masked, how much passed, and how suspect that was.

Rules of this file: one row a call slot, totals of the whole span only. Nothing is kept of a single frame or press,
so nothing that leaves here can tell which key was pressed, or when.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from bridge.media.messages import Transport
from bridge.media.secure_totals import AllSpans, SecureTotals
from dtmf.compiled import compiled

_COLUMN: Final = {transport: column for column, transport in enumerate(Transport)}


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
        _count_frames(
            calls,
            masked,
            muted,
            lost,
            score,
            self._newest_counts,
            self._masked,
            self._passed,
            self._muted,
            self._lost,
            self._held,
            self._highest,
        )

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


@compiled
def _count_frames(
    calls: NDArray[np.intp],
    masked: NDArray[np.bool_],
    muted: NDArray[np.bool_],
    lost: NDArray[np.bool_],
    score: NDArray[np.float32],
    newest_counts: NDArray[np.bool_],
    all_masked: NDArray[np.int64],
    all_passed: NDArray[np.int64],
    all_muted: NDArray[np.int64],
    all_lost: NDArray[np.int64],
    held: NDArray[np.float32],
    highest: NDArray[np.float32],
) -> None:
    for row in range(len(calls)):
        call = calls[row]
        all_lost[call] += lost[row]
        if masked[row] or muted[row]:
            all_masked[call] += 1
            all_muted[call] += not masked[row]
        else:
            all_passed[call] += 1
            judged = max(held[0, call], held[1, call])
            if newest_counts[call]:
                judged = max(judged, score[row])
            highest[call] = max(highest[call], judged)
        held[0, call], held[1, call] = held[1, call], score[row]
