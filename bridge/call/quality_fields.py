"""A call's quality in a line of the log: figures that say whose network it was, and nothing of who spoke."""

from bridge.rtp.call_quality import CallQuality, Heard
from bridge.rtp.quality import LegQuality

SATISFIED_RATING = 70.0
"Below it many users are dissatisfied (ITU-T G.109 table 1)."

Fields = dict[str, int | float | None]


def quality_fields(quality: CallQuality) -> Fields:
    """Return the fields of the line, in order; None where something is not known."""
    return {
        **_heard("agent", quality.heard_by_agent),
        **_heard("caller", quality.heard_by_caller),
        **_leg("caller", quality.caller),
        **_leg("agent", quality.agent),
    }


def is_poor(quality: CallQuality) -> bool:
    """Return whether one of the two would have complained."""
    heard = (quality.heard_by_agent, quality.heard_by_caller)
    return any(side is not None and side.rating < SATISFIED_RATING for side in heard)


def _heard(side: str, heard: Heard | None) -> Fields:
    return {
        f"{side}_heard_mos": None if heard is None else heard.mos,
        f"{side}_missed_percent": None if heard is None else round(100 * heard.loss, 2),
    }


def _leg(side: str, leg: LegQuality) -> Fields:
    return {
        f"{side}_packets_received": leg.packets_received,
        f"{side}_packets_missed": leg.packets_missed,
        f"{side}_jitter_ms": leg.jitter_ms,
        f"{side}_far_packets_lost": leg.far_packets_lost,
        f"{side}_far_jitter_ms": leg.far_jitter_ms,
        f"{side}_round_trip_ms": leg.round_trip_ms,
    }
