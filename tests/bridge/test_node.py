"""A whole bridge on loopback: real sockets, real worker processes, phones of the test's own."""

import asyncio
import os
import re
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bridge.call.events import (
    BridgeEvent,
    CallChanged,
    CallInfo,
    CallMeasured,
    CallState,
    LineMeasured,
)
from bridge.config import BridgeConfig, DetectorLimits, Route, Trunk
from bridge.errors import NotConfirmedError
from bridge.media.line_masking import OPEN_LINE, LineMasking
from bridge.media.messages import CallId, RecorderState
from bridge.node import BridgeNode
from bridge.recording.keys_in_wav import read_channels
from bridge.rtp.packet import RtpPacket
from bridge.sdp.description import SessionDescription
from bridge.sip.events import Answered, ByeReceived, InviteReceived, Rejected
from tests.bridge.phone import HOST, LIMIT_S, Phone, description
from tests.support.ports import free_rtp_ports

RECORDING, PAUSED, FAILED = (
    RecorderState.RECORDING,
    RecorderState.PAUSED,
    RecorderState.FAILED,
)


class Bridge:
    """A running node and all that it told."""

    def __init__(self, config: BridgeConfig) -> None:
        self.told: list[BridgeEvent] = []
        self._news = asyncio.Event()
        self.node = BridgeNode(
            config,
            password_of=lambda user: None,
            on_event=self._tell,
            utc_now=lambda: datetime.now(UTC),
        )

    async def until(self, accept: Callable[[], bool]) -> None:
        """Return once `accept()` holds; it is asked again with every event."""
        async with asyncio.timeout(LIMIT_S):
            while not accept():
                self._news.clear()
                await self._news.wait()

    async def talking(self, calls: int = 1, recorder: RecorderState = RECORDING) -> list[CallInfo]:
        """Return the calls once there are so many connected ones, with their recorder in `recorder`."""

        def ready() -> bool:
            return [(c.state, c.recorder) for c in self.node.calls()] == [
                (CallState.TALKING, recorder)
            ] * calls

        await self.until(ready)
        return self.node.calls()

    async def ended(self, call: CallId) -> str:
        """Return why a call ended, once it has."""
        await self.until(lambda: bool(self.endings(call)))
        (reason,) = self.endings(call)
        return reason

    def endings(self, call: CallId) -> list[str]:
        """Return the reasons of all tellings that a call has ended."""
        return [
            event.reason
            for event in self.told
            if isinstance(event, CallChanged)
            and event.info.call == call
            and event.info.state is CallState.ENDED
        ]

    def line(self, call: CallId) -> list[tuple[bool, RecorderState]]:
        """Return what was told of gate and recorder, without repetitions."""
        states: list[tuple[bool, RecorderState]] = []
        for event in self.told:
            if isinstance(event, CallChanged) and event.info.call == call:
                now = (event.info.secure, event.info.recorder)
                states += [now] if states[-1:] != [now] else []
        return states

    def _tell(self, event: BridgeEvent) -> None:
        self.told.append(event)
        self._news.set()


@asynccontextmanager
async def running(bob: Phone, **changes: object) -> AsyncIterator[Bridge]:
    """Run a bridge that takes calls from loopback and rings `bob` for all of them."""
    values: dict[str, object] = {
        "host": HOST,
        "sip_port": 0,
        "calls_per_worker": 8,
        "worker_silence_s": 10.0,  # a busy machine is no hang
        "spare_worker": False,
        "trunks": (Trunk(name="loop", sources=("127.0.0.0/8",), destination=bob.address),),
        "routes": (Route(dialled=".*", to="trunk:loop"),),
    }
    bridge = Bridge(BridgeConfig(**(values | changes)))  # type: ignore[arg-type]  # tests change any
    await bridge.node.start()
    try:
        yield bridge
    finally:
        await bridge.node.stop()


class TestSecuring:
    async def test_each_step_is_confirmed_in_its_order(
        self, alice: Phone, bob: Phone, tmp_path: Path
    ) -> None:
        """The recorder is paused before the gate closes, and goes on after it has opened."""
        async with running(bob, recordings=tmp_path) as bridge:
            await alice.talk_to(bob, bridge.node.sip_address)
            ((call,)) = [info.call for info in await bridge.talking()]
            await bridge.node.secure(call)
            assert [(c.secure, c.recorder) for c in bridge.node.calls()] == [(True, PAUSED)]
            await bridge.node.release(call)
            assert bridge.line(call) == [
                (False, RecorderState.OFF),
                (False, RECORDING),
                (False, PAUSED),
                (True, PAUSED),
                (False, PAUSED),
                (False, RECORDING),
            ]

    async def test_how_the_line_is_masked_is_asked_for_confirmed_and_changed(
        self, alice: Phone, bob: Phone, tmp_path: Path
    ) -> None:
        async with running(bob, recordings=tmp_path) as bridge:
            await alice.talk_to(bob, bridge.node.sip_address)
            (info,) = await bridge.talking()
            await bridge.node.mute(info.call, muted=True)  # nothing to do: it is not secure
            await bridge.node.secure(info.call, LineMasking(hold_frames=2, even_beeps=True))
            (secure,) = bridge.node.calls()
            assert secure.masking == LineMasking(hold_frames=2, even_beeps=True)
            await bridge.node.mute(info.call, muted=True)
            (muted,) = bridge.node.calls()
            assert muted.masking == LineMasking(hold_frames=2, muted=True, even_beeps=True)
            await bridge.node.release(info.call)
            (opened,) = bridge.node.calls()
            assert opened.masking == OPEN_LINE
            await bridge.node.mute(CallId("never"), muted=True)

    async def test_two_at_once_and_then_one_release(
        self, alice: Phone, bob: Phone, tmp_path: Path
    ) -> None:
        async with running(bob, recordings=tmp_path) as bridge:
            await alice.talk_to(bob, bridge.node.sip_address)
            (info,) = await bridge.talking()
            await asyncio.gather(*(bridge.node.secure(info.call) for _ in range(2)))
            assert bridge.line(info.call)[-1] == (True, PAUSED)
            await bridge.node.release(info.call)
            assert bridge.line(info.call)[-1] == (False, RECORDING)

    async def test_a_recorder_that_cannot_write_is_named_and_nothing_is_secured(
        self, alice: Phone, bob: Phone, tmp_path: Path
    ) -> None:
        in_the_way = tmp_path / "recordings"
        in_the_way.write_text("a file where the folder should be")
        async with running(bob, recordings=in_the_way) as bridge:
            await alice.talk_to(bob, bridge.node.sip_address)
            (info,) = await bridge.talking(recorder=FAILED)
            with pytest.raises(NotConfirmedError, match=str(in_the_way)):
                await bridge.node.secure(info.call)
            assert bridge.line(info.call)[-1] == (False, FAILED)
            assert not any(secure for secure, _ in bridge.line(info.call))
            assert bridge.node.calls()[0].state is CallState.TALKING

    async def test_a_call_that_is_gone_cannot_be_secured_and_needs_no_release(
        self, bob: Phone
    ) -> None:
        async with running(bob) as bridge:
            with pytest.raises(NotConfirmedError, match="not connected"):
                await bridge.node.secure(CallId("never"))
            await bridge.node.release(CallId("never"))

    async def test_a_call_that_ends_while_it_is_secured(self, alice: Phone, bob: Phone) -> None:
        async with running(bob) as bridge:
            await alice.talk_to(bob, bridge.node.sip_address)
            (info,) = await bridge.talking(recorder=RecorderState.OFF)
            securing = asyncio.create_task(bridge.node.secure(info.call))
            await asyncio.sleep(0)
            bridge.node.hang_up(info.call, "enough")
            with pytest.raises(NotConfirmedError):
                await securing
            assert await bridge.ended(info.call) == "enough"


class TestDetector:
    LIMITS = DetectorLimits(lowest_level_dbm0=-30.0)

    def trunks(self, bob: Phone) -> tuple[Trunk, ...]:
        return (
            Trunk(name="inward", sources=("127.0.0.0/8",), detector=self.LIMITS),
            Trunk(name="outward", destination=bob.address),
        )

    async def test_keys_are_read_by_the_limits_of_the_trunk_that_the_caller_is_behind(
        self, alice: Phone, bob: Phone
    ) -> None:
        route = Route(dialled=".*", to="trunk:outward")
        async with running(bob, trunks=self.trunks(bob), routes=(route,)) as bridge:
            await alice.talk_to(bob, bridge.node.sip_address)
            (info,) = await bridge.talking(recorder=RecorderState.OFF)
            assert info.detector == self.LIMITS

    async def test_the_line_of_a_secured_call_is_told_of_after_its_end(
        self, alice: Phone, bob: Phone
    ) -> None:
        async with running(bob) as bridge:
            await alice.talk_to(bob, bridge.node.sip_address)
            (info,) = await bridge.talking(recorder=RecorderState.OFF)
            await bridge.node.secure(info.call)
            await bridge.node.release(info.call)
            bridge.node.hang_up(info.call, "enough")
            nothing = LineMeasured(call=info.call, line=None)
            await bridge.until(lambda: nothing in bridge.told)
            assert bridge.told.count(nothing) == 1
            before = bridge.told[: bridge.told.index(nothing)]
            assert isinstance(before[-1], CallMeasured)
            assert isinstance(before[-2], CallChanged)
            assert bridge.endings(info.call) == ["enough"]

    async def test_the_sound_of_a_call_is_told_of_after_its_end(
        self, alice: Phone, bob: Phone
    ) -> None:
        async with running(bob) as bridge:
            await alice.talk_to(bob, bridge.node.sip_address)
            (info,) = await bridge.talking(recorder=RecorderState.OFF)
            bridge.node.hang_up(info.call, "enough")
            await bridge.until(lambda: isinstance(bridge.told[-1], CallMeasured))
            told = bridge.told[-1]
            assert isinstance(told, CallMeasured)
            assert told.call == info.call
            assert bridge.endings(info.call) == ["enough"]


class TestStatistics:
    async def test_calls_and_workers_are_counted(self, alice: Phone, bob: Phone) -> None:
        async with running(bob) as bridge:
            await alice.talk_to(bob, bridge.node.sip_address)
            (info,) = await bridge.talking(recorder=RecorderState.OFF)
            await bridge.node.secure(info.call)
            told = bridge.node.statistics()
            assert (told.calls[CallState.TALKING], told.calls[CallState.RINGING]) == (1, 0)
            assert (told.secure_calls, told.media.calls, told.media.workers_configured) == (1, 1, 1)
            assert told.sip.datagrams > 0

    async def test_a_call_without_a_route_is_counted_by_its_status(
        self, alice: Phone, bob: Phone
    ) -> None:
        async with running(bob, trunks=()) as bridge:
            alice.dial(bridge.node.sip_address, "bob")
            rejected = await alice.told(Rejected)
            assert bridge.node.statistics().refused == {rejected.status: 1}


class TestRefusing:
    async def test_a_full_port_range_is_503_and_the_other_call_goes_on(
        self, alice: Phone, bob: Phone
    ) -> None:
        first, last = free_rtp_ports(4)  # two pairs: one call
        async with running(bob, rtp_first_port=first, rtp_last_port=last) as bridge, Phone() as eve:
            dialog = await alice.talk_to(bob, bridge.node.sip_address)
            (info,) = await bridge.talking(recorder=RecorderState.OFF)
            eve.dial(bridge.node.sip_address, "bob")
            rejected = await eve.told(Rejected)
            assert rejected.status == 503
            assert bridge.node.statistics().refused == {503: 1}
            assert rejected.retry_after is not None
            assert [call.call for call in bridge.node.calls()] == [info.call]
            alice.hang_up(dialog)
            await bob.told(ByeReceived)

    async def test_a_worker_without_ports_leaves_the_call_to_the_next(
        self, alice: Phone, bob: Phone
    ) -> None:
        """Two pairs for each of two workers; a test's own socket is on one of the first worker's ports."""
        first, last = free_rtp_ports(8)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as squatter:
            squatter.bind((HOST, first))
            config = {"rtp_first_port": first, "rtp_last_port": last, "workers": 2}
            async with running(bob, **config) as bridge, Phone() as eve:
                await alice.talk_to(bob, bridge.node.sip_address)
                await bridge.talking(recorder=RecorderState.OFF)
                eve.dial(bridge.node.sip_address, "bob")
                rejected = await eve.told(Rejected)
                assert (rejected.status, rejected.retry_after is not None) == (503, True)
                load = bridge.node.media_load()
                assert (load.calls, load.calls_refused, load.workers_running) == (1, 1, 2)

    async def test_who_is_no_trunk_and_no_phone_is_forbidden(
        self, alice: Phone, bob: Phone
    ) -> None:
        async with running(bob, trunks=(Trunk(name="far", sources=("192.0.2.0/24",)),)) as bridge:
            alice.dial(bridge.node.sip_address, "bob")
            assert (await alice.told(Rejected)).status == 403
            assert bridge.told == []

    async def test_malformed_datagrams_leave_everything_running(
        self, alice: Phone, bob: Phone
    ) -> None:
        noise = [
            b"",
            b"\0" * 3000,
            b"INVITE",
            b"INVITE sip:x SIP/2.0\r\n\r\n",
            b"SIP/2.0 200 OK\r\n\r\n",
        ]
        noise += [os.urandom(200) for _ in range(50)]
        async with running(bob) as bridge:
            dialog = await alice.talk_to(bob, bridge.node.sip_address)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
                for datagram in noise:
                    stranger.sendto(datagram, bridge.node.sip_address)
            (info,) = await bridge.talking(recorder=RecorderState.OFF)
            await bridge.node.secure(info.call)
            alice.hang_up(dialog)
            await bob.told(ByeReceived)
            assert await bridge.ended(info.call) == "the caller hung up"


class TestWorkers:
    async def test_calls_are_shared_evenly(self, alice: Phone, bob: Phone) -> None:
        async with running(bob, workers=2) as bridge:
            for _ in range(4):
                await alice.talk_to(bob, bridge.node.sip_address)
            calls = await bridge.talking(4, RecorderState.OFF)
            carriers = [bridge.node.worker_pid_of(info.call) for info in calls]
            assert sorted(carriers.count(pid) for pid in bridge.node.worker_pids()) == [2, 2]


class TestStartAndStop:
    async def test_stop_says_bye_and_leaves_whole_recordings(
        self, alice: Phone, bob: Phone, tmp_path: Path
    ) -> None:
        async with running(bob, recordings=tmp_path) as bridge:
            await alice.talk_to(bob, bridge.node.sip_address)
            (info,) = await bridge.talking()
            ringing = alice.dial(bridge.node.sip_address, "bob")
            await bob.told(InviteReceived)
        await alice.told(ByeReceived)
        assert (await alice.told(Rejected)).dialog == ringing
        await bob.told(ByeReceived)
        assert await bridge.ended(info.call) == "the gateway is stopping"
        left, right = read_channels(tmp_path / f"{info.call}.wav")
        assert len(left) == len(right) > 0
        assert os.listdir(tmp_path) == [f"{info.call}.wav"]

    async def test_a_bye_that_is_lost_is_sent_again_before_the_socket_is_closed(
        self, alice: Phone, bob: Phone, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with running(bob) as bridge:
            await alice.talk_to(bob, bridge.node.sip_address)
            await bridge.talking(recorder=RecorderState.OFF)
            receive, byes = alice.endpoint.receive_datagram, 0

            def lose_the_first(data: bytes, source: tuple[str, int], now: float) -> None:
                nonlocal byes
                byes += data.startswith(b"BYE ")
                if byes != 1:
                    receive(data, source, now)

            monkeypatch.setattr(alice.endpoint, "receive_datagram", lose_the_first)
        await alice.told(ByeReceived)
        assert byes == 2

    async def test_a_call_that_comes_while_the_gateway_stops_is_refused(
        self, alice: Phone, bob: Phone, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It would be left over: nobody would end it, and who plays a prompt on it would wait for ever."""
        monkeypatch.setattr("bridge.sip_front.GOODBYE_S", LIMIT_S)
        async with running(bob) as bridge:
            await alice.talk_to(bob, bridge.node.sip_address)
            await bridge.talking(recorder=RecorderState.OFF)
            receive, refused = bob.endpoint.receive_datagram, False

            def lose_byes(data: bytes, source: tuple[str, int], now: float) -> None:
                if refused or not data.startswith(b"BYE "):
                    receive(data, source, now)

            monkeypatch.setattr(bob.endpoint, "receive_datagram", lose_byes)
            stopping = asyncio.create_task(bridge.node.stop())
            await alice.told(ByeReceived)
            alice.dial(bridge.node.sip_address, "bob")
            assert (await alice.told(Rejected)).status == 503
            refused = True
            await stopping
            assert bridge.node.calls() == []

    async def test_a_taken_sip_port_is_named_and_nothing_is_left_running(self, bob: Phone) -> None:
        port = bob.address[1]
        with pytest.raises(OSError, match=re.escape(f"SIP on {HOST} port {port}")):
            async with running(bob, sip_port=port):
                pass

    async def test_workers_that_cannot_be_started_leave_no_socket_behind(
        self, bob: Phone, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The fixtures of every test look for sockets that are left."""

        async def fail(*args: str, **options: object) -> None:
            raise OSError(12, "Cannot allocate memory")

        monkeypatch.setattr(asyncio, "create_subprocess_exec", fail)
        with pytest.raises(OSError, match="allocate"):
            async with running(bob):
                pass

    async def test_sound_goes_from_one_phone_to_the_other_by_way_of_the_bridge(
        self, alice: Phone, bob: Phone
    ) -> None:
        async with running(bob) as bridge:
            alice.dial(bridge.node.sip_address, "bob")
            await bob.answer()
            answered = await alice.told(Answered)
            await bridge.talking(recorder=RecorderState.OFF)
            port = SessionDescription.parse(answered.body).media[0].port
            sound = RtpPacket(
                payload_type=0, sequence_number=7, timestamp=160, ssrc=5, payload=b"\x42" * 160
            )
            alice.rtp.sendto(bytes(sound), (HOST, port))
            async with asyncio.timeout(LIMIT_S):
                heard = await asyncio.get_running_loop().sock_recv(bob.rtp, 2048)
            assert RtpPacket.parse(heard).payload == sound.payload


class TestIpv6:
    async def test_a_call_is_made_secured_and_heard(self, tmp_path: Path) -> None:
        async with Phone("::1") as alice, Phone("::1") as bob:
            trunk = Trunk(name="loop", sources=("::1",), destination=bob.address)
            async with running(bob, host="::1", trunks=(trunk,), recordings=tmp_path) as bridge:
                await alice.talk_to(bob, bridge.node.sip_address)
                (info,) = await bridge.talking()
                await bridge.node.secure(info.call)
                assert bridge.line(info.call)[-1] == (True, PAUSED)
                await bridge.node.release(info.call)

    async def test_a_phone_whose_sound_is_on_ipv4_is_told_so(self) -> None:
        async with Phone("::1") as alice, Phone("::1") as bob:
            trunk = Trunk(name="loop", sources=("::1",), destination=bob.address)
            async with running(bob, host="::1", trunks=(trunk,)) as bridge:
                alice.dial(bridge.node.sip_address, "bob", description(4000))
                rejected = await alice.told(Rejected)
                assert rejected.status == 488
                assert "IPv4" in rejected.reason
