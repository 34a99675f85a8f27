"""What gateway and worker say to each other."""

from dataclasses import fields, replace

import pytest

from bridge.media import messages as m
from bridge.media.line_quality import LineQuality
from bridge.media.message_codec import MAX_MESSAGE_BYTES, decode, encode
from bridge.media.statistics import TICK_BOUNDS_S, WorkerStatistics
from bridge.rtp.call_quality import CallQuality
from dtmf.keys import HiddenKey
from dtmf.limits import DetectorLimits
from tests.bridge.rtp.qualities import CLEAN, LOSSY

CALL = m.CallId("c1")
KEY = HiddenKey("9")

LARGEST = WorkerStatistics(
    **dict.fromkeys((item.name for item in fields(WorkerStatistics)), 2**62)  # type: ignore[arg-type]  # set below
    | {"tick_counts": (2**62,) * (len(TICK_BOUNDS_S) + 1)},
)
"Longer on the wire than any worker's will ever be."

MESSAGES: list[m.Message] = [
    m.OpenCall(call=CALL),
    m.OpenCall(call=CALL, detector=DetectorLimits(lowest_level_dbm0=-30.5)),
    m.SetLeg(
        call=CALL,
        leg=m.Leg.AGENT,
        host="127.0.0.1",
        port=4000,
        codec="PCMA",
        payload_type=8,
        telephone_event=-1,
        send=True,
        receive=False,
    ),
    m.SetSecure(call=CALL, secure=True),
    m.StartRecording(call=CALL, path="/x/" + "y" * 3000),
    m.PauseRecording(call=CALL),
    m.ResumeRecording(call=CALL),
    m.PlayPrompt(call=CALL, leg=m.Leg.CALLER, prompt=2**40, path="/x/" + "y" * 3000),
    m.StopPrompt(call=CALL, leg=m.Leg.AGENT, prompt=0),
    m.PromptEnded(call=CALL, leg=m.Leg.CALLER, prompt=1, why=m.PromptEnd.FAILED, reason="no file"),
    m.CloseCall(call=CALL),
    m.CallOpened(call=CALL, caller_port=2, agent_port=4),
    m.CallRefused(call=CALL, reason="full"),
    m.SecureChanged(call=CALL, secure=False),
    m.SecureChanged(call=CALL, secure=True, hold_frames=2, muted=True, even_beeps=True),
    m.SecureSpanCounted(
        call=CALL,
        presses_in_band=22,
        presses_rfc4733=1,
        presses_sip_info=0,
        frames_masked=2**40,
        frames_passed=900,
        frames_lost=3,
        packets_late=1,
        events_withheld=8,
        stream_restarts=1,
        frames_muted=9,
        highest_passed_score=-0.125,
    ),
    m.LineReported(call=CALL, line=None),
    m.LineReported(
        call=CALL,
        line=LineQuality(
            lowest_level_dbm0=-24,
            lowest_twist_db=-6,
            highest_twist_db=0,
            frequency_error_percent=0.5,
            near_limits="",
        ),
    ),
    m.RecorderChanged(call=CALL, state=m.RecorderState.PAUSED, reason=""),
    m.CallMeasured(
        call=CALL,
        quality=CallQuality(
            caller=LOSSY, agent=replace(CLEAN, far_packets_lost=-1, round_trip_ms=20.125)
        ),
    ),
    m.WorkerCounted(statistics=LARGEST),
    m.Heartbeat(calls=1, late_ticks=2),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_messages_round_trip(message: m.Message) -> None:
    data = encode(message)
    assert len(data) <= MAX_MESSAGE_BYTES
    assert decode(data) == message


@pytest.mark.parametrize(
    "message",
    [
        m.InfoKey(call=CALL, key=KEY, duration_ms=160),
        m.KeyReported(call=CALL, key=KEY, transport=m.Transport.RFC_4733),
    ],
    ids=lambda message: type(message).__name__,
)
def test_keys_travel_and_hide_again(message: m.InfoKey | m.KeyReported) -> None:
    again = decode(encode(message))
    assert isinstance(again, type(message))
    assert again.key.same_as(KEY)
    assert "9" not in repr(again)
