"""How long to wait before a lost worker is replaced. Sans-IO: time is passed in."""

from typing import Final

LIVED_S: Final = 60.0
"A worker that has run for so long began in order, whatever ends it later."

FIRST_S: Final = 0.2

LONGEST_S: Final = 10.0
"A machine where no worker can live is not kept busy by starting them, and is soon found to have recovered."


class RestartPause:
    """That of one place: one loss, or any after a long life, costs no time; where workers die young each costs more."""

    def __init__(self) -> None:
        self._begun_s: float | None = None
        self._died_young = 0

    def begun(self, now: float) -> None:
        """A worker has begun."""
        self._begun_s = now

    def after_loss(self, now: float) -> float:
        """Return how many seconds to wait, now that the worker is lost or could not even be started."""
        lived = self._begun_s is not None and now - self._begun_s >= LIVED_S
        self._begun_s = None
        self._died_young = 0 if lived else self._died_young + 1
        if self._died_young < 2:
            return 0.0
        return min(LONGEST_S, FIRST_S * 2.0 ** min(self._died_young - 2, 16))
