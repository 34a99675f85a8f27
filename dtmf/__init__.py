"""DTMF signals: keys, tones, the batched detector and the gate. No I/O, no clock, no logging."""

from importlib import import_module
from typing import TYPE_CHECKING, Final

from dtmf.events import Detection, Press, Suspicion, ToneEnded, ToneQuality, ToneStarted
from dtmf.gate_settings import GateSettings
from dtmf.limits import PRESETS, DetectorLimits

if TYPE_CHECKING:
    from dtmf.bank import DetectorBank
    from dtmf.gate import GateBank, Gated
    from dtmf.offline import decode

_COMPILED: Final = {
    "DetectorBank": "dtmf.bank",
    "GateBank": "dtmf.gate",
    "Gated": "dtmf.gate",
    "decode": "dtmf.offline",
}


def __getattr__(name: str) -> object:
    """Load what needs the compiler when it is first asked for: the gateway and most commands read no sound."""
    if name not in _COMPILED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_COMPILED[name]), name)


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
