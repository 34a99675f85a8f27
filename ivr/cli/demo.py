"""`tonewall demo`."""

from pathlib import Path

import click

from ivr.cli.command import told


@click.command()
@click.option(
    "--keep-open",
    is_flag=True,
    help="Leave the panel up: you are the agent, the demo caller waits for you.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("demo-output"),
    show_default=True,
    help="Folder for recordings, picture and summary.",
)
@told
def demo(*, keep_open: bool, output: Path) -> None:
    """Let a caller pay by phone, start to finish, and show what everybody heard."""
    try:
        from ivr.demo.show import run_demo  # an extra, and matplotlib takes a second to import
    except ModuleNotFoundError as error:
        raise click.ClickException(f"the demo needs {error.name}: install tonewall[demo]") from None

    raise SystemExit(run_demo(output, keep_open=keep_open))
