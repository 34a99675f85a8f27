"""`tonewall`: all its commands."""

import click

from ivr.cli.check_config import check_config
from ivr.cli.database import db
from ivr.cli.decode import decode
from ivr.cli.demo import demo
from ivr.cli.evidence import evidence
from ivr.cli.profiles import profiles
from ivr.cli.serve import serve
from ivr.cli.users import users


@click.group()
@click.version_option(package_name="tonewall")
def main() -> None:
    """Card payments on a live phone call, heard and seen by nobody but the caller and the processor."""


for _command in (serve, demo, check_config, decode, db, users, profiles, evidence):
    main.add_command(_command)
