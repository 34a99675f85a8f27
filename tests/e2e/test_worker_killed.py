"""A media worker dies or hangs while a card is keyed: the call goes on with another one, secure, and is paid once."""

import asyncio
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from bridge.media.messages import CallId
from bridge.recording.keys_in_wav import read_channels
from ivr.session import messages
from ivr.session.view import AgentView
from ivr.session.words import FieldName, Status
from tests.e2e.gateway_rig import (
    PASSWORD,
    Agent,
    config_for,
    dial_string,
    registered,
    running_gateway,
    worker_replaced,
)
from tests.e2e.key_rig import KEYED
from tests.e2e.phones import keyed_then_spoken
from tests.support import spandsp
from tests.support.baresip import Baresip
from tests.support.canary import CANARY_CARD
from tests.support.wav import Pcm, keyed, speech

KEYS_BEFORE_THE_LOSS = 6

pytestmark = [pytest.mark.e2e, pytest.mark.peer("baresip")]


def interrupted_number() -> Pcm:
    """The number, keyed so slowly that there is time to kill the worker in the middle."""
    return keyed(f"{CANARY_CARD}#", on_ms=120, off_ms=130)


def keys_shown(view: AgentView) -> int:
    return len(next(field.mask for field in view.fields if field.name is FieldName.CARD_NUMBER))


@pytest.mark.parametrize(
    ("number", "workers"), [(signal.SIGKILL, 2), (signal.SIGKILL, 1), (signal.SIGSTOP, 2)]
)
async def test_a_lost_worker_costs_a_field_and_no_call(
    tmp_path: Path, number: signal.Signals, workers: int
) -> None:
    """SIGSTOP is a worker that hangs. Where there is only one, the spare process takes the call."""
    silence_limit_ms = 500 if number is signal.SIGSTOP else 10_000
    config = config_for(
        tmp_path,
        agents=("ann", "ben"),
        workers=workers,
        silence_limit_ms=silence_limit_ms,
        spare_worker=workers == 1,
    )
    async with (
        running_gateway(config) as gateway,
        phone(tmp_path, "ann", gateway.node.sip_address) as ann,
        phone(tmp_path, "ben", gateway.node.sip_address) as ben,
        Baresip(tmp_path, username="unlucky", microphone=speech(3.0)) as unlucky,
        Baresip(tmp_path, username="lucky", microphone=speech(3.0)) as lucky,
    ):
        await registered(gateway, "ann", "ben")
        anns, bens = Agent(gateway, "ann"), Agent(gateway, "ben")
        await unlucky.dial(dial_string(gateway, "ann"))
        call = await anns.call()
        payment = await anns.take_payment(call)
        if workers > 1:
            await lucky.dial(dial_string(gateway, "ben"))
            other = await bens.call()
            others_payment = await bens.take_payment(other)
            await lucky.play(keyed_then_spoken(KEYED))
        keying = asyncio.create_task(unlucky.say(interrupted_number()))
        await anns.session(payment, lambda view: keys_shown(view) >= KEYS_BEFORE_THE_LOSS)

        victim = gateway.node.worker_pid_of(CallId(call.call))
        assert victim is not None
        os.kill(victim, number)
        told = await anns.session(payment, lambda view: view.message == messages.MEDIA_INTERRUPTED)
        assert (told.status, keys_shown(told)) == (Status.COLLECTING, 0)

        await keying
        await anns.call_where(lambda now: now.secure)
        await unlucky.play(keyed_then_spoken(KEYED))
        paid = await anns.submit(await anns.collected(payment))
        assert paid.status is Status.SUCCEEDED
        await anns.released(call)
        assert gateway.node.worker_pid_of(CallId(call.call)) not in (None, victim)
        await worker_replaced(gateway, victim, workers=workers)
        if workers > 1:
            assert (await bens.submit(await bens.collected(others_payment))).confirmation
            await lucky.hang_up()
            await ben.wait_for("CALL_CLOSED")
        before = ann.heard_samples
        await unlucky.say(speech(2.0))
        await unlucky.hang_up()
        await ann.wait_for("CALL_CLOSED")
    assert loud_seconds(ann.heard()[before:]) > 0.3, "the caller is heard by the new way"
    read_digits = spandsp.reader()
    assert read_digits(ann.heard()) == ""
    recordings = list((tmp_path / "var" / "recordings").glob("*.wav"))
    assert len(recordings) == workers  # one a call
    for recording in recordings:
        assert [read_digits(channel) for channel in read_channels(recording)] == ["", ""]


def phone(tmp_path: Path, name: str, registrar: tuple[str, int]) -> Baresip:
    return Baresip(tmp_path, username=name, answers=True, registrar=registrar, password=PASSWORD)


def loud_seconds(pcm: Pcm) -> float:
    frames = pcm[: len(pcm) // 160 * 160].astype(float).reshape(-1, 160)
    return float((np.sqrt((frames**2).mean(axis=1)) > 300).sum()) * 0.02
