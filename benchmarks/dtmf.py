"""Reading keys: every limit of ITU-T Q.24, noise, impaired lines, false keys, time and cost, peers beside us.

`make bench-dtmf` runs all of it; `ARGS="--rows 'noise|Q.24' -n 20"` a part.
"""

import argparse
import os
import sys
from collections.abc import Callable
from typing import Final

from rich.console import Console
from rich.progress import Progress

from benchmarks import pictures, reading, talk_off, timing
from benchmarks.command import carry_out, command_line
from benchmarks.presets import strict
from benchmarks.receivers import MULTIMON, SPANDSP, Ours, Receiver, peers
from benchmarks.report import DOCS, Report
from benchmarks.rows import OURS, Case, Outcome, Row, answer, chosen

_QUICK_N: Final = 10

_PRICED: Final = ("white noise", "speech")


def cases(
    n: int, seed: int, hours: float, rounds: int, tick: Callable[[float], None]
) -> list[Case]:
    """Return every row of the benchmark, in the order of the table."""
    receivers: list[Receiver] = [Ours(), *peers()]
    return [
        *(row.case(receivers, n, seed) for row in reading.ROWS),
        *_strict_cases(n, seed),
        *talk_off.cases(receivers, seed, hours, tick),
        *timing.cases(max(1, n // 4), seed, rounds),
    ]


def _strict_cases(n: int, seed: int) -> list[Case]:
    """Return the rows again that the preset strict pays in: they show its price and have no limit of their own."""
    receiver = Ours(strict())
    priced = [row for row in reading.ROWS if row.group in _PRICED]
    return [
        Case(
            row=Row(group="preset strict", name=f"{row.group}, {row.name}", limits={}),
            ask=row.case([receiver], n, seed).ask,
        )
        for row in priced
    ]


def run(arguments: argparse.Namespace, console: Console) -> Report:
    """Ask every chosen row, with progress shown."""
    load = os.getloadavg()[0]
    outcomes: list[Outcome] = []
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("", total=None)
        listed = chosen(
            cases(
                arguments.n,
                arguments.seed,
                0.5 if arguments.quick else arguments.hours,
                2 if arguments.quick else 20,
                lambda hours: progress.update(task, description=f"{title[:60]} ({hours:.1f} h)"),
            ),
            arguments.rows,
        )
        progress.update(task, total=len(listed))
        for case in listed:
            title = case.row.title
            progress.update(task, description=title[:60])
            outcomes.append(answer(case, ask_base=not arguments.quick))
            progress.advance(task)
    columns = [OURS, *(name for name in (SPANDSP, MULTIMON) if _has(outcomes, name))]
    return Report(
        name="dtmf",
        title="Reading keys",
        command="make bench-dtmf",
        columns=columns,
        outcomes=outcomes,
        seed=arguments.seed,
        n=arguments.n,
        load=load,
        pictures=pictures.draw(outcomes, columns, DOCS / "images") if arguments.docs else (),
    )


def _has(outcomes: list[Outcome], column: str) -> bool:
    return any(column in outcome.figures for outcome in outcomes)


def main() -> int:
    """Run the benchmark; return 1 where a row is not met."""
    parser = command_line("dtmf", __doc__, n=100, of_what="entries of 16 keys a row")
    parser.add_argument("--hours", type=float, default=60.0, help="of varied speech")
    return carry_out(parser, run, quick_n=_QUICK_N)


if __name__ == "__main__":
    sys.exit(main())
