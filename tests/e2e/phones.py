"""The phones of a payment call: an agent's that answers by itself, and what a caller says and keys into theirs."""

from pathlib import Path

import numpy as np

from ivr.app.gateway import Gateway
from ivr.session.view import CallView
from ivr.session.words import Status
from tests.e2e.gateway_rig import PASSWORD, Agent, dial_string, registered
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


def keyed_then_spoken(keys: str) -> Pcm:
    """Return `keys` in-band at a person's pace, then speech."""
    return np.concatenate([keyed(keys, on_ms=90, off_ms=90), silence(0.5), speech(3.0)])


async def pay(gateway: Gateway, phone: Baresip, caller: Baresip, keys: str) -> CallView:
    """Let `caller` reach the agent's `phone` and pay by `keys`; return the call, which goes on with an open line."""
    agent = Agent(gateway)
    await registered(gateway, "agent")
    await caller.dial(dial_string(gateway))
    call = await agent.call()
    await phone.heard_for(1.5)
    payment = await agent.take_payment(call)
    await caller.play(keyed_then_spoken(keys))
    paid = await agent.submit(await agent.collected(payment))
    assert paid.status is Status.SUCCEEDED
    await agent.released(call)
    await phone.heard_more(1.5)  # workers tell what they count once a second
    return call
