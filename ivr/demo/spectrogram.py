"""Draw what was sent and what was heard, one above the other: tones here, beeps there."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from ivr.demo.evidence import RATE_HZ, EvidenceError, read_channels
from ivr.demo.microphone import PressSpan

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WINDOW_SAMPLES: Final = 256
"32 ms: narrow enough in frequency to part the tones, short enough to part the presses."

_HOP_SAMPLES: Final = 64

_DYNAMIC_DB: Final = (-75.0, -8.0)
"Levels from black to white, dB of full scale."

_TOP_HZ: Final = 2200
"Highest frequency drawn; the highest key tone is 1633 Hz."

_MARGIN_S: Final = 3.0
"How much of the talk before and after the secure span is shown."

_LAYOUT: Final = {
    "height_ratios": [1, 0.09, 1],
    "hspace": 0.06,
    "left": 0.066,
    "right": 0.915,
    "top": 0.915,
    "bottom": 0.09,
}

_SCALE_BOX: Final = (0.93, 0.09, 0.012, 0.825)
"Left, bottom, width and height of the level scale, in parts of the figure."

_BACKGROUND: Final = "#0f1420"

_INK: Final = "#e8ecf4"

_FAINT: Final = "#8b96ab"

_SECURE: Final = "#4ade80"

_LABEL_BOX: Final = {
    "boxstyle": "round,pad=0.35",
    "facecolor": _BACKGROUND,
    "edgecolor": "none",
    "alpha": 0.8,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of the call, in seconds of the caller's WAV."""

    start_s: float

    end_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What to draw; all times are those of the caller's WAV."""

    caller: Path
    "WAV of what the caller sent."

    agent: Path
    "WAV of what the agent heard."

    agent_offset_s: float
    "Where the agent's WAV begins on the caller's time axis (see :func:`offset_s`)."

    presses: Sequence[PressSpan]
    "Presses, in samples of the caller's WAV."

    secure: Sequence[Span]
    "When the line was secure."


def wav_seconds(sidecar: Path, monotonic_ns: int) -> float:
    """Return where a moment lies on the time axis of the WAV that `sidecar` (`.npz`) belongs to.

    A softphone's audio clock drifts from the machine's, so the place is looked up among its packets. A moment
    before the first packet is negative. Raise :class:`ivr.demo.evidence.EvidenceError` for a sidecar without packets.
    """
    with np.load(sidecar, allow_pickle=False) as packets:
        times, positions = packets["monotonic_ns"], packets["position"]
    if not len(times):
        raise EvidenceError(f"{sidecar.name} holds no packet")
    outside_ns = min(0, monotonic_ns - int(times[0])) + max(0, monotonic_ns - int(times[-1]))
    inside = np.interp(monotonic_ns - int(times[0]), times - times[0], positions)
    return float(inside) / RATE_HZ + outside_ns / 1e9


def offset_s(caller_sidecar: Path, agent_sidecar: Path) -> float:
    """Return where the agent's WAV begins on the caller's time axis, from the softphones' sidecars (`.npz`)."""
    with np.load(agent_sidecar, allow_pickle=False) as agent:
        return wav_seconds(caller_sidecar, int(agent["origin_ns"]))


def draw(picture: Picture, path: Path) -> None:
    """Write the picture as a PNG 1500 pixels wide; raise :class:`ivr.demo.evidence.EvidenceError` for a bad WAV.

    matplotlib is imported here: it comes with the demo's extra, and takes a second to load.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 6.6), dpi=125, facecolor=_BACKGROUND)
    FigureCanvasAgg(figure)
    caller_axes, marks_axes, agent_axes = figure.subplots(3, 1, sharex=True, gridspec_kw=_LAYOUT)
    begin, end = _shown(picture)
    _spectrogram(caller_axes, read_channels(picture.caller)[0], 0.0, (begin, end))
    heard = read_channels(picture.agent)[0]
    image = _spectrogram(agent_axes, heard, picture.agent_offset_s, (begin, end))
    _label(caller_axes, "Caller sends")
    _label(agent_axes, "Agent hears")
    _mark(marks_axes, picture)
    for axes in (caller_axes, agent_axes):
        _shade(axes, picture)
    agent_axes.set_xlim(begin, end)
    agent_axes.set_xlabel("Time in the call (s)", color=_INK, fontsize=11)
    _title(figure)
    scale = figure.colorbar(image, cax=figure.add_axes(_SCALE_BOX))
    scale.set_label("Level (dB of full scale)", color=_INK, fontsize=10)
    scale.ax.tick_params(colors=_FAINT, labelsize=9)
    scale.outline.set_edgecolor(_FAINT)
    figure.savefig(path, facecolor=_BACKGROUND)


def levels_db(audio: NDArray[np.int16]) -> NDArray[np.float64]:
    """Return the spectrogram of mono audio in dB of a full-scale sine, shape (frequencies, frames)."""
    padded = np.pad(audio.astype(np.float64) / 32768, (_WINDOW_SAMPLES // 2, _WINDOW_SAMPLES))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW_SAMPLES)[::_HOP_SAMPLES]
    window = np.hanning(_WINDOW_SAMPLES)
    spectrum = np.abs(np.fft.rfft(frames * window, axis=1)) * 2 / window.sum()
    levels: NDArray[np.float64] = 20 * np.log10(np.maximum(spectrum, 1e-6)).T
    return levels


def _shown(picture: Picture) -> tuple[float, float]:
    """Return the part of the call to draw: the secure spans and the presses, with some talk around them."""
    length_s = len(read_channels(picture.caller)[0]) / RATE_HZ
    starts = [s.start_s for s in picture.secure] + [p.start / RATE_HZ for p in picture.presses]
    ends = [s.end_s for s in picture.secure] + [p.end / RATE_HZ for p in picture.presses]
    begin = min(starts, default=_MARGIN_S) - _MARGIN_S
    end = max(ends, default=length_s) + _MARGIN_S
    return max(0.0, begin), min(max(length_s, 0.1), end)


def _spectrogram(
    axes: "Axes", audio: NDArray[np.int16], at_s: float, shown: tuple[float, float]
) -> Any:
    first = max(0, round((shown[0] - at_s) * RATE_HZ))
    last = max(first, round((shown[1] - at_s) * RATE_HZ))
    part = audio[first:last]
    if len(part) < _WINDOW_SAMPLES:  # a call that carried nothing is drawn as silence
        part = np.zeros(_WINDOW_SAMPLES, np.int16)
    levels = levels_db(part)
    begin_s = at_s + first / RATE_HZ
    axes.set_facecolor("black")
    image = axes.imshow(
        levels,
        origin="lower",
        aspect="auto",
        extent=(begin_s, begin_s + len(part) / RATE_HZ, 0, RATE_HZ / 2),
        vmin=_DYNAMIC_DB[0],
        vmax=_DYNAMIC_DB[1],
        cmap="inferno",
        interpolation="bilinear",
    )
    axes.set_ylim(0, _TOP_HZ)
    axes.set_ylabel("Frequency (Hz)", color=_INK, fontsize=11)
    axes.tick_params(colors=_FAINT, labelsize=9.5)
    for side in axes.spines.values():
        side.set_color(_FAINT)
    return image


def _label(axes: "Axes", text: str) -> None:
    axes.text(
        0.008,
        0.94,
        text,
        transform=axes.transAxes,
        color=_INK,
        fontsize=11.5,
        va="top",
        bbox=_LABEL_BOX,
        zorder=5,
    )


def _mark(axes: "Axes", picture: Picture) -> None:
    """Draw the strip between the panels: an asterisk a press, and the secure spans in words."""
    axes.set_facecolor(_BACKGROUND)
    axes.set_ylim(0, 1)
    axes.set_yticks([])
    axes.tick_params(bottom=False, labelbottom=False)
    for side in axes.spines.values():
        side.set_visible(False)
    for press in picture.presses:
        middle = (press.start + press.end) / 2 / RATE_HZ
        axes.text(middle, 0.36, "*", color=_INK, fontsize=13, ha="center", va="center")
    for span in picture.secure:
        axes.axvspan(span.start_s, span.end_s, color=_SECURE, alpha=0.22, lw=0)
        axes.text(span.start_s + 0.1, 0.5, "line secure", color=_SECURE, fontsize=10.5, va="center")


def _shade(axes: "Axes", picture: Picture) -> None:
    for span in picture.secure:
        axes.axvspan(span.start_s, span.end_s, color=_SECURE, alpha=0.07, lw=0)
        for edge in (span.start_s, span.end_s):
            axes.axvline(edge, color=_SECURE, lw=1.4, alpha=0.9)


def _title(figure: Any) -> None:
    title = "One call at its two ends: what the caller sends, what the agent hears"
    figure.text(0.066, 0.945, title, color=_INK, fontsize=14.5, fontweight="bold")
    figure.text(0.915, 0.945, "* a key pressed", color=_FAINT, fontsize=11, ha="right")
