"""Calls as the bridge tells of them."""

from datetime import UTC, datetime

from bridge.call.events import CallInfo, CallState
from bridge.media.messages import CallId, RecorderState


def call_info(
    *,
    call: str = "c1",
    agent: str = "alice",
    state: CallState = CallState.TALKING,
    recorder: RecorderState = RecorderState.RECORDING,
    secure: bool = False,
) -> CallInfo:
    """Return one call, as a test wants it."""
    return CallInfo(
        call=CallId(call),
        agent=agent,
        caller="02079460123",
        called="5000",
        state=state,
        secure=secure,
        recorder=recorder,
        started_at=datetime(2026, 11, 20, 9, 0, 1, 500_000, tzinfo=UTC),
    )
