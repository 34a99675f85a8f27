"""Carrying calls: cost a packet, loss, latency and memory of secured calls on one core, beside rtpengine and bare C.

`make bench-media` runs all of it but the soak; `ARGS="--quick"` a look, `ARGS="--soak 15"` the soak alone.
"""

import argparse
import logging
import os
import shutil
import sys
from pathlib import Path
from typing import Final

import structlog
from rich.console import Console
from rich.progress import Progress

from benchmarks import media_pictures, media_rtpengine, media_soak
from benchmarks.command import carry_out, command_line
from benchmarks.media_rows import Lab, cases
from benchmarks.media_stands import Kind
from benchmarks.report import DOCS, Report
from benchmarks.rows import Case, Outcome, answer, chosen

_JSON: Final = Path("var/benchmarks/media.json")
"Where a run is written if nothing else is asked for; a soak does not write over it."

_QUICK_N: Final = 100
_QUICK_SECONDS: Final = 4.0


def listed(arguments: argparse.Namespace) -> list[Case]:
    """Return the rows that are asked for."""
    if arguments.soak:
        calls = min(arguments.n, media_soak.CALLS)
        return media_soak.cases(calls, arguments.soak, arguments.seed)
    seconds = min(arguments.seconds, _QUICK_SECONDS) if arguments.quick else arguments.seconds
    lab = Lab(turns=1 if arguments.quick else 3, seconds=seconds, seed=arguments.seed)
    return cases(lab, arguments.n)


def run(arguments: argparse.Namespace, console: Console) -> Report:
    """Ask every chosen row, with progress shown."""
    # A line for each of thousands of calls, of which some were overloaded on purpose, would hide the table.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    if shutil.which(media_rtpengine.PROGRAM) is None:
        console.print("rtpengine is not installed: nothing is compared with it")
    if arguments.soak and arguments.json == _JSON:
        arguments.json = _JSON.with_stem("media-soak")
    load = os.getloadavg()[0]
    outcomes: list[Outcome] = []
    with Progress(console=console, transient=True) as progress:
        wanted = chosen(listed(arguments), arguments.rows)
        task = progress.add_task("", total=len(wanted))
        for case in wanted:
            progress.update(task, description=case.row.title[:60])
            outcomes.append(answer(case, ask_base=not arguments.quick))
            progress.advance(task)
    return Report(
        name="media-soak" if arguments.soak else "media",
        title="Carrying calls for long" if arguments.soak else "Carrying calls",
        command=f'make bench-media ARGS="--soak {arguments.soak:g}"'
        if arguments.soak
        else "make bench-media",
        columns=[kind for kind in Kind if any(kind in outcome.figures for outcome in outcomes)],
        outcomes=outcomes,
        seed=arguments.seed,
        n=arguments.n,
        load=load,
        pictures=media_pictures.draw(outcomes, DOCS / "images") if arguments.docs else (),
    )


def main() -> int:
    """Run the benchmark; return 1 where a row is not met."""
    parser = command_line("media", __doc__, n=1500, of_what="secured calls of the full load")
    parser.add_argument("--seconds", type=float, default=15.0, help="of each turn of each relay")
    parser.add_argument("--soak", type=float, default=0.0, metavar="MINUTES", help="the soak alone")
    return carry_out(parser, run, quick_n=_QUICK_N)


if __name__ == "__main__":
    sys.exit(main())
