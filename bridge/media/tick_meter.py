"""How late a worker's ticks begin, and what follows from it: what it carries falls silent, what is new it refuses.

Sans-IO: the loop tells when a tick was due and when it began.
"""

from typing import Final

TICK_S: Final = 0.005
"A quarter of a packet time: short enough to add little delay, long enough to treat many packets at once."

WITHHOLD_AFTER_S: Final = 0.1
"""A tick that begins this late finds sound that is too old to be of use, five packets of each side and more. It is
read for keys but not sent: late is silence. Not sending is also what makes the next tick begin in time."""

WINDOW_S: Final = 1.0
"Overload is judged from second to second: one slow tick is none."

OVERLOADED_SHARE: Final = 0.3
"Share of late ticks above which a worker takes no more calls: its core is used up, and every call more is heard."

RELIEVED_SHARE: Final = 0.05
"Share of late ticks below which it takes calls again."


class TickMeter:
    """Counts the ticks of one worker."""

    def __init__(self) -> None:
        self.late_ticks = 0
        "Ticks that began more than a tick late, since the start."
        self.withheld_ticks = 0
        "Ticks of which nothing was sent, since the start."
        self.overloaded = False
        "New calls are better taken elsewhere."
        self._window_until_s = 0.0
        self._ticks = self._late = 0

    def begin(self, due_s: float, now: float) -> bool:
        """Take a tick that was due at `due_s` and begins `now`; return whether its sound is to be withheld."""
        late, withheld = now - due_s > TICK_S, now - due_s > WITHHOLD_AFTER_S
        self.late_ticks += late
        self.withheld_ticks += withheld
        self._ticks, self._late = self._ticks + 1, self._late + late
        if now >= self._window_until_s:
            self._judge(now)
        return withheld

    def rest(self, now: float) -> None:
        """Nothing is carried any more: what was late before says nothing of what comes."""
        self.overloaded = False
        self._begin_window(now)

    def _judge(self, now: float) -> None:
        share = self._late / self._ticks
        self.overloaded = share > (RELIEVED_SHARE if self.overloaded else OVERLOADED_SHARE)
        self._begin_window(now)

    def _begin_window(self, now: float) -> None:
        self._window_until_s = now + WINDOW_S
        self._ticks = self._late = 0
