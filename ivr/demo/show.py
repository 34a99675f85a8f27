"""`tonewall demo`: a caller pays on a real call between two softphones, and the evidence that nobody heard the card."""

import asyncio
import signal
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NoReturn

import click
from rich.console import Console
from rich.text import Text

from ivr.demo.caller_card import CallerCard
from ivr.demo.evidence import EvidenceError
from ivr.demo.narration import CallAdvanced, PanelOpened
from ivr.demo.narrator import Narrator
from ivr.demo.panel_client import PanelError
from ivr.demo.proof import LOG_NAME, Proof, clear, write_proof
from ivr.demo.script import Script, ScriptError
from ivr.demo.softphone import SoftphoneError, softphone_is_here
from ivr.demo.stage import Stage, Tapes, set_up
from ivr.log import configure_logging

_CALL_LIMIT_S: Final = 55.0
"The scripted call takes half a minute; what takes longer has got stuck."

_OPEN_LIMIT_S: Final = 8 * 3600.0
"A working day: how long the demo's phones stay on the line for a person."

_STOPPED_BY_SIGNAL: Final = 130
"Exit code of a program that Ctrl-C ended."

_FAILURES: Final = (SoftphoneError, PanelError, EvidenceError, ScriptError)
"What can go wrong on the stage; the text of each is for people."


def run_demo(output: Path, *, keep_open: bool) -> int:
    """Play the demo, write its evidence to `output`, return the exit code: 0 only where everything was shown.

    With `keep_open` a person is the agent and nothing is written but the log; Ctrl-C ends it with 0.
    """
    console = Console(highlight=False)
    if (missing := _missing_part()) is not None:
        return _failed(missing)
    if keep_open:
        output.mkdir(parents=True, exist_ok=True)
    else:
        clear(output)
    log_path = output / LOG_NAME
    with log_path.open("w", encoding="utf-8") as log, TemporaryDirectory(prefix="tonewall-") as tmp:
        configure_logging(stream=log)
        tapes = Tapes(folder=Path(tmp))
        try:
            if keep_open:
                return asyncio.run(_stay_open(tapes, console))
            return _report(asyncio.run(_play(tapes, output, console)), console)
        except _FAILURES as error:
            return _failed(str(error), f"the log is {log_path}")
        except TimeoutError:
            return _failed(
                f"the call was not over after {_CALL_LIMIT_S:g} s", f"the log is {log_path}"
            )
        except asyncio.CancelledError:
            console.print("stopped")
            return 0 if keep_open else _STOPPED_BY_SIGNAL
        finally:
            configure_logging()


async def _play(tapes: Tapes, output: Path, console: Console) -> Proof:
    """Play the scripted call, then read the tapes."""
    _cancel_on_signals()
    with Narrator(console) as narrator:
        async with (
            asyncio.timeout(_CALL_LIMIT_S),
            set_up(tapes, deadline_s=_CALL_LIMIT_S + 5) as stage,
        ):
            narrator.tell(_panel_opened(stage))
            script = Script(stage, narrator, _card())
            await script.pay_by_itself()
        narrator.tell(CallAdvanced(text="reading the recordings ..."))
        return await asyncio.to_thread(write_proof, tapes, script.facts, output)


async def _stay_open(tapes: Tapes, console: Console) -> NoReturn:
    """Hold the line for a person until a signal cancels it; raise what goes wrong before."""
    _cancel_on_signals()
    async with set_up(tapes, deadline_s=_OPEN_LIMIT_S) as stage:
        with Narrator(console) as narrator:
            narrator.tell(_panel_opened(stage))
            await Script(stage, narrator, _card()).stay_open()


def _cancel_on_signals() -> None:
    """Let Ctrl-C and SIGTERM end the running task once, so that everything is taken down in order."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    stopping = False

    def stop() -> None:
        nonlocal stopping
        if not stopping:
            stopping = True
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)


def _panel_opened(stage: Stage) -> PanelOpened:
    return PanelOpened(
        url=stage.gateway.panel_url, sign_in=f"{stage.user.username} / {stage.user.password}"
    )


def _card() -> CallerCard:
    return CallerCard.for_tests(datetime.now(UTC).date())


def _report(proof: Proof, console: Console) -> int:
    console.print()
    for sentence in proof.sentences:
        console.print(Text(sentence), soft_wrap=True)
    return _failed(*proof.complaints) if proof.complaints else 0


def _failed(*reasons: str) -> int:
    for reason in reasons:
        click.echo(f"demo: {reason}", err=True)
    return 1


def _missing_part() -> str | None:
    """Return what the demo needs and does not find, in words; None where all is there."""
    for module in ("matplotlib", "pyVoIP"):
        if find_spec(module) is None:
            return f"{module} is not installed: pip install -e '.[demo]'"
    if not softphone_is_here():
        return "the softphone in samples/ is not here: run the demo in a clone"
    return None
