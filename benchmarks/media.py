"""Carrying calls: cost a packet, loss, latency and memory of secured calls on one core, beside rtpengine and bare C.

`make bench-media` runs all of it but the soak; `ARGS="--quick"` a look, `ARGS="--soak 15"` the soak alone. Calls and
costs are in proportion to what the bare C relay takes on this machine (`media_machine.py`); `ARGS="--unscaled"` asks
for 1,500 calls at 6 µs a packet whatever the machine.
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
from benchmarks.media_machine import SECURED, Machine
from benchmarks.media_rows import Lab, cases, measured
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
    machine = Machine() if arguments.unscaled else measured(lab, arguments.n)
    return cases(lab, machine, arguments.n)


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
        task = progress.add_task("the C floor of this machine", total=None)
        wanted = chosen(listed(arguments), arguments.rows)
        progress.update(task, total=len(wanted))
        for case in wanted:
            progress.update(task, description=case.row.title[:60])
            outcomes.append(answer(case, ask_base=not arguments.quick))
            progress.advance(task)
    return Report(
        name="media-soak" if arguments.soak else "media",
        title="Carrying calls for long" if arguments.soak else "Carrying calls",
        command=_command(arguments),
        columns=[kind for kind in Kind if any(kind in outcome.figures for outcome in outcomes)],
        outcomes=outcomes,
        seed=arguments.seed,
        n=arguments.n,
        load=load,
        pictures=media_pictures.draw(outcomes, DOCS / "images") if arguments.docs else (),
    )


def _command(arguments: argparse.Namespace) -> str:
    options = []
    if arguments.unscaled:
        options.append("--unscaled")
    if arguments.soak:
        options.append(f"--soak {arguments.soak:g}")
    return f'make bench-media ARGS="{" ".join(options)}"' if options else "make bench-media"


def main() -> int:
    """Run the benchmark; return 1 where a row is not met."""
    parser = command_line("media", __doc__, n=SECURED, of_what="most secured calls")
    parser.add_argument("--seconds", type=float, default=15.0, help="of each turn of each relay")
    parser.add_argument(
        "--unscaled", action="store_true", help="as if the machine were the reference"
    )
    parser.add_argument("--soak", type=float, default=0.0, metavar="MINUTES", help="the soak alone")
    return carry_out(parser, run, quick_n=_QUICK_N)


if __name__ == "__main__":
    sys.exit(main())
