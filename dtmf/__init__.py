"""DTMF signals: keys, tones, the batched detector and the gate. No I/O, no clock, no logging."""

from dtmf.bank import DetectorBank
from dtmf.decode import decode
from dtmf.events import Detection, Press, Suspicion, ToneEnded, ToneQuality, ToneStarted
from dtmf.gate import GateBank, Gated, GateSettings
from dtmf.limits import PRESETS, DetectorLimits

__all__ = [
    "PRESETS",
    "Detection",
    "DetectorBank",
    "DetectorLimits",
    "GateBank",
    "GateSettings",
    "Gated",
    "Press",
    "Suspicion",
    "ToneEnded",
    "ToneQuality",
    "ToneStarted",
    "decode",
]
