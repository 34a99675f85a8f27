"""The settings by which every call of this version is read and masked, in one place: used, and told to whoever asks."""

from dataclasses import asdict
from typing import Final

from dtmf.gate import GateSettings
from dtmf.limits import DetectorLimits

DETECTOR: Final = DetectorLimits()
GATE: Final = GateSettings()

EVENT_MASK_FRAMES: Final = 3
"After each telephone event packet this much in-band sound is masked: some gateways let a stub of the tone through."

OPEN_AFTER_FRAMES: Final = 5
"The gate opens only after this much sound without a trace of a key: who asked for it cannot know that a key is down."

OPEN_WITHOUT_SOUND_S: Final = 0.3
"Or when the caller's leg has been still this long (hold, silence suppression)."

SUSPICION_LIMIT_S: Final = 3.0
"Sound that is suspected all the time (music) may keep the gate closed so long; a key that is down keeps it always."


def masking_settings() -> dict[str, dict[str, float]]:
    """Return the settings by part (`detector`, `gate`) and name, units in the names."""
    return {
        "detector": asdict(DETECTOR),
        "gate": {
            **asdict(GATE),
            "event_mask_frames": EVENT_MASK_FRAMES,
            "open_after_frames": OPEN_AFTER_FRAMES,
            "open_without_sound_s": OPEN_WITHOUT_SOUND_S,
            "suspicion_limit_s": SUSPICION_LIMIT_S,
        },
    }
