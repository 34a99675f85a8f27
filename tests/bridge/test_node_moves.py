"""Worker processes that die or hang below a whole bridge on loopback: what becomes of their calls."""

import asyncio
import os
import signal

import pytest

from bridge.call.events import BridgeEvent, CallChanged, MediaInterrupted, MediaLost, MediaMoved
from bridge.errors import NotConfirmedError
from bridge.media.line_masking import LineMasking
from bridge.media.messages import CallId, RecorderState
from bridge.rtp.packet import RtpPacket
from bridge.sip.events import ByeReceived, Rejected
from tests.bridge.phone import LIMIT_S, Phone
from tests.bridge.test_node import Bridge, running
from tests.support.leaks import live_children

OFF, PAUSED = RecorderState.OFF, RecorderState.PAUSED
MASKING = LineMasking(hold_frames=2, muted=True)


def pid_of(bridge: Bridge, call: CallId) -> int:
    """Return the process id of a call's worker."""
    pid = bridge.node.worker_pid_of(call)
    assert pid is not None
    return pid


def media_events(bridge: Bridge) -> list[BridgeEvent]:
    """Return what was told of lost workers."""
    kinds = (MediaInterrupted, MediaLost, MediaMoved)
    return [event for event in bridge.told if isinstance(event, kinds)]


async def moved(bridge: Bridge, call: CallId) -> None:
    """Return once a call goes on with another worker."""
    await bridge.until(lambda: MediaMoved(call=call) in bridge.told)


async def spare_ready(bridge: Bridge) -> None:
    """Return once a further process waits to take a lost worker's place."""
    async with asyncio.timeout(LIMIT_S):
        while not bridge.node.media_load().spare_ready:  # noqa: ASYNC110  # a spare process tells nobody
            await asyncio.sleep(0.02)


async def hears(listener: Phone, speaker: Phone, port: int) -> None:
    """Return once what `speaker` sends to the bridge's `port` is heard by the other phone."""
    loop = asyncio.get_running_loop()
    hearing = loop.create_task(loop.sock_recv(listener.rtp, 2048))
    async with asyncio.timeout(LIMIT_S):
        sequence_number = 0
        while not hearing.done():
            sequence_number += 1
            sound = RtpPacket(
                payload_type=0,
                sequence_number=sequence_number,
                timestamp=160 * sequence_number,
                ssrc=5,
                payload=b"\x42" * 160,
            )
            speaker.rtp.sendto(bytes(sound), (speaker.host, port))
            await asyncio.wait((hearing,), timeout=0.02)
    assert RtpPacket.parse(hearing.result()).payload == sound.payload


class TestMoved:
    async def test_a_killed_workers_calls_go_on_with_another_and_the_others_notice_nothing(
        self, alice: Phone, bob: Phone
    ) -> None:
        async with running(bob, workers=2) as bridge:
            for _ in range(2):
                await alice.talk_to(bob, bridge.node.sip_address)
            doomed, other = await bridge.talking(2, OFF)
            victim, survivor = (pid_of(bridge, info.call) for info in (doomed, other))
            assert victim != survivor
            await bridge.node.secure(other.call)
            os.kill(victim, signal.SIGKILL)
            port = await alice.answer_reinvite()
            await bob.answer_reinvite()
            await moved(bridge, doomed.call)
            await hears(bob, alice, port)
            assert media_events(bridge) == [
                MediaInterrupted(call=doomed.call),
                MediaMoved(call=doomed.call),
            ]
            assert [(c.call, c.secure) for c in bridge.node.calls()] == [
                (doomed.call, False),
                (other.call, True),
            ]
            assert pid_of(bridge, doomed.call) != victim
            assert pid_of(bridge, other.call) == survivor

    @pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
    async def test_a_secure_line_comes_back_secure_where_there_is_only_the_new_worker(
        self, alice: Phone, bob: Phone, number: signal.Signals, tmp_path: object
    ) -> None:
        """SIGSTOP is a worker that hangs: it is found by its silence, killed and replaced."""
        async with running(bob, recordings=tmp_path, worker_silence_s=0.5) as bridge:
            await alice.talk_to(bob, bridge.node.sip_address)
            (info,) = await bridge.talking()
            await bridge.node.secure(info.call, MASKING)
            before = len(bridge.told)
            os.kill(pid_of(bridge, info.call), number)
            await alice.answer_reinvite()
            await bob.answer_reinvite()
            await moved(bridge, info.call)
            (secure,) = bridge.node.calls()
            assert (secure.secure, secure.recorder, secure.masking) == (True, PAUSED, MASKING)
            told = [event.info for event in bridge.told[before:] if isinstance(event, CallChanged)]
            lines = [(info.secure, info.recorder) for info in told]
            assert list(dict.fromkeys(lines)) == [
                (False, OFF),
                (False, RecorderState.RECORDING),
                (False, PAUSED),
                (True, PAUSED),
            ]
            await bridge.node.release(info.call)
            assert [c.recorder for c in bridge.node.calls()] == [RecorderState.RECORDING]

    async def test_a_hung_worker_is_killed_and_replaced(self, alice: Phone, bob: Phone) -> None:
        async with running(bob, worker_silence_s=0.5) as bridge:
            await alice.talk_to(bob, bridge.node.sip_address)
            (info,) = await bridge.talking(recorder=OFF)
            hung = pid_of(bridge, info.call)
            os.kill(hung, signal.SIGSTOP)
            await alice.answer_reinvite()
            await bob.answer_reinvite()
            await moved(bridge, info.call)
            assert bridge.node.worker_pids() == [pid_of(bridge, info.call)]
            assert bridge.node.worker_pids() != [hung]
            assert bridge.node.media_load().workers_lost == 1

    async def test_a_process_that_was_there_already_takes_a_hung_workers_place(
        self, alice: Phone, bob: Phone
    ) -> None:
        """So that a secure call need not wait for the start of one, and a spare one is ready for the next loss."""
        async with running(bob, worker_silence_s=0.5, spare_worker=True) as bridge:
            await alice.talk_to(bob, bridge.node.sip_address)
            (info,) = await bridge.talking(recorder=OFF)
            await bridge.node.secure(info.call, MASKING)
            await spare_ready(bridge)
            hung, before = pid_of(bridge, info.call), live_children()
            os.kill(hung, signal.SIGSTOP)
            await alice.answer_reinvite()
            await bob.answer_reinvite()
            await moved(bridge, info.call)
            assert pid_of(bridge, info.call) in before.keys() - {hung}
            assert [(c.secure, c.masking) for c in bridge.node.calls()] == [(True, MASKING)]
            await spare_ready(bridge)
            assert bridge.node.worker_pids() == [pid_of(bridge, info.call)]


class TestEnded:
    async def test_a_call_whose_side_refuses_is_ended_and_the_loss_is_told_before(
        self, alice: Phone, bob: Phone
    ) -> None:
        async with running(bob) as bridge:
            await alice.talk_to(bob, bridge.node.sip_address)
            (info,) = await bridge.talking(recorder=OFF)
            os.kill(pid_of(bridge, info.call), signal.SIGKILL)
            await alice.answer_reinvite(488)
            assert "the caller cannot be moved: 488" in await bridge.ended(info.call)
            await alice.told(ByeReceived)
            await bob.told(ByeReceived)
            assert media_events(bridge) == [
                MediaInterrupted(call=info.call),
                MediaLost(call=info.call),
            ]
            assert bridge.told.index(MediaLost(call=info.call)) < len(bridge.told) - 1

    async def test_a_call_that_loses_a_second_worker_soon_is_not_given_a_third(
        self, alice: Phone, bob: Phone
    ) -> None:
        """It may be what ends them, and would take others' calls with it."""
        async with running(bob) as bridge:
            await alice.talk_to(bob, bridge.node.sip_address)
            (info,) = await bridge.talking(recorder=OFF)
            os.kill(pid_of(bridge, info.call), signal.SIGKILL)
            await alice.answer_reinvite()
            await bob.answer_reinvite()
            await moved(bridge, info.call)
            os.kill(pid_of(bridge, info.call), signal.SIGKILL)
            assert "worker" in await bridge.ended(info.call)
            await alice.told(ByeReceived)
            assert media_events(bridge)[-1] == MediaLost(call=info.call)

    async def test_a_worker_killed_while_a_line_is_secured_fails_it(
        self, alice: Phone, bob: Phone
    ) -> None:
        async with running(bob) as bridge:
            await alice.talk_to(bob, bridge.node.sip_address)
            (info,) = await bridge.talking(recorder=OFF)
            pid = bridge.node.worker_pid_of(info.call)
            assert pid is not None
            os.kill(pid, signal.SIGSTOP)  # so that it cannot confirm before it dies
            securing = asyncio.create_task(bridge.node.secure(info.call))
            await asyncio.sleep(0)
            os.kill(pid, signal.SIGKILL)
            with pytest.raises(NotConfirmedError):
                await securing
            bridge.node.hang_up(info.call, "the test is over")

    async def test_a_call_without_a_worker_before_it_has_ports_is_503(
        self, alice: Phone, bob: Phone
    ) -> None:
        async with running(bob) as bridge:
            (pid,) = bridge.node.worker_pids()
            os.kill(pid, signal.SIGSTOP)
            alice.dial(bridge.node.sip_address, "bob")
            async with asyncio.timeout(LIMIT_S):
                while not bridge.node.calls():  # noqa: ASYNC110  # a call is first told when it rings
                    await asyncio.sleep(0)
            os.kill(pid, signal.SIGKILL)
            assert (await alice.told(Rejected)).status == 503
            assert bridge.node.calls() == []
