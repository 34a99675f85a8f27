"""Legs, to be changed with `dataclasses.replace`."""

from dataclasses import replace
from typing import Final

from bridge.rtp.quality import LegQuality

CLEAN: Final = LegQuality(
    packets_received=1000,
    packets_lost=0,
    packets_late=0,
    packets_missed=0,
    losses=0,
    jitter_ms=0.5,
    packets_sent=1000,
    far_packets_lost=None,
    far_fraction_lost=None,
    far_jitter_ms=None,
    round_trip_ms=None,
)
"Twenty seconds; its far end sends no RTCP."

LOSSY: Final = replace(CLEAN, packets_received=950, packets_lost=50, packets_missed=50, losses=50)
"One packet in twenty was lost, each alone."
