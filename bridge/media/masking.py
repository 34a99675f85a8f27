"""The settings by which calls of this version are read and masked, in one place: used, and told to whoever asks."""

from dataclasses import asdict
from typing import Final

from dtmf.gate_settings import GateSettings
from dtmf.limits import DetectorLimits

DETECTOR: Final = DetectorLimits()
"Where a call's trunk has no other."

GATE: Final = GateSettings()

EVENT_MASK_FRAMES: Final = 3
"After each telephone event packet this much in-band sound is masked: some gateways let a stub of the tone through."

EVENT_HOLD_FRAMES: Final = 2
"""Where telephone events are agreed on, the gate holds back so much. A gateway that makes events of tones sends their
first 10 to 40 ms as sound and the event up to 20 ms later. Of a stub of 10 to 15 ms across two frames neither shows a
tone; the first of them would be gone when the event comes. Tone evidence masks no more for it than it would without."""

EVENT_GONE_S: Final = 0.1
"""RFC 4733 section 2.5.1.2 sends a packet of a held key every 50 ms at the longest: where none has come for two of
these, the key is up."""

RESTART_MASK_FRAMES: Final = 1
"Of a new stream: it may begin with the end of a tone, which is no evidence, and the hang-over went with the old one."

OPEN_AFTER_FRAMES: Final = 5
"The gate opens only after this much sound without a trace of a key: who asked for it cannot know that a key is down."

OPEN_WITHOUT_SOUND_S: Final = 0.3
"Or when the caller's leg has been still this long (hold, silence suppression) and no key was down before."

SUSPICION_LIMIT_S: Final = 3.0
"Sound that is suspected all the time (music) may keep the gate closed so long; a key that is down keeps it always."


def masking_settings(
    detector: DetectorLimits = DETECTOR,
) -> dict[str, dict[str, int | float]]:
    """Return the settings by part (`detector`, `gate`) and name, units in the names.

    `detector` are the limits of the call, where its trunk has others than the default.
    """
    return {
        "detector": asdict(detector),
        "gate": {
            **asdict(GATE),
            "event_gone_s": EVENT_GONE_S,
            "event_hold_frames": EVENT_HOLD_FRAMES,
            "event_mask_frames": EVENT_MASK_FRAMES,
            "open_after_frames": OPEN_AFTER_FRAMES,
            "open_without_sound_s": OPEN_WITHOUT_SOUND_S,
            "restart_mask_frames": RESTART_MASK_FRAMES,
            "suspicion_limit_s": SUSPICION_LIMIT_S,
        },
    }
