"""A benchmark's rows: what each asks, what it must reach, what was found, and whether that is enough."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

OURS: Final = "Tonewall"
"The column that limits are mostly about."


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What one column of one row came to."""

    value: float
    "Shares from 0 to 1, counts, milliseconds or ratios, as the row's limit says."

    text: str
    "As people read it."

    base: float
    "What it was counted over: entries, presses, hours."


class NotAvailableError(Exception):
    """A row cannot be asked here, or what came out cannot be judged; the text says what is missing."""

    def __init__(self, missing: str, figures: Mapping[str, Figure] | None = None) -> None:
        """`figures`: what came out all the same."""
        super().__init__(missing)
        self.figures = figures or {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What a figure must reach."""

    at_least: float | None = None

    at_most: float | None = None

    as_good_as_peers: bool = False
    "At least the best of the other columns, too."

    least_base: float = 0.0
    "Over less than this the figure proves nothing, whatever it is."

    text: str
    "As people read it."

    def complaint(self, figure: Figure, peers: list[Figure], *, ask_base: bool = True) -> str:
        """Return what is wrong with `figure`, or an empty string."""
        if self.at_least is not None and figure.value < self.at_least:
            return f"{figure.text}, must be {self.text}"
        if self.at_most is not None and figure.value > self.at_most:
            return f"{figure.text}, must be {self.text}"
        better = max(peers, key=lambda peer: peer.value, default=None)
        if self.as_good_as_peers and better is not None and figure.value < better.value:
            return f"{figure.text}, a peer has {better.text}"
        if ask_base and figure.base < self.least_base:
            return f"counted over {figure.base:.4g}, must be over {self.least_base:.4g} or more"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One question."""

    group: str

    name: str

    limits: Mapping[str, Limit]
    "By column."

    @property
    def title(self) -> str:
        """Group and name, unique in a benchmark."""
        return f"{self.group}: {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One row's answer."""

    row: Row

    figures: Mapping[str, Figure] = field(default_factory=dict)

    complaint: str = ""
    "Why the row is not met; empty where it is."

    @property
    def met(self) -> bool:
        """Whether every limit is reached."""
        return not self.complaint


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A row and how it is asked."""

    row: Row

    ask: Callable[[], Mapping[str, Figure]]
    "Raises :class:`NotAvailableError` where something is missing."


def answer(case: Case, *, ask_base: bool = True) -> Outcome:
    """Ask one row. `ask_base` False forgives figures that are counted over too little."""
    try:
        figures = case.ask()
    except NotAvailableError as missing:
        complaint = f"not available: {missing}"
        return Outcome(row=case.row, figures=missing.figures, complaint=complaint)
    complaints = []
    for column, limit in case.row.limits.items():
        if column not in figures:
            continue
        peers = [figure for name, figure in figures.items() if name != column]
        if text := limit.complaint(figures[column], peers, ask_base=ask_base):
            alone = len(case.row.limits) == 1
            complaints.append(text if alone else f"{column} {text}")
    return Outcome(row=case.row, figures=figures, complaint="; ".join(complaints))


def chosen(cases: list[Case], pattern: str) -> list[Case]:
    """Return the cases whose title holds the regular expression `pattern`, whatever the case of its letters."""
    wanted = re.compile(pattern, re.IGNORECASE)
    return [case for case in cases if wanted.search(case.row.title)]


def share(right: int, total: int) -> Figure:
    """Return `right` of `total` as a figure."""
    value = right / total if total else 0.0
    return Figure(value=value, text=f"{100 * value:.4g} %", base=total)


def count(number: int, base: float, unit: str) -> Figure:
    """Return a number of things found in `base` of `unit`."""
    return Figure(value=number, text=f"{number} in {base:.4g} {unit}", base=base)
