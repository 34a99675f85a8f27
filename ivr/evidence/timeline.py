"""The call as two bars above each other, recorder and line, in the coordinates of the page's drawing."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

WIDTH: Final = 1000
"Units from the start of the call to its end."

MARKS: Final = 6
"Most moments written below the bars."


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One stretch of a row."""

    row: str
    "`recorder` or `line`."

    state: str
    x: float
    width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """What the page draws."""

    bars: tuple[Bar, ...]

    recording: Bar | None
    "Where the recording lies: it begins with the recorder's first confirmation."

    marks: tuple[tuple[float, str], ...]
    "Place and text: minutes and seconds since the start of the call."


def timeline_of(document: dict[str, Any]) -> Timeline:
    """Return the timeline of a document."""
    call = document["call"]
    start = _seconds(call["started_at"])
    end = max(_seconds(call["ended_at"] or document["made_at"]), start + 0.001)
    scale = WIDTH / (end - start)

    def bar(row: str, state: str, first: str, last: str | None) -> Bar:
        left = min(max((_seconds(first) - start) * scale, 0), WIDTH)
        right = WIDTH if last is None else min((_seconds(last) - start) * scale, WIDTH)
        return Bar(row=row, state=state, x=round(left, 2), width=round(max(right - left, 0), 2))

    changes = document["recorder"]
    until = [change["at"] for change in changes[1:]] + [None]
    recorder = [
        bar("recorder", change["state"], change["at"], last)
        for change, last in zip(changes, until, strict=True)
    ]
    line = [
        bar("line", "secure", span["secured_at"], span["ended_at"])
        for span in document["secure_spans"]
    ]
    step = _step(end - start)
    marks = tuple(
        (round(n * step * scale, 2), f"{int(n * step) // 60}:{int(n * step) % 60:02}")
        for n in range(int((end - start) / step) + 1)
    )
    return Timeline(
        bars=(*recorder, *line), recording=_recording(document, start, scale), marks=marks
    )


def _recording(document: dict[str, Any], start_s: float, scale: float) -> Bar | None:
    found = document["recording"]
    begun = [change["at"] for change in document["recorder"] if change["state"] == "recording"]
    if found is None or not begun:
        return None
    left = min(max((_seconds(begun[0]) - start_s) * scale, 0), WIDTH)
    width = min(found["duration_ms"] / 1000 * scale, WIDTH - left)
    return Bar(row="recording", state="recorded", x=round(left, 2), width=round(width, 2))


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


def _step(duration_s: float) -> int:
    """Return the round number of seconds between marks."""
    return next(
        (step for step in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600) if duration_s / step <= MARKS),
        3600,
    )
