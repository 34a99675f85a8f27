"""The SIPp driver makes a real call with digits in the audio and digits in SIP INFO."""

from pathlib import Path

import pytest

from tests.support import spandsp
from tests.support.baresip import Baresip
from tests.support.sipp import PlayAudio, PressKeys, SippAnswerer, run_caller
from tests.support.wav import caller_audio


@pytest.mark.e2e
@pytest.mark.peer("sipp")
async def test_stream_and_info_digits_reach_the_far_end(tmp_path: Path) -> None:
    read_digits = spandsp.reader()
    async with Baresip(tmp_path, username="bob", answers=True) as bob:
        result = await run_caller(
            tmp_path,
            remote=("127.0.0.1", bob.sip_port),
            service="bob",
            steps=[
                PlayAudio(pcm=caller_audio("4019#", before_s=0.5, after_s=0.3)),
                PressKeys(keys="58"),
            ],
        )
        assert result.ok, result.errors
        await bob.wait_for("CALL_CLOSED")
    assert read_digits(bob.heard()) == "4019#"
    assert result.messages.count("application/dtmf-relay") == 2


@pytest.mark.e2e
@pytest.mark.peer("sipp")
async def test_an_answerer_echoes_and_ends_with_the_call(tmp_path: Path) -> None:
    read_digits = spandsp.reader()
    audio = caller_audio("83", before_s=0.5, after_s=0.5)
    async with (
        SippAnswerer(tmp_path) as far_end,
        Baresip(tmp_path, username="alice", microphone=audio) as alice,
    ):
        await alice.dial(far_end.uri)
        await alice.heard_for(len(audio) / 8000)
        await alice.hang_up()
        result = await far_end.finished()
    assert result.ok, result.errors
    assert read_digits(alice.heard()) == "83"


@pytest.mark.e2e
@pytest.mark.peer("sipp")
async def test_a_refused_call_is_reported(tmp_path: Path) -> None:
    async with Baresip(tmp_path, username="bob") as bob:
        # Nobody picks up, and a scenario that waits for 200 gets 404 for an unknown account.
        result = await run_caller(
            tmp_path, remote=("127.0.0.1", bob.sip_port), service="nobody", steps=[]
        )
    assert not result.ok
    assert "404" in result.messages
