"""Presets and settings that the detector and the gate may have: rows that need one say so where it is missing."""

from dtmf import DetectorLimits


def strict() -> DetectorLimits | None:
    """Return the limits that trip on no voice, at the price of noise; None where the detector has none."""
    preset = getattr(DetectorLimits, "strict", None)
    limits = preset() if callable(preset) else preset
    return limits if isinstance(limits, DetectorLimits) else None
