"""`kill -9` of a media worker while a card is keyed: silence, a payment failed with a reason, all else goes on."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest

from bridge.media.messages import CallId
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
from tests.support.baresip import Baresip
from tests.support.canary import CANARY_CARD
from tests.support.wav import Pcm, keyed, silence, speech

KEYS_BEFORE_THE_KILL = 6

pytestmark = [pytest.mark.e2e, pytest.mark.peer("baresip")]


def microphone() -> Pcm:
    """Speech, then the card so slowly that there is time to kill in the middle, then loud speech to the end."""
    fields = [
        np.concatenate([keyed(field, on_ms=120, off_ms=130), silence(1.5)])
        for field in (f"{CANARY_CARD}#", "1239", "123")
    ]
    return np.concatenate([speech(6.0), *fields, speech(10.0)])


def keys_shown(view: AgentView) -> int:
    return len(next(field.mask for field in view.fields if field.name is FieldName.CARD_NUMBER))


async def test_a_killed_worker_takes_only_its_own_calls_with_it(tmp_path: Path) -> None:
    config = config_for(tmp_path, agents=("ann", "ben"), workers=2)
    async with (
        running_gateway(config) as gateway,
        phone(tmp_path, "ann", gateway.node.sip_address) as ann,
        phone(tmp_path, "ben", gateway.node.sip_address) as ben,
        Baresip(tmp_path, username="unlucky", microphone=microphone()) as unlucky,
        Baresip(tmp_path, username="lucky", microphone=microphone()) as lucky,
    ):
        await registered(gateway, "ann", "ben")
        anns, bens = Agent(gateway, "ann"), Agent(gateway, "ben")
        await unlucky.dial(dial_string(gateway, "ann"))
        call = await anns.call()
        await lucky.dial(dial_string(gateway, "ben"))
        other = await bens.call()
        payment = await anns.take_payment(call)
        others_payment = await bens.take_payment(other)
        await anns.session(payment, lambda view: keys_shown(view) >= KEYS_BEFORE_THE_KILL)

        pids = set(gateway.node.worker_pids())
        victim, survivor = (gateway.node.worker_pid_of(CallId(c.call)) for c in (call, other))
        assert victim is not None
        assert victim != survivor
        os.kill(victim, signal.SIGKILL)

        failed = await anns.session(payment, lambda view: view.status is Status.FAILED)
        heard_at_the_kill = ann.heard_samples
        assert failed.message
        assert not failed.confirmation
        await ann.wait_for("CALL_CLOSED")
        await unlucky.wait_for("CALL_CLOSED")
        # What was on the way may still arrive; the caller's voice after the kill (10 s of it) does not.
        assert loud_seconds(ann.heard()[heard_at_the_kill:]) < 0.5

        paid = await bens.submit(await bens.collected(others_payment))
        assert paid.status is Status.SUCCEEDED

        await worker_replaced(gateway, victim)
        assert len(gateway.node.worker_pids()) == len(pids)
        async with Baresip(tmp_path, username="next", microphone=speech(5.0)) as later:
            await later.dial(dial_string(gateway, "ann"))
            fresh = await anns.call()
            secured = await anns.take_payment(fresh)
            assert secured.secure
            assert gateway.node.worker_pid_of(CallId(fresh.call)) not in pids
            await later.hang_up()
            await later.wait_for("CALL_CLOSED")
        await lucky.hang_up()
        await ben.wait_for("CALL_CLOSED")


def phone(tmp_path: Path, name: str, registrar: tuple[str, int]) -> Baresip:
    return Baresip(tmp_path, username=name, answers=True, registrar=registrar, password=PASSWORD)


def loud_seconds(pcm: Pcm) -> float:
    frames = pcm[: len(pcm) // 160 * 160].astype(float).reshape(-1, 160)
    return float((np.sqrt((frames**2).mean(axis=1)) > 300).sum()) * 0.02
