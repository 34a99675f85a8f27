"""Show the demo call in the terminal: a live picture where there is one, one line a change where there is not."""

from types import TracebackType
from typing import Final, Self

from rich.console import Console, Group, RenderableType
from rich.constrain import Constrain
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ivr.demo.narration import (
    FIELD_LABELS,
    Narration,
    NarrationEvent,
    advance,
    sentences,
)
from ivr.session.view import AgentView, FieldView
from ivr.session.words import FieldState, RecorderState, Status

_STORY_LINES: Final = 8
"Newest lines of the story shown in the live picture."

_INTERRUPT_COLUMNS: Final = 3
"Left free on the right: a terminal writes `^C` after the picture, and a wrapped line would spoil it."

_GAP: Final = Text("")

_MASK_COLUMNS: Final = 19
"The longest card number, so that the picture stands still while one is keyed."

_FIELD_SIGNS: Final = {
    FieldState.IDLE: ("·", "dim"),
    FieldState.COLLECTING: ("▸", "bold cyan"),
    FieldState.VALID: ("✓", "bold green"),
    FieldState.INVALID: ("✗", "bold red"),
}

_RECORDER_STYLES: Final = {
    RecorderState.OFF: "dim",
    RecorderState.RECORDING: "red",
    RecorderState.PAUSED: "yellow",
    RecorderState.FAILED: "bold red",
}

_STATUS_STYLES: Final = {
    Status.SUCCEEDED: "bold green",
    Status.DECLINED: "bold red",
    Status.FAILED: "bold red",
    Status.REVIEW: "bold yellow",
}


class Narrator:
    """Keeps the picture up to date; ``with Narrator(console) as narrator: narrator.tell(event)``."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._state = Narration()
        self._live = Live(console=console, auto_refresh=False) if console.is_terminal else None

    @property
    def state(self) -> Narration:
        """What has been told so far."""
        return self._state

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def tell(self, event: NarrationEvent) -> None:
        """Take in one event and show what it changed."""
        added = sentences(self._state, event)
        self._state = advance(self._state, event)
        if self._live is not None:
            width = self._console.width - _INTERRUPT_COLUMNS
            self._live.update(Constrain(render(self._state), width), refresh=True)
            return
        for line in added:
            self._console.print(Text(line), soft_wrap=True)


def render(state: Narration) -> RenderableType:
    """Return the whole picture of `state`."""
    parts: list[RenderableType] = [_speakers(state)]
    if state.view is not None:
        parts += [_line(state.view), _GAP, _fields(state.view), _GAP, _outcome(state.view)]
    parts += [_GAP, Text("\n".join(state.lines[-_STORY_LINES:]), style="dim")]
    subtitle = None
    if state.panel is not None:
        subtitle = Text(f"{state.panel.url}  sign in as {state.panel.sign_in}")
    return Panel(
        Group(*parts), title="Tonewall", subtitle=subtitle, border_style="blue", padding=(1, 2)
    )


def _speakers(state: Narration) -> RenderableType:
    row = Table.grid(padding=(0, 3))
    cells = []
    for who in ("caller", "agent"):
        speaks = state.speaking == who
        sign = "●" if speaks else "○"
        text = f"{sign} {who}" + (f": {state.about}" if speaks and state.about else "")
        cells.append(Text(text, style="bold white" if speaks else "dim"))
    row.add_row(*cells)
    return row


def _line(view: AgentView) -> RenderableType:
    row = Table.grid(padding=(0, 3))
    row.add_row(
        Text("line secure", style="bold green") if view.secure else Text("line open", style="dim"),
        Text(f"recorder {view.recorder}", style=_RECORDER_STYLES[view.recorder]),
        Text(f"{view.amount} · {view.payee}"),
    )
    return row


def _fields(view: AgentView) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    for width in (1, None, _MASK_COLUMNS, None):
        table.add_column(min_width=width)
    for field in view.fields:
        sign, style = _FIELD_SIGNS[field.state]
        table.add_row(
            Text(sign, style=style),
            Text(FIELD_LABELS[field.name], style=style),
            Text(field.mask, style="bold"),
            Text(_field_note(field), style="red" if field.error else "dim"),
        )
    return table


def _field_note(field: FieldView) -> str:
    if field.error is not None:
        return field.message or str(field.error)
    return field.brand or ""


def _outcome(view: AgentView) -> RenderableType:
    text = f"payment {view.status}"
    detail = " ".join(part for part in (view.message, view.confirmation) if part)
    return Text(
        text + (f": {detail}" if detail else ""), style=_STATUS_STYLES.get(view.status, "dim")
    )
