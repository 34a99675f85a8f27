"""What is asked of the gateway, and what that comes to on the machine that the benchmark runs on.

The full load, 1,500 secured calls on a core at 6 µs a packet or less, was asked where the bare C relay (the floor)
takes 4.0 µs a packet: 1.5 times the floor, and 90 % of the core. On a machine whose kernel takes longer for a packet
that many calls are more than any relay can carry, and neither load nor floor keeps up. So the floor is measured
first, and the same share of the core is asked: fewer calls in proportion, and a packet may cost in proportion more.
Ratios, latency and loss are asked as they are.
"""

from dataclasses import dataclass
from typing import Final

REFERENCE_FLOOR_US: Final = 4.0

SECURED: Final = 1500
UNSECURED: Final = 2000
COST_US: Final = 6.0
"What is asked where the floor takes :data:`REFERENCE_FLOOR_US`."

_STEP: Final = 50
"Calls: two measurements of one floor are not more alike."


@dataclass(frozen=True, slots=True, kw_only=True)
class FullLoad:
    """How many calls are carried in place of those that were asked."""

    calls: int

    proof: int
    "With fewer calls nothing is proved."

    on_reference: int
    "What `proof` stands for."

    def on_one_core(self, kind: str) -> str:
        """Return the load as people read it; `kind` is `secured` or `unsecured`."""
        text = f"{self.calls:,} {kind} calls on one core"
        scaled = self.calls == self.proof < self.on_reference
        return as_on_reference(text, f"{self.on_reference:,}") if scaled else text


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A machine, known by its floor; without one as fast as the reference."""

    floor_us: float = REFERENCE_FLOOR_US
    "Processor time of the floor a packet."

    def full_load(self, asked: int, on_reference: int) -> FullLoad:
        """Return as many calls as take here what `on_reference` take on the reference, but no more than `asked`.

        Where a packet takes no longer than on the reference, that is `asked`.
        """
        if self.floor_us <= REFERENCE_FLOOR_US:
            return FullLoad(calls=asked, proof=on_reference, on_reference=on_reference)
        steps = int(on_reference * REFERENCE_FLOOR_US / self.floor_us / _STEP)
        carried = max(1, steps) * _STEP
        return FullLoad(calls=min(asked, carried), proof=carried, on_reference=on_reference)

    def cost_us(self, on_reference: float) -> float:
        """Return what a packet may take in place of `on_reference`, which is the least."""
        return on_reference * max(1.0, self.floor_us / REFERENCE_FLOOR_US)


def as_on_reference(here: str, there: str) -> str:
    """Return a figure with the one that it stands for, as people read them."""
    return f"{here}, as {there} where the floor takes {REFERENCE_FLOOR_US} µs"
