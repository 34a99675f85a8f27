"""A card keyed on a real call: read by the gateway, heard by nobody, paid; with phones nobody here wrote."""

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from bridge.recording.keys_in_wav import read_channels
from ivr.app.gateway import Gateway
from ivr.session.words import FieldState, RecorderState, Status
from tests.e2e.gateway_rig import (
    Agent,
    config_for,
    dial_string,
    registered,
    running_gateway,
)
from tests.e2e.key_rig import KEYED
from tests.e2e.phones import agent_phone, keyed_then_spoken
from tests.support import spandsp
from tests.support.baresip import Baresip
from tests.support.wav import Pcm, speech

pytestmark = [pytest.mark.e2e, pytest.mark.peer("baresip")]


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with running_gateway(config_for(tmp_path)) as gateway:
        yield gateway


async def test_in_band_digits_pay_and_are_heard_by_nobody(tmp_path: Path, gateway: Gateway) -> None:
    read_digits = spandsp.reader()
    keys = keyed_then_spoken(KEYED)
    assert read_digits(keys) == KEYED
    agent = Agent(gateway)
    async with (
        agent_phone(tmp_path, gateway) as phone,
        Baresip(tmp_path, username="caller", microphone=speech(3.0)) as caller,
    ):
        await registered(gateway, "agent")
        await caller.dial(dial_string(gateway))
        call = await agent.call()
        await phone.heard_for(1.5)
        payment = await agent.take_payment(call)
        assert (payment.secure, payment.recorder) == (True, RecorderState.PAUSED)
        await caller.play(keys)
        collected = await agent.collected(payment)
        assert [field.state for field in collected.fields] == [FieldState.VALID] * 3
        assert collected.fields[0].mask == "************7899"
        paid = await agent.submit(collected)
        assert (paid.status, paid.amount.minor) == (Status.SUCCEEDED, 1250)
        await agent.released(call)
        await phone.heard_more(1.5)
        await caller.hang_up()
        await phone.wait_for("CALL_CLOSED")
    await gateway.stop()
    heard = phone.heard()
    (recording,) = (tmp_path / "var" / "recordings").glob("*.wav")
    left, right = read_channels(recording)
    assert [read_digits(sound) for sound in (heard, left, right)] == ["", "", ""]
    # What is silent proves nothing: the caller's voice is in what the agent heard and in the recording.
    assert [loud_seconds(sound) > 1.0 for sound in (heard, left)] == [True, True]


def loud_seconds(pcm: Pcm) -> float:
    frames = pcm[: len(pcm) // 160 * 160].astype(float).reshape(-1, 160)
    return float((np.sqrt((frames**2).mean(axis=1)) > 300).sum()) * 0.02
