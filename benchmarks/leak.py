"""Masking: what the agent's leg of a secure call gives away, what it keeps of speech, and what its beeps tell.

`make bench-leak` runs all of it; `ARGS="--rows noise --quick"` a part.
"""

import argparse
import os
import sys
from typing import Final

from rich.console import Console
from rich.progress import Progress

from benchmarks import beeps, masking, passing
from benchmarks.command import carry_out, command_line
from benchmarks.receivers import MULTIMON, SPANDSP, peers
from benchmarks.report import Report
from benchmarks.rows import Case, Outcome, answer, chosen

_QUICK_N: Final = 300
_COLUMNS: Final = (masking.ATTACKER, SPANDSP, MULTIMON, masking.COUNTED, passing.KEPT)


def cases(n: int, seed: int, minutes: float) -> list[Case]:
    """Return every row of the benchmark, in the order of the table."""
    listeners = peers()
    return [
        *(condition.case(listeners, n, seed) for condition in masking.CONDITIONS),
        *passing.cases(seed, minutes),
        *beeps.cases(n, seed),
    ]


def run(arguments: argparse.Namespace, console: Console) -> Report:
    """Ask every chosen row, with progress shown."""
    load = os.getloadavg()[0]
    listed = cases(arguments.n, arguments.seed, 1 if arguments.quick else 20)
    outcomes: list[Outcome] = []
    with Progress(console=console, transient=True) as progress:
        wanted = chosen(listed, arguments.rows)
        task = progress.add_task("", total=len(wanted))
        for case in wanted:
            progress.update(task, description=case.row.title[:60])
            outcomes.append(answer(case, ask_base=not arguments.quick))
            progress.advance(task)
    return Report(
        name="leak",
        title="Masking keys",
        command="make bench-leak",
        columns=[name for name in _COLUMNS if any(name in outcome.figures for outcome in outcomes)],
        outcomes=outcomes,
        seed=arguments.seed,
        n=arguments.n,
        load=load,
    )


def main() -> int:
    """Run the benchmark; return 1 where a row is not met."""
    parser = command_line("leak", __doc__, n=3000, of_what="presses a condition")
    return carry_out(parser, run, quick_n=_QUICK_N)


if __name__ == "__main__":
    sys.exit(main())
