"""How often a value fell between which bounds: integers, which cost less than a microsecond a value."""

from bisect import bisect_left


class Histogram:
    """Values since it was made. `bounds` rise."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self.total = 0.0
        "All values together."

    def add(self, value: float) -> None:
        """Take one value."""
        self._counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    @property
    def counts(self) -> tuple[int, ...]:
        """How many values were up to each bound, and above the one before it; the last: above all."""
        return tuple(self._counts)
