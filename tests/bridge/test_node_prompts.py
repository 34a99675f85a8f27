"""Prompts through a whole bridge on loopback: asked of the node, heard by the test's phone."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.errors import PromptError
from bridge.media.messages import CallId, Leg, PromptEnd, RecorderState
from bridge.prompts.prompter import prompt_frames
from bridge.rtp.g711 import encode
from bridge.rtp.packet import RtpPacket
from tests.bridge.phone import LIMIT_S, Phone
from tests.bridge.test_node import Bridge, running
from tests.bridge.test_node_moves import moved, pid_of
from tests.support.wav import Pcm, speech, write_wav

OFF = RecorderState.OFF
PROMPT = speech(0.3)


@pytest.fixture
async def bridge(alice: Phone, bob: Phone) -> AsyncIterator[Bridge]:
    async with running(bob, workers=2) as bridge:  # where one is killed, the other is there at once
        await alice.talk_to(bob, bridge.node.sip_address)
        yield bridge


async def the_call(bridge: Bridge) -> CallId:
    """Return the call once it is connected."""
    (info,) = await bridge.talking(recorder=OFF)
    return info.call


async def hears(phone: Phone, pcm: Pcm) -> None:
    """Return once a phone has heard a prompt, frame by frame."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(LIMIT_S):
        for frame in prompt_frames(pcm):
            packet = RtpPacket.parse(await loop.sock_recv(phone.rtp, 2048))
            assert packet.payload == encode(frame, "PCMU")


async def hears_a_prompt(phone: Phone) -> None:
    """Return once something reaches a phone to which nobody speaks."""
    async with asyncio.timeout(LIMIT_S):
        await asyncio.get_running_loop().sock_recv(phone.rtp, 2048)


async def test_either_side_is_prompted_and_the_end_is_told(
    bridge: Bridge, alice: Phone, bob: Phone, tmp_path: Path
) -> None:
    call = await the_call(bridge)
    path = write_wav(tmp_path / "prompt.wav", PROMPT)
    for leg, phone in ((Leg.CALLER, alice), (Leg.AGENT, bob)):
        async with asyncio.timeout(LIMIT_S):
            assert await bridge.node.play(call, leg, path) is PromptEnd.FINISHED
        await hears(phone, PROMPT)


async def test_one_that_is_stopped(bridge: Bridge, alice: Phone, tmp_path: Path) -> None:
    call = await the_call(bridge)
    path = write_wav(tmp_path / "prompt.wav", speech(50.0))
    playing = asyncio.create_task(bridge.node.play(call, Leg.CALLER, path))
    await hears_a_prompt(alice)
    bridge.node.stop_prompt(call, Leg.AGENT)
    bridge.node.stop_prompt(call, Leg.CALLER)
    async with asyncio.timeout(LIMIT_S):
        assert await playing is PromptEnd.STOPPED


async def test_what_cannot_be_played_is_named(bridge: Bridge, tmp_path: Path) -> None:
    call = await the_call(bridge)
    with pytest.raises(PromptError, match=r"missing\.wav: .* No such file"):
        await bridge.node.play(call, Leg.CALLER, tmp_path / "missing.wav")
    with pytest.raises(PromptError, match=r"missing\.wav: .* the call is not connected"):
        await bridge.node.play(CallId("never"), Leg.CALLER, tmp_path / "missing.wav")


@pytest.mark.parametrize("whole_gateway", [False, True])
async def test_the_end_of_the_call_ends_it(
    bridge: Bridge, alice: Phone, tmp_path: Path, whole_gateway: bool
) -> None:
    call = await the_call(bridge)
    path = write_wav(tmp_path / "prompt.wav", speech(50.0))
    playing = asyncio.create_task(bridge.node.play(call, Leg.CALLER, path))
    await hears_a_prompt(alice)
    async with asyncio.timeout(LIMIT_S):
        if whole_gateway:
            await bridge.node.stop()
        else:
            bridge.node.hang_up(call, "enough")
        assert await playing is PromptEnd.CALL_CLOSED


async def test_a_worker_that_dies_ends_it_and_the_call_can_be_prompted_again(
    bridge: Bridge, alice: Phone, bob: Phone, tmp_path: Path
) -> None:
    call = await the_call(bridge)
    path = write_wav(tmp_path / "prompt.wav", speech(50.0))
    playing = asyncio.create_task(bridge.node.play(call, Leg.CALLER, path))
    await hears_a_prompt(alice)
    os.kill(pid_of(bridge, call), signal.SIGKILL)
    async with asyncio.timeout(LIMIT_S):
        assert await playing is PromptEnd.MEDIA_LOST
    with pytest.raises(PromptError, match="not connected"):
        await bridge.node.play(call, Leg.CALLER, path)
    await alice.answer_reinvite()
    await bob.answer_reinvite()
    await moved(bridge, call)
    path = write_wav(tmp_path / "short.wav", PROMPT)
    async with asyncio.timeout(LIMIT_S):
        assert await bridge.node.play(call, Leg.CALLER, path) is PromptEnd.FINISHED
