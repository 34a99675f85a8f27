"""The command line; `ivr.cli.tonewall` has the list of commands."""

from ivr.cli.tonewall import main

__all__ = ["main"]
