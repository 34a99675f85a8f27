"""Whether a worker lives, by the heartbeats that it sends. Sans-IO: time is passed in.

Silence counts only while the gateway itself runs: after a pause of its own (a machine that sleeps, a debugger, no
processor for it) nobody knows yet what the workers did meanwhile.
"""

from typing import Final

CHECK_S: Final = 0.1
"How often the gateway looks: a fifth of the silence after which a worker is taken for hung."

START_LIMIT_S: Final = 120.0
"How long the first heartbeat may take: the first worker of a new version compiles its detector before."

_LONGEST_STEP_S: Final = 2 * CHECK_S
"What one look may add to a silence, however long ago the look before was."


class Pulse:
    """The heartbeats of one worker. `limit_s`: the silence after which it is taken for hung."""

    def __init__(self, limit_s: float, now: float) -> None:
        self._limit_s = limit_s
        self._looked_s = now
        self._silent_s = 0.0
        self.started = False
        "It has told of itself at least once."

    def beat(self, now: float) -> None:
        """Take a sign of life."""
        self.started = True
        self._silent_s, self._looked_s = 0.0, now

    def has_stopped(self, now: float) -> bool:
        """Look at the worker now, and return whether it has been silent for too long."""
        self._silent_s += min(max(0.0, now - self._looked_s), _LONGEST_STEP_S)
        self._looked_s = now
        return self._silent_s >= (self._limit_s if self.started else START_LIMIT_S)
