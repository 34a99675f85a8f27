"""Presets and settings that the detector and the gate may have: rows that need one say so where it is missing."""

from dtmf import DetectorLimits


def strict() -> DetectorLimits:
    """Return the limits that trip on no voice, at the price of noise."""
    return DetectorLimits(strict=True)
