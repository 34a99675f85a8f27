"""Timer values of RFC 3261 (table 4) and the one queue that wakes everything."""

import heapq
from dataclasses import dataclass
from itertools import count
from typing import Final, Protocol

_REBUILD_AT: Final = 64
"A heap this small is not worth rebuilding, however many of its entries are out of date."


@dataclass(frozen=True, slots=True, kw_only=True)
class SipTimers:
    """Base values, all in seconds; the lettered timers follow from them."""

    t1_s: float = 0.5
    "Estimate of the round trip."

    t2_s: float = 4.0
    "Longest interval between retransmissions of a non-INVITE request or of a response to INVITE."

    t4_s: float = 5.0
    "How long a message may stay in the network."

    proceeding_s: float = 180.0
    "How long an INVITE may ring without a final response before it is given up (as timer C, section 16.6)."

    @property
    def transaction_s(self) -> float:
        """Timers B, D, F, H, J, L and M: 64*T1."""
        return 64 * self.t1_s


class Timed(Protocol):
    """Something that wants to be woken at a time of its own."""

    def next_timer(self) -> float | None:
        """Return when to be woken, in monotonic seconds; None for never."""

    def handle_timer(self, now: float) -> None:
        """Do what is due at `now`."""


class Alarms:
    """Wakes each :class:`Timed` at its time, in O(log n); out-of-date entries are dropped when they surface."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timed]] = []
        self._due: dict[Timed, float] = {}
        self._order = count()

    def __len__(self) -> int:
        return len(self._due)

    def arm(self, target: Timed) -> None:
        """Ask `target` when it wants to be woken, and remember that instead of what it said before."""
        at = target.next_timer()
        if at == self._due.get(target):
            return
        if at is None:
            del self._due[target]
            return
        self._due[target] = at
        heapq.heappush(self._heap, (at, next(self._order), target))
        if len(self._heap) > _REBUILD_AT + 2 * len(self._due):
            self._heap = [(due, next(self._order), known) for known, due in self._due.items()]
            heapq.heapify(self._heap)

    def next_timer(self) -> float | None:
        """Return the earliest time, None where nobody waits."""
        while self._heap:
            at, _, target = self._heap[0]
            if self._due.get(target) == at:
                return at
            heapq.heappop(self._heap)
        return None

    def wake(self, now: float) -> None:
        """Wake all that are due at `now`, each as often as it asks for a time that has passed."""
        while (at := self.next_timer()) is not None and at <= now:
            _, _, target = heapq.heappop(self._heap)
            del self._due[target]
            target.handle_timer(now)
            self.arm(target)
