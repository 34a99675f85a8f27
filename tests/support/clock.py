"""A clock that stands still until a test moves it."""

from datetime import UTC, datetime, timedelta

from ivr.clock import Clock


class ManualClock(Clock):
    """Both times of :class:`ivr.clock.Clock`, moved together by hand."""

    def __init__(
        self,
        *,
        utc: datetime = datetime(2026, 11, 20, 9, 0, tzinfo=UTC),
        monotonic_s: float = 1000.0,
    ) -> None:
        self._utc = utc
        self._monotonic_s = monotonic_s

    def utc_now(self) -> datetime:
        """Return the moment the test is at."""
        return self._utc

    def monotonic_s(self) -> float:
        """Return the seconds the test is at."""
        return self._monotonic_s

    def advance(self, seconds: float) -> None:
        """Move both times on; raise ValueError for a step back, which no clock of ours ever takes."""
        if seconds < 0:
            raise ValueError("time does not go back")
        self._utc += timedelta(seconds=seconds)
        self._monotonic_s += seconds
