"""The PJSIP driver makes a real call, and what it keys and plays the other end has."""

from pathlib import Path

import pytest

from tests.support import spandsp
from tests.support.baresip import Baresip
from tests.support.pjsip import Pjsip, PjsipError
from tests.support.wav import caller_audio, keyed, pad, speech

pytestmark = [pytest.mark.e2e, pytest.mark.peer("pjsua2"), pytest.mark.peer("baresip")]


async def test_keys_by_each_transport_reach_the_far_end_in_one_call(tmp_path: Path) -> None:
    read_digits = spandsp.reader()
    audio = caller_audio("40", before_s=0.5, after_s=0.3)
    async with (
        Baresip(tmp_path, username="bob", answers=True, microphone=pad(keyed("99"))) as bob,
        Pjsip(tmp_path, username="alice", microphone=audio) as alice,
    ):
        await alice.dial(bob.uri)
        await alice.wait_for("call", state="established")
        await bob.heard_for(len(audio) / 8000 + 0.5)
        await alice.press("41", method="rfc4733")
        await alice.press("7#", method="info")
        await bob.wait_for("CALL_DTMF_START", count=4)
        await alice.play(keyed("19#"))
        await bob.heard_for(len(audio) / 8000 + 2.5)
        await alice.hang_up()
        await bob.wait_for("CALL_CLOSED")
    assert bob.keys_received() == "417#"
    assert read_digits(bob.heard()) == "4019#"
    assert read_digits(alice.heard()) == "99"


async def test_keys_are_received_by_each_transport(tmp_path: Path) -> None:
    async with (
        Pjsip(tmp_path, username="bob") as bob,
        Pjsip(tmp_path, username="alice") as alice,
    ):
        await alice.dial(bob.uri)
        await alice.wait_for("media", state="active")
        await alice.press("41", method="rfc4733")
        await alice.press("7#", method="info")
        await bob.wait_for("key", count=4)
        await alice.hang_up()
        await bob.wait_for("call", state="closed")
    assert bob.keys_received() == "417#"


async def test_what_is_heard_goes_on_after_a_hold(tmp_path: Path) -> None:
    read_digits = spandsp.reader()
    async with (
        Pjsip(tmp_path, username="bob") as bob,
        Pjsip(tmp_path, username="alice", microphone=keyed("40")) as alice,
    ):
        await alice.dial(bob.uri)
        await bob.heard_for(1.0)
        await bob.hold()
        await bob.resume()
        await alice.play(keyed("19#"))
        await bob.heard_for(3.0)
        await alice.hang_up()
        await bob.wait_for("call", state="closed")
    assert read_digits(bob.heard()) == "4019#"


async def test_hold_and_resume_keep_the_call(tmp_path: Path) -> None:
    async with (
        Baresip(tmp_path, username="bob", answers=True) as bob,
        Pjsip(tmp_path, username="alice", microphone=speech(1.0)) as alice,
    ):
        await alice.dial(bob.uri)
        await alice.wait_for("media", state="active")
        await alice.hold()
        await alice.resume()
        await alice.press("5", method="rfc4733")
        await bob.wait_for("CALL_DTMF_START")
        await alice.hang_up()
        await bob.wait_for("CALL_CLOSED")
    assert bob.keys_received() == "5"


async def test_a_refused_command_is_told(tmp_path: Path) -> None:
    async with Pjsip(tmp_path, username="alice") as alice:
        with pytest.raises(PjsipError, match="dial was refused"):
            await alice.dial("not an address")
