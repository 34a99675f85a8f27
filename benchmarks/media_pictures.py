"""The picture of the media benchmark: what a packet costs with how many calls. Needs matplotlib ([demo])."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.media_stands import Kind
from benchmarks.rows import Outcome

COST: Final = "media-cost.png"
COST_ROW: Final = "processor time a packet"


def draw(outcomes: Sequence[Outcome], folder: Path) -> list[str]:
    """Write the picture where the outcomes suffice for it; return its file name."""
    points = {
        kind: sorted(
            (outcome.figures[kind].base, outcome.figures[kind].value)
            for outcome in outcomes
            if kind in outcome.figures
            and outcome.row.name.startswith(COST_ROW)
            and " over " not in outcome.row.name
            and "unsecured" not in outcome.row.group
        )
        for kind in Kind
    }
    if len(points[Kind.GATEWAY]) < 2:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    _draw(points, folder / COST)
    return [COST]


def _draw(points: dict[Kind, list[tuple[float, float]]], path: Path) -> None:
    import matplotlib.pyplot as plt

    figure, panel = plt.subplots(figsize=(6.4, 3.6))
    for kind, line in points.items():
        if line:
            panel.plot(*zip(*line, strict=True), marker="o", label=kind)
    panel.set(xlabel="secured calls on one core", ylabel="processor time a packet, µs")
    panel.set_ylim(bottom=0)
    panel.grid(alpha=0.3)
    panel.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)
