"""`tonewall serve`."""

import asyncio
import signal
from pathlib import Path

import click

from ivr.app.first_run import PHONES_FILE
from ivr.app.gateway import Gateway
from ivr.cli.command import config_option, told
from ivr.config import Config
from ivr.config_file import load_config
from ivr.log import configure_logging, log_uncaught_exceptions


@click.command()
@config_option
@told
def serve(config_path: Path | None) -> None:
    """Run the gateway until Ctrl-C."""
    config = load_config(config_path)
    configure_logging(level=config.log.level, json=config.log.json_lines)
    log_uncaught_exceptions()
    asyncio.run(_serve(config))


async def _serve(config: Config) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    gateway = await Gateway.start(config)
    try:
        for line in _welcome(gateway, config):
            click.echo(line)
        await stop.wait()
        click.echo("stopping: calls are ended, recordings brought to disk ...")
    finally:
        await gateway.stop()


def _welcome(gateway: Gateway, config: Config) -> list[str]:
    host, port = gateway.node.sip_address
    lines = [f"panel    {gateway.panel_url}"]
    if (user := gateway.first_user) is not None:
        lines.append(
            f"         sign in as {user.username} with password {user.password} (shown this once)"
        )
    accounts = ", ".join(sorted(gateway.phones))
    lines.append(f"phones   register at sip:{host}:{port}, accounts: {accounts}")
    if not config.sip.phones:
        lines.append(f"         their passwords are in {config.data / PHONES_FILE}")
    trunks = ", ".join(trunk.name for trunk in config.sip.trunks if trunk.sources)
    lines.append(f"calls    from registered phones and from trunks: {trunks or 'none'}")
    if gateway.metrics_url is not None:
        lines.append(f"metrics  {gateway.metrics_url}")
    lines.append("stop with Ctrl-C")
    return lines
