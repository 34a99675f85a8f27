"""DTMF signals: keys, tones, the batched detector and the gate. No I/O, no clock, no logging."""

from dtmf.bank import DetectorBank
from dtmf.decode import decode
from dtmf.events import Detection, Press, Suspicion, ToneEnded, ToneStarted
from dtmf.gate import GateBank, Gated, GateSettings
from dtmf.limits import DetectorLimits

__all__ = [
    "Detection",
    "DetectorBank",
    "DetectorLimits",
    "GateBank",
    "GateSettings",
    "Gated",
    "Press",
    "Suspicion",
    "ToneEnded",
    "ToneStarted",
    "decode",
]
