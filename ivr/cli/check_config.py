"""`tonewall check-config`."""

from pathlib import Path

import click

from ivr.app.profile_files import configured_profiles
from ivr.cli.command import config_option, told
from ivr.config_file import load_config


@click.command("check-config")
@config_option
@told
def check_config(config_path: Path | None) -> None:
    """Read the configuration and the payment profiles, say what is wrong with them."""
    profiles = configured_profiles(load_config(config_path))
    names = ", ".join(profile.name for profile in profiles)
    click.echo(f"configuration ok; payment profiles: {names}")
