"""`tonewall decode`."""

from pathlib import Path

import click

from bridge.recording.keys_in_wav import RATE_HZ, keys_in_wav
from ivr.cli.command import told


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@told
def decode(file: Path) -> None:
    """Print the keys that can be read from a WAV file, with the time of each."""
    for number, presses in enumerate(keys_in_wav(file), start=1):
        keys = "".join(press.key for press in presses)
        click.echo(f"channel {number}: {keys or 'no keys'}")
        for press in presses:
            start_s, end_s = press.start / RATE_HZ, press.end / RATE_HZ
            click.echo(f"  {press.key}  {start_s:8.3f} s  {1000 * (end_s - start_s):4.0f} ms")
