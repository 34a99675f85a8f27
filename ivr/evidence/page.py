"""The page for an assessor: one HTML file without scripts, printable on A4, made of the signed document alone."""

from base64 import b64encode
from typing import Any, Final

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from numpy.typing import NDArray

from ivr.evidence.spectrogram import TOP_HZ, spectrogram_png
from ivr.evidence.timeline import WIDTH, timeline_of
from ivr.money import Money
from ivr.session.words import CallerVoice

_TEMPLATES: Final = Environment(
    loader=PackageLoader("ivr.evidence"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)

_SPANS_SHOWN: Final = 12
"So that the page stays one page; the file has them all."


def render_page(
    document: dict[str, Any],
    *,
    key_id: str,
    public_key: str,
    sha256: str,
    recording: NDArray[np.int16] | None,
) -> str:
    """Return the page of a document whose file has the hash `sha256`.

    `recording`: the caller's channel, int16 `(n,)`, drawn as a spectrogram; left out where a key can be read from it,
    for the picture would show which.
    """
    keys_found = document["recording"]["keys_found"] if document["recording"] else {}
    picture = ""
    if recording is not None and keys_found and not any(keys_found.values()):
        picture = b64encode(spectrogram_png(recording)).decode()
    spans, timeline = document["secure_spans"], timeline_of(document)
    return _TEMPLATES.get_template("page.html").render(
        doc=document,
        key_id=key_id,
        public_key=public_key,
        sha256=sha256,
        spectrogram=picture if timeline.recording is not None else "",
        top_hz=TOP_HZ,
        timeline=timeline,
        width=WIDTH,
        spans=spans[:_SPANS_SHOWN],
        spans_left_out=max(0, len(spans) - _SPANS_SHOWN),
        maskings=_maskings(spans[:_SPANS_SHOWN]),
        totals=_totals(spans),
        amount=_amount,
    )


def _amount(payment: dict[str, Any]) -> str:
    return str(Money(payment["amount_minor"], payment["currency"]))


def _maskings(spans: list[dict[str, Any]]) -> dict[str, list[int]]:
    """Return in words how the spans were masked, and which of them so."""
    numbers: dict[str, list[int]] = {}
    for span in spans:
        if (masking := span["masking"]) is not None:
            held = "1 frame" if masking["hold_frames"] == 1 else f"{masking['hold_frames']} frames"
            mutes = masking["caller_voice"] == CallerVoice.MUTE.value
            voice = "muted while fields were keyed" if mutes else "heard between keys"
            beeps = "at even intervals" if masking["even_beeps"] else "as keys came"
            words = f"{held} held back, the caller {voice}, beeps {beeps}"
            numbers.setdefault(words, []).append(span["number"])
    return numbers


def _totals(spans: list[dict[str, Any]]) -> dict[str, int]:
    counted = [span["counters"] for span in spans if span["counters"] is not None]
    return {
        "spans": len(spans),
        "presses": sum(sum(counters["presses"].values()) for counters in counted),
        "masked": sum(counters["frames"]["masked"] for counters in counted),
        "passed": sum(counters["frames"]["passed"] for counters in counted),
    }
