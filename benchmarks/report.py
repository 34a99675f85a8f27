"""What becomes of the outcomes: a table on the terminal, JSON, a section of docs/benchmarks.md, and the exit code."""

import json
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks.rows import Outcome

DOCS: Final = Path(__file__).parent.parent / "docs"
_FILE_WIDTH: Final = 150

_PAGE: Final = DOCS / "benchmarks.md"
_HEAD: Final = "# Benchmarks\n\nWhat is measured and how to run it: [benchmarks/README.md](../benchmarks/README.md).\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The outcomes of one run."""

    name: str
    "Of the benchmark: `dtmf`, `leak`."

    title: str

    command: str
    "That gives these figures."

    columns: Sequence[str]

    outcomes: Sequence[Outcome]

    seed: int

    n: int

    load: float
    "Load average of the machine when the run began."

    pictures: Sequence[str] = ()
    "File names in docs/images."

    @property
    def unmet(self) -> list[str]:
        """One line for each row that is not met."""
        return [
            f"{outcome.row.title}: {outcome.complaint}"
            for outcome in self.outcomes
            if not outcome.met
        ]

    @property
    def summary(self) -> str:
        """How it was measured, in one line."""
        return (
            f"n = {self.n}, seed {self.seed}; {os.cpu_count()} cores, Python {platform.python_version()}, "
            f"load {self.load:.1f} when it began"
        )

    def show(self, console: Console) -> None:
        """Print the table and what is not met."""
        table = Table(title=self.title, caption=self.summary)
        for column in ("row", "must reach", *self.columns, ""):
            table.add_column(column, overflow="fold")
        for cells, met in self._cells():
            table.add_row(*cells, "met" if met else "NOT MET", style=None if met else "bold red")
        console.print(table)
        for line in self.unmet:
            console.print(f"not met: {line}", style="red", soft_wrap=True, highlight=False)
        met_rows = len(self.outcomes) - len(self.unmet)
        console.print(f"{met_rows} of {len(self.outcomes)} rows met")

    def write_json(self, path: Path) -> None:
        """Write everything that was measured."""
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = [
            {
                "row": outcome.row.title,
                "must": {column: limit.text for column, limit in outcome.row.limits.items()},
                "figures": {
                    column: {"value": figure.value, "text": figure.text, "over": figure.base}
                    for column, figure in outcome.figures.items()
                },
                "met": outcome.met,
                "complaint": outcome.complaint,
            }
            for outcome in self.outcomes
        ]
        told = {"benchmark": self.name, "measured": self.summary, "rows": rows}
        path.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n")

    def write_docs(self, page: Path = _PAGE) -> None:
        """Replace this benchmark's section of the page, or add it."""
        begin, end = f"<!-- {self.name} -->", f"<!-- /{self.name} -->"
        text = page.read_text() if page.exists() else _HEAD
        before, found, rest = text.partition(begin)
        after = rest.partition(end)[2] if found else "\n"
        if not found:
            before = before.rstrip() + "\n\n"
        page.write_text(f"{before}{begin}\n{self._markdown()}\n{end}{after}")

    def _markdown(self) -> str:
        lines = [f"## {self.title}", "", f"`{self.command}` gives this table ({self.summary}).", ""]
        lines += [f"![{name.removesuffix('.png')}](images/{name})" for name in self.pictures]
        head = ("row", "must reach", *self.columns, "")
        lines += ["", _line(head), _line(["---"] * len(head))]
        lines += [_line([*cells, "" if met else "**not met**"]) for cells, met in self._cells()]
        if self.unmet:
            lines += ["", "Not met:", "", *(f"- {line}" for line in self.unmet)]
        return "\n".join(lines)

    def _cells(self) -> list[tuple[list[str], bool]]:
        return [
            (
                [
                    outcome.row.title,
                    "; ".join(_limit_texts(outcome)),
                    *(
                        outcome.figures[column].text if column in outcome.figures else "-"
                        for column in self.columns
                    ),
                ],
                outcome.met,
            )
            for outcome in self.outcomes
        ]


def terminal() -> Console:
    """Return the terminal; a file or a pipe is as wide as the tables want."""
    return Console() if sys.stdout.isatty() else Console(width=_FILE_WIDTH)


def _limit_texts(outcome: Outcome) -> list[str]:
    limits = outcome.row.limits
    if len(limits) == 1:
        return [limit.text for limit in limits.values()]
    return [f"{column} {limit.text}" for column, limit in limits.items()]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
