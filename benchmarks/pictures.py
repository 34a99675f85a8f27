"""Pictures of the reading benchmark: accuracy over noise, false keys an hour. Needs matplotlib ([demo])."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks.reading import SNR_DB, TONE_MS, noise_name
from benchmarks.rows import OURS, Outcome
from benchmarks.talk_off import RECORDED, VARIED

NOISE: Final = "dtmf-noise.png"
TALK_OFF: Final = "dtmf-talk-off.png"

_STYLES: Final = ("-", "--", ":")
_LEAST_RATE: Final = 0.7
"""False keys drawn for none found: half of the time the true rate is below 0.7 in what was heard (Poisson), which is
what "none" can claim."""


def draw(outcomes: Sequence[Outcome], columns: Sequence[str], folder: Path) -> list[str]:
    """Write the pictures that the outcomes suffice for; return their file names."""
    by_name = {outcome.row.name: outcome for outcome in outcomes}
    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    if all(noise_name(tone_ms, snr_db) in by_name for tone_ms in TONE_MS for snr_db in SNR_DB):
        _draw_noise(by_name, columns, folder / NOISE)
        drawn.append(NOISE)
    if RECORDED in by_name and VARIED in by_name and by_name[VARIED].figures:
        _draw_talk_off(by_name, columns, folder / TALK_OFF)
        drawn.append(TALK_OFF)
    return drawn


def _draw_noise(by_name: Mapping[str, Outcome], columns: Sequence[str], path: Path) -> None:
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, len(columns), figsize=(4 * len(columns), 3.6), sharey=True)
    for panel, column in zip([panels] if len(columns) == 1 else panels, columns, strict=True):
        for tone_ms in TONE_MS:
            shares = [
                100 * by_name[noise_name(tone_ms, snr_db)].figures[column].value
                for snr_db in SNR_DB
            ]
            panel.plot(SNR_DB, shares, marker="o", label=f"{tone_ms} ms")
        panel.set(title=column, xlabel="SNR, dB", ylim=(-4, 104))
        panel.grid(alpha=0.3)
    figure.axes[0].set_ylabel("entries of 16 digits read exactly, %")
    figure.axes[-1].legend(title="tone", loc="lower right")
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _draw_talk_off(by_name: Mapping[str, Outcome], columns: Sequence[str], path: Path) -> None:
    import matplotlib.pyplot as plt

    figure, panel = plt.subplots(figsize=(6.4, 3.6))
    for place, (name, label) in enumerate(((RECORDED, "as recorded"), (VARIED, "varied"))):
        figures = by_name[name].figures
        for offset, column in enumerate(column for column in columns if column in figures):
            found = figures[column]
            false = round(float(found.text.split()[0]))
            at = place + 0.25 * (offset - 1)
            rate = max(false, _LEAST_RATE) / found.base
            colour = f"C{columns.index(column)}"
            panel.bar(at, rate, 0.22, color=colour if false else "none", edgecolor=colour)
            panel.text(at, rate, found.text, ha="center", va="bottom", fontsize=7)
        panel.axvline(place + 0.5, color="none", label=label)
    panel.set_xticks([0, 1], ["recorded speech, 3 levels", "speeds, talkers, filters"])
    panel.set_ylabel("false keys an hour")
    panel.set_yscale("log")
    panel.margins(y=0.2)
    for column in columns:
        panel.bar(0, float("nan"), color=f"C{columns.index(column)}", label=column)
    handles, labels = panel.get_legend_handles_labels()
    wanted = [
        (h, text) for h, text in zip(handles, labels, strict=True) if text in (OURS, *columns)
    ]
    panel.legend([h for h, _ in wanted], [text for _, text in wanted])
    panel.set_title("hollow: none found; the bar is what none found can claim", fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)
