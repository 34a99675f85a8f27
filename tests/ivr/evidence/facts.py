"""Facts of one call, to be changed with `dataclasses.replace`."""

from datetime import UTC, datetime, timedelta
from typing import Final

from bridge.media.line_masking import LineMasking
from bridge.media.line_quality import LineQuality
from bridge.media.masking import masking_settings
from bridge.media.messages import RecorderState
from bridge.media.secure_totals import SecureTotals
from bridge.rtp.call_quality import CallQuality
from ivr.evidence.facts import CallFacts, RecorderChange, SecureSpan, SpanEnd
from tests.bridge.rtp.qualities import CLEAN, LOSSY

START: Final = datetime(2026, 11, 20, 9, 0, 0, 250_000, tzinfo=UTC)

TOTALS: Final = SecureTotals(
    presses_in_band=24,
    presses_rfc4733=0,
    presses_sip_info=0,
    frames_masked=310,
    frames_passed=1190,
    frames_lost=2,
    packets_late=1,
    events_withheld=0,
    stream_restarts=0,
    highest_passed_score=-0.612,
    frames_muted=77,
)


def at(seconds: float) -> datetime:
    """Return the moment so long after the call began."""
    return START + timedelta(seconds=seconds)


LINE: Final = LineQuality(
    lowest_level_dbm0=-27,
    lowest_twist_db=-9,
    highest_twist_db=3,
    frequency_error_percent=0.5,
    near_limits="negative_twist_db",
)

QUALITY: Final = CallQuality(caller=LOSSY, agent=CLEAN)

SPAN: Final = SecureSpan(
    secured_at=at(20.02),
    ended_at=at(50),
    ended_by=SpanEnd.OPENED,
    totals=TOTALS,
    masking=LineMasking(hold_frames=2, muted=True, even_beeps=True),
)

FACTS: Final = CallFacts(
    call="0123456789abcdef",
    node="node-1",
    software="tonewall 0.1.0",
    agent="alice",
    caller="02079460123",
    called="5000",
    started_at=START,
    ended_at=at(70),
    masking=masking_settings(),
    recorder=(
        RecorderChange(at=at(0), state=RecorderState.OFF),
        RecorderChange(at=at(4), state=RecorderState.RECORDING),
        RecorderChange(at=at(20), state=RecorderState.PAUSED),
        RecorderChange(at=at(50.01), state=RecorderState.RECORDING),
    ),
    spans=(SPAN,),
    line=LINE,
    quality=QUALITY,
)
