"""The phones of a payment call: an agent's that answers by itself, and what a caller says and keys into theirs."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ivr.app.gateway import Gateway
from tests.e2e.gateway_rig import PASSWORD
from tests.support.baresip import DEFAULT_CODECS, Baresip
from tests.support.wav import Pcm, keyed, silence, speech


def agent_phone(
    folder: Path,
    gateway: Gateway,
    name: str = "agent",
    *,
    codecs: str = DEFAULT_CODECS,
    rtcp_mux: bool = False,
) -> Baresip:
    """Return the softphone of a user of the gateway: registered, talking, and answering every call."""
    return Baresip(
        folder,
        username=name,
        microphone=speech(3.0),
        answers=True,
        codecs=codecs,
        rtcp_mux=rtcp_mux,
        registrar=gateway.node.sip_address,
        password=PASSWORD,
    )


def spoken_then_keyed(fields: Iterable[str], *, rest_s: float) -> Pcm:
    """Return five seconds of speech, in which the agent starts the payment, then `fields` in-band, then speech."""
    parts = [speech(5.0)]
    for field in fields:
        parts += [keyed(field, on_ms=90, off_ms=90), silence(1.0)]
    return np.concatenate([*parts, speech(rest_s)])
