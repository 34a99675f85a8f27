"""The page: what is in the document is on it, nothing of a key is, and whatever a caller's name holds is text."""

import struct
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from bridge.media.line_masking import PLAIN_MASKING
from ivr.evidence.document import build_document
from ivr.evidence.facts import CallFacts, SecureSpan, SpanEnd
from ivr.evidence.page import render_page
from ivr.evidence.recording import RecordingFindings, search_recording
from ivr.evidence.spectrogram import spectrogram_png
from ivr.evidence.timeline import WIDTH, timeline_of
from tests.ivr.evidence.facts import FACTS, at
from tests.ivr.storage.records import SESSION
from tests.support.wav import keyed, speech, write_wav

CLEAN = RecordingFindings(
    file="c.wav", sha256="00" * 32, duration_ms=60_000, keys_found={"caller": 0, "agent": 0}
)


def page_of(facts: CallFacts, recording: RecordingFindings | None = CLEAN) -> str:
    document = build_document(facts, [SESSION], recording, software="tonewall 1", now=at(99))
    return render_page(
        document, key_id="ab" * 16, public_key="cd" * 32, sha256="ef" * 32, recording=speech(1.0)
    )


def test_counters_payments_and_key_are_on_the_page() -> None:
    page = page_of(FACTS)
    for text in ("310", "1190", "-0.612", "£12.50", "ab" * 16, "cd" * 32, "ef" * 32, "holds"):
        assert text in page


def test_the_line_is_on_the_page() -> None:
    page = page_of(FACTS)
    assert "weakest tone -27 dBm0, high over low tone -9 to 3 dB" in page
    assert "near the limits of negative_twist_db" in page
    assert "too few presses" in page_of(replace(FACTS, line=None))


def test_what_each_side_heard_is_on_the_page() -> None:
    page = page_of(FACTS)
    assert "The agent missed 5.00 % of the other side's packets (MOS 3.8" in page
    assert "The caller missed 0.00 %" in page
    assert "missed" not in page_of(replace(FACTS, quality=None))


def test_how_the_line_was_masked_is_said_once_for_all_spans_alike() -> None:
    words = "2 frames held back, the caller muted while fields were keyed, beeps at even intervals."
    assert page_of(replace(FACTS, spans=FACTS.spans * 3)).count(words) == 1
    (span,) = FACTS.spans
    spans = (span, replace(span, masking=PLAIN_MASKING), span, replace(span, masking=None))
    page = page_of(replace(FACTS, spans=spans))
    assert f"Spans 1, 3: {words}" in page
    assert "Span 2: 1 frame held back, the caller heard between keys, beeps as keys came." in page


def test_names_from_outside_are_text() -> None:
    page = page_of(replace(FACTS, caller='"><script>alert(1)</script>'))
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_a_lost_worker_and_an_unknown_end_are_said() -> None:
    lost = SecureSpan(secured_at=at(1), ended_at=at(2), ended_by=SpanEnd.WORKER_LOST)
    page = page_of(replace(FACTS, spans=(lost, SecureSpan(secured_at=at(3)))))
    assert "no counters: worker lost" in page
    assert "no counters: never told" in page


def test_the_picture_is_left_out_where_keys_would_show_in_it() -> None:
    assert "data:image/png" in page_of(FACTS)
    shown = page_of(FACTS, replace(CLEAN, keys_found={"caller": 1, "agent": 0}))
    assert "data:image/png" not in shown
    assert "spectrogram is left out" in shown


def test_many_spans_stay_one_page() -> None:
    page = page_of(replace(FACTS, spans=FACTS.spans * 40))
    assert "28 more in the signed file" in page


def test_bars_lie_within_the_call_in_the_order_of_their_moments() -> None:
    document = build_document(FACTS, [], CLEAN, software="tonewall 1", now=at(99))
    bars = timeline_of(document).bars
    assert [bar.state for bar in bars] == ["off", "recording", "paused", "recording", "secure"]
    assert all(0 <= bar.x <= bar.x + bar.width <= WIDTH + 0.01 for bar in bars)
    secure, paused = bars[-1], bars[2]
    assert paused.x <= secure.x
    assert secure.x + secure.width <= paused.x + paused.width


def test_a_recording_is_searched_and_only_counts_are_told(tmp_path: Path) -> None:
    path = tmp_path / "c.wav"
    write_wav(path, np.concatenate([speech(1.0), keyed("12#", on_ms=90, off_ms=90)]))
    searched = search_recording(path)
    assert searched is not None
    findings, channels = searched
    assert channels is not None
    assert (findings.file, findings.keys_found) == ("c.wav", {"caller": 3})
    assert findings.duration_ms == channels.shape[1] // 8
    assert search_recording(tmp_path / "missing.wav") is None


def test_a_file_that_is_no_recording_yet_is_told_and_evidence_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "c.wav"
    path.touch()
    searched = search_recording(path)
    assert searched is not None
    findings, channels = searched
    assert (findings.problem, channels) == ("it is no whole recording", None)
    assert "it cannot be searched" in page_of(FACTS, findings)


def test_a_picture_shows_a_tone_at_its_frequency_and_silence_as_paper() -> None:
    time_s = np.arange(8000) / 8000
    tone = (12_000 * np.sin(2 * np.pi * 1000 * time_s)).astype(np.int16)
    pixels = pixels_of(spectrogram_png(np.concatenate([tone, np.zeros(8000, np.int16)])))
    height, width, _ = pixels.shape
    darkest = int(pixels[:, width // 4].sum(axis=1).argmin())
    assert abs((height - 1 - darkest) / height - 0.5) < 0.03  # 1000 of 2000 Hz
    assert (pixels[:, -width // 4] == 255).all()


def pixels_of(png: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Return the pixels of an RGB picture whose rows are not filtered."""
    width, height = struct.unpack(">II", png[16:24])
    (size,) = struct.unpack(">I", png[33:37])
    rows = np.frombuffer(zlib.decompress(png[41 : 41 + size]), np.uint8)
    return rows.reshape(height, 1 + 3 * width)[:, 1:].reshape(height, width, 3)
