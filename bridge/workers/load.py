"""How much the media workers of a node carry, and how much more they can: for metrics, and to warn in time."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bridge.workers.capacity import most_calls
from bridge.workers.carrier import Carrier

NEARLY_FULL: Final = 0.8
"Share of the call slots that is in use when a node says that it will soon refuse calls."


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaLoad:
    """All workers of a node."""

    workers_configured: int

    workers_running: int
    "That have told of themselves."

    workers_overloaded: int
    "That take no new calls because their ticks are late."

    spare_ready: bool
    "A further process waits to take a lost worker's place."

    workers_lost: int
    "Died or hung, since the node's start."

    calls: int

    calls_possible: int
    "As many as call slots, ports and open files allow at once, with the workers that are running now."

    calls_refused: int
    "For which no worker had room, since the node's start."

    late_ticks: int
    "Of the running workers, since their start: they are late before calls are refused."

    withheld_ticks: int
    "Of the running workers: ticks so late that nothing was sent."

    @property
    def nearly_full(self) -> bool:
        """Return whether calls will soon be refused, or are."""
        busy = self.calls >= NEARLY_FULL * self.calls_possible
        return busy or self.workers_overloaded >= self.workers_running


def load_of(
    carriers: Iterable[Carrier], *, configured: int, spare_ready: bool, lost: int, refused: int
) -> MediaLoad:
    """Add up what the workers carry."""
    carriers = list(carriers)
    running = [carrier for carrier in carriers if carrier.pulse.started]
    return MediaLoad(
        workers_configured=configured,
        workers_running=len(running),
        workers_overloaded=sum(carrier.last.overloaded for carrier in running),
        spare_ready=spare_ready,
        workers_lost=lost,
        calls=sum(len(carrier.calls) for carrier in carriers),
        calls_possible=sum(most_calls(carrier.settings) for carrier in running),
        calls_refused=refused,
        late_ticks=sum(carrier.last.late_ticks for carrier in running),
        withheld_ticks=sum(carrier.last.withheld_ticks for carrier in running),
    )
