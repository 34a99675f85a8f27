"""A card keyed by every transport, with phones nobody here wrote: each press counts once, and the agent gets none."""

import asyncio
from pathlib import Path
from typing import Final, Literal

import numpy as np
import pytest

from bridge.call.secure_line import INFO_LAG_S
from ivr.session.words import ErrorType, FieldName, FieldState, Result, Status
from tests.e2e.key_rig import (
    AFTER,
    BEFORE,
    CARD,
    CODE,
    EXPIRY,
    KEYED,
    payment_call,
    payment_call_to_pjsip,
)
from tests.support.baresip import PRESS_PERIOD_S, Baresip
from tests.support.canary import CANARY_CARD
from tests.support.pjsip import DtmfMethod, Pjsip
from tests.support.sipp import AwaitKey, PlayAudio, PressKeys, Step, run_caller
from tests.support.wav import Pcm, keyed, silence, speech

PAID: Final = ["off", "recording", "paused", "recording"]
"What the recorder did in a call with one payment that was gone through with."

HEARD_S: Final = 1.0
"Longer than any key pressed in-band takes to reach the far end and to end there."

MIXED: Final[dict[FieldName, list[tuple[Literal["in-band"] | DtmfMethod, str]]]] = {
    FieldName.CARD_NUMBER: [("in-band", "400000"), ("rfc4733", "12345"), ("info", "67899#")],
    FieldName.EXPIRATION_DATE: [("rfc4733", "1"), ("in-band", "23"), ("info", "9")],
    FieldName.SECURITY_CODE: [("in-band", "1"), ("rfc4733", "2"), ("info", "3")],
}

pytestmark = [pytest.mark.e2e, pytest.mark.peer("baresip"), pytest.mark.peer("spandsp")]


def spoken_then_keyed(keys: str) -> Pcm:
    return np.concatenate([speech(0.5), silence(0.2), keyed(keys), silence(0.2), speech(0.3)])


async def test_telephone_events_pay_and_never_reach_the_agent(tmp_path: Path) -> None:
    async with (
        payment_call(tmp_path) as line,
        Baresip(tmp_path, username="caller", microphone=speech(2.0)) as caller,
    ):
        await caller.dial(line.dial_string)
        await line.agent.call()
        await caller.press(BEFORE)
        await line.phone.wait_for("CALL_DTMF_START")
        call, payment = await line.secured()
        await caller.press(KEYED)
        await line.paid(call, payment)
        await caller.press(AFTER)
        await line.phone.wait_for("CALL_DTMF_START", count=2)
        await caller.hang_up()
        await line.phone.wait_for("CALL_CLOSED")
    assert line.phone.keys_received() == BEFORE + AFTER
    assert line.read_digits() == ("", "", "")
    assert line.recorder_states() == PAID


@pytest.mark.peer("sipp")
@pytest.mark.peer("pjsua2")
async def test_sip_info_digits_pay_and_never_reach_the_agent(tmp_path: Path) -> None:
    steps: list[Step] = [PlayAudio(pcm=speech(1.0)), PressKeys(keys=BEFORE)]
    for keys in (CARD, EXPIRY, CODE, AFTER):
        steps += [AwaitKey(), PressKeys(keys=keys)]
    async with payment_call_to_pjsip(tmp_path) as line:
        calling = run_caller(tmp_path, remote=line.sip_address, service="agent", steps=steps)
        async with asyncio.TaskGroup() as tasks:
            caller = tasks.create_task(calling)
            await line.phone.wait_for("key")
            call, payment = await line.secured()
            for field in payment.fields:
                await line.phone.press("1", method="info")  # what the caller awaits
                await line.valid(payment, field.name)
            await line.paid(call, payment)
            await line.phone.heard_more(INFO_LAG_S + HEARD_S)
            await line.phone.press("1", method="info")
        await line.phone.wait_for("call", state="closed")
    assert caller.result().ok, caller.result().errors
    assert line.phone.keys_received() == BEFORE + AFTER
    assert line.read_digits() == ("", "", "")
    assert line.recorder_states() == PAID


@pytest.mark.peer("pjsua2")
async def test_one_call_that_mixes_all_three_counts_every_press_once(tmp_path: Path) -> None:
    microphone = spoken_then_keyed(BEFORE)
    async with (
        payment_call(tmp_path) as line,
        Pjsip(tmp_path, username="caller", microphone=microphone) as caller,
    ):
        await caller.dial(line.dial_string)
        await line.agent.call()
        await line.phone.heard_for(len(microphone) / 8000 + HEARD_S)
        await caller.press(BEFORE, method="rfc4733")
        await caller.press(BEFORE, method="info")
        await line.phone.wait_for("CALL_DTMF_START", count=2)
        call, payment = await line.secured()
        shown = 0
        for field, parts in MIXED.items():
            for transport, keys in parts:
                if transport == "in-band":
                    await caller.play(keyed(keys))
                else:
                    await caller.press(keys, method=transport)
                shown += len(keys.removesuffix("#"))
                await line.shows(payment, shown)
            await line.valid(payment, field)
        await line.paid(call, payment)
        await caller.play(keyed(AFTER))
        await line.phone.heard_more(INFO_LAG_S + HEARD_S)
        await caller.press(AFTER, method="rfc4733")
        await caller.press(AFTER, method="info")
        await line.phone.wait_for("CALL_DTMF_START", count=4)
        await caller.hang_up()
        await line.phone.wait_for("CALL_CLOSED")
    assert line.phone.keys_received() == 2 * BEFORE + 2 * AFTER
    assert line.read_digits() == (BEFORE + AFTER, BEFORE + AFTER, "")
    assert line.recorder_states() == PAID


async def test_keys_told_in_band_and_by_events_at_once_count_once(tmp_path: Path) -> None:
    on_ms = 180.0

    async def press_both_ways(caller: Baresip, keys: str) -> None:
        # baresip goes on sending sound while it sends an event; its tones and events are within 30 ms of each other.
        await caller.play(keyed(keys, on_ms=on_ms, off_ms=PRESS_PERIOD_S * 1000 - on_ms))
        await caller.press(keys)

    async with (
        payment_call(tmp_path) as line,
        Baresip(tmp_path, username="caller", microphone=speech(2.0)) as caller,
    ):
        await caller.dial(line.dial_string)
        await line.agent.call()
        await line.phone.heard_for(0.5)
        await press_both_ways(caller, BEFORE)
        await line.phone.wait_for("CALL_DTMF_START")
        await line.phone.heard_more(HEARD_S)
        call, payment = await line.secured()
        await press_both_ways(caller, KEYED)
        await line.paid(call, payment)
        await press_both_ways(caller, AFTER)
        await line.phone.wait_for("CALL_DTMF_START", count=2)
        await line.phone.heard_more(HEARD_S)
        await caller.hang_up()
        await line.phone.wait_for("CALL_CLOSED")
    assert line.phone.keys_received() == BEFORE + AFTER
    assert line.read_digits() == (BEFORE + AFTER, BEFORE + AFTER, "")


async def test_a_caller_with_another_codec_pays_and_is_heard_by_nobody(tmp_path: Path) -> None:
    microphone = spoken_then_keyed(BEFORE)
    async with (
        payment_call(tmp_path, codecs="PCMU/8000/1") as line,
        Baresip(tmp_path, username="caller", microphone=microphone, codecs="PCMA/8000/1") as caller,
    ):
        await caller.dial(line.dial_string)
        await line.agent.call()
        await line.phone.heard_for(len(microphone) / 8000 + HEARD_S)
        call, payment = await line.secured()
        await caller.play(keyed(KEYED))
        await line.paid(call, payment)
        await caller.play(keyed(AFTER))
        await line.phone.heard_more(HEARD_S)
        await caller.hang_up()
        await line.phone.wait_for("CALL_CLOSED")
    assert line.read_digits() == (BEFORE + AFTER, BEFORE + AFTER, "")


@pytest.mark.peer("pjsua2")
async def test_hold_while_the_caller_keys_does_not_open_the_line(tmp_path: Path) -> None:
    microphone = spoken_then_keyed(BEFORE)
    async with (
        payment_call_to_pjsip(tmp_path) as line,
        Baresip(tmp_path, username="caller", microphone=microphone) as caller,
    ):
        await caller.dial(line.dial_string)
        await line.agent.call()
        await line.phone.heard_for(len(microphone) / 8000 + HEARD_S)
        call, payment = await line.secured()
        await caller.play(keyed(KEYED, on_ms=100, off_ms=150))
        await line.shows_at_least(payment, 5)
        await line.phone.hold()
        held = await line.agent.call("held")
        assert held.secure
        await line.shows_at_least(payment, 9)
        await line.phone.resume()
        resumed = await line.agent.call("talking")
        assert resumed.secure
        await line.paid(call, payment)
        await caller.play(keyed(AFTER))
        await line.phone.heard_more(HEARD_S)
        await caller.hang_up()
        await line.phone.wait_for("call", state="closed")
    assert line.read_digits() == (BEFORE + AFTER, BEFORE + AFTER, "")
    assert line.recorder_states() == PAID


@pytest.mark.parametrize("leaver", ["caller", "agent"])
async def test_hanging_up_while_keying_charges_nothing(tmp_path: Path, leaver: str) -> None:
    async with (
        payment_call(tmp_path) as line,
        Baresip(tmp_path, username="caller", microphone=speech(2.0)) as caller,
    ):
        await caller.dial(line.dial_string)
        _, payment = await line.secured()
        await caller.press(CANARY_CARD[:6])
        await line.shows(payment, 6)
        await (caller if leaver == "caller" else line.phone).hang_up()
        failed = await line.agent.session(payment, lambda view: view.status is Status.FAILED)
        await caller.wait_for("CALL_CLOSED")
        await line.phone.wait_for("CALL_CLOSED")
    assert failed.result is Result.CALLER_HUNG_UP
    assert "Nothing was charged" in failed.message
    assert not failed.confirmation
    assert line.phone.keys_received() == ""
    assert line.read_digits() == ("", "", "")
    assert line.charges() == 0
    assert line.recorder_states() == ["off", "recording", "paused"]


@pytest.mark.peer("pjsua2")
async def test_a_slip_is_shown_cleared_with_star_and_keyed_again(tmp_path: Path) -> None:
    wrong_number = f"{CANARY_CARD[:-1]}8#"
    async with (
        payment_call(tmp_path) as line,
        Pjsip(tmp_path, username="caller", microphone=speech(2.0)) as caller,
    ):

        async def press(keys: str) -> None:
            await caller.press(keys, method="info", on_ms=40, off_ms=40)

        await caller.dial(line.dial_string)
        call, payment = await line.secured()
        await press(wrong_number)
        refused = await line.agent.session(
            payment, lambda view: view.fields[0].state is FieldState.INVALID
        )
        assert refused.fields[0].error is ErrorType.INVALID_CARD_NUMBER
        assert (refused.collecting, refused.fields[0].mask) == (FieldName.CARD_NUMBER, "")
        await press(CANARY_CARD[:3])
        again = await line.shows(payment, 3)
        assert (again.fields[0].error, again.fields[0].attempt) == (None, 2)
        await press("*")
        await line.agent.session(payment, lambda view: not view.fields[0].mask)
        await press(KEYED)
        await line.paid(call, payment, attempts=2)
        await caller.hang_up()
        await line.phone.wait_for("CALL_CLOSED")
    assert line.charges() == 1
    assert line.phone.keys_received() == ""
