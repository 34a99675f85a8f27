"""The command line that the benchmarks share, and what becomes of a run: table, JSON, docs, exit code."""

import argparse
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from benchmarks.report import Report, terminal


def command_line(
    name: str, description: str | None, *, n: int, of_what: str
) -> argparse.ArgumentParser:
    """Return the options of `make bench-NAME`; `-n` counts `of_what`."""
    parser = argparse.ArgumentParser(prog=f"make bench-{name} ARGS=", description=description)
    parser.add_argument("-n", type=int, default=n, help=of_what)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--rows", default="", metavar="PATTERN", help="regular expression")
    parser.add_argument("--quick", action="store_true", help="a look, not a proof: a smaller n")
    parser.add_argument("--docs", action="store_true", help="write docs/benchmarks.md and pictures")
    parser.add_argument("--json", type=Path, default=Path(f"var/benchmarks/{name}.json"))
    return parser


def carry_out(
    parser: argparse.ArgumentParser,
    run: Callable[[argparse.Namespace, Console], Report],
    *,
    quick_n: int,
) -> int:
    """Read the command line and run the benchmark; return 1 where a row is not met."""
    arguments, console = parser.parse_args(), terminal()
    if arguments.quick:
        arguments.n = min(arguments.n, quick_n)
    report = run(arguments, console)
    report.show(console)
    report.write_json(arguments.json)
    if arguments.docs:
        report.write_docs()
    return 1 if report.unmet else 0
