"""The load counts what a relay does to packets: relays of the test's own that do one thing wrong each."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest

from benchmarks.media_programs import Counts, Flood, MediaLoad, Ports, running_load
from benchmarks.media_sound import track
from tests.support.peers import require_program

_HOST = "127.0.0.1"
_WARM, _FRAMES = 5, 50
_HEADER = 12

Treat = Callable[[bytes], bytes | None]


class _Leg(asyncio.DatagramProtocol):
    """One port of a relay. What comes in goes out of `other`, as `treat` has it."""

    def __init__(self, treat: Treat, far_port: int) -> None:
        self._treat, self.far_port = treat, far_port
        self.received = 0
        self.other: _Leg | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.received += 1
        treated = self._treat(data)
        if treated is not None and self.other is not None:
            self.other.transport.sendto(treated, (_HOST, self.other.far_port))

    @property
    def port(self) -> int:
        port: int = self.transport.get_extra_info("sockname")[1]
        return port


@asynccontextmanager
async def _relay(load: MediaLoad, treat: Callable[[], Treat]) -> AsyncIterator[Sequence[_Leg]]:
    """Relay every call of `load`; each direction has a `treat` of its own."""
    legs: list[_Leg] = []
    loop = asyncio.get_running_loop()
    for ends in load.far_ends:
        for port in (ends.caller, ends.agent):
            _, leg = await loop.create_datagram_endpoint(
                lambda port=port: _Leg(treat(), port),  # type: ignore[misc]
                local_addr=(_HOST, 0),
            )
            legs.append(leg)
    for caller, agent in zip(legs[::2], legs[1::2], strict=True):
        caller.other, agent.other = agent, caller
    try:
        await load.dial(
            [
                Ports(caller=a.port, agent=b.port)
                for a, b in zip(legs[::2], legs[1::2], strict=True)
            ],
            range(len(load.far_ends)),
        )
        yield legs
    finally:
        for leg in legs:
            leg.transport.close()
        await asyncio.sleep(0)


async def _counted(
    folder: Path, treat: Callable[[], Treat], *, calls: int = 2, flood: Flood | None = None
) -> tuple[Counts, Sequence[_Leg]]:
    require_program("cc")
    path = folder / "track"
    track(20.0, seed=3).write(path)
    async with running_load(folder, path, calls) as load, _relay(load, treat) as legs:
        await load.begin(_WARM, _FRAMES, flood)
        await load.sent(_FRAMES)
        return await load.counts(), legs


def _as_it_is() -> Treat:
    return lambda packet: packet


async def test_a_good_relay_loses_nothing(tmp_path: Path) -> None:
    counts, _ = await _counted(tmp_path, _as_it_is)
    for way in (counts.from_caller, counts.from_agent):
        assert (way.sent, way.received, way.lost) == (110, 110, 0)
        assert (way.found, way.timed) == (110, 100)
        assert 0 < way.p50_ms <= way.p99_ms <= way.p999_ms <= way.max_ms
    assert (counts.frames, counts.foreign, counts.flooded) == ([_WARM + _FRAMES] * 2, 0, 0)


async def test_every_lost_packet_is_counted(tmp_path: Path) -> None:
    def drops_every_fifth() -> Treat:
        seen = 0

        def treat(packet: bytes) -> bytes | None:
            nonlocal seen
            seen += 1
            return None if seen % 5 == 0 else packet

        return treat

    counts, _ = await _counted(tmp_path, drops_every_fifth)
    assert (counts.from_caller.lost, counts.from_agent.lost) == (22, 22)
    assert counts.lost == 44


async def test_a_frame_that_is_held_back_shows_as_delay(tmp_path: Path) -> None:
    def holds_one_frame() -> Treat:
        held = b"\xff" * 160

        def treat(packet: bytes) -> bytes:
            nonlocal held
            out, held = packet[:_HEADER] + held, packet[_HEADER:]
            return out

        return treat

    prompt, _ = await _counted(tmp_path, _as_it_is)
    counts, _ = await _counted(tmp_path, holds_one_frame)
    assert counts.lost == 0
    assert counts.from_caller.p50_ms > prompt.from_caller.p50_ms + 10


async def test_a_masked_frame_is_received_and_not_found(tmp_path: Path) -> None:
    counts, _ = await _counted(tmp_path, lambda: lambda packet: packet[:_HEADER] + b"\xff" * 160)
    assert (counts.lost, counts.from_caller.found, counts.from_caller.timed) == (0, 0, 0)


@pytest.mark.parametrize(("one", "other"), [(b"\x7f", b"\xff"), (b"\xff", b"\x7f")])
async def test_either_zero_of_mu_law_is_the_same_frame(
    one: bytes, other: bytes, tmp_path: Path
) -> None:
    counts, _ = await _counted(
        tmp_path, lambda: lambda packet: packet[:_HEADER] + packet[_HEADER:].replace(one, other)
    )
    assert counts.from_caller.found == 110


async def test_another_packet_than_a_call_expects_is_foreign(tmp_path: Path) -> None:
    counts, _ = await _counted(tmp_path, lambda: lambda packet: packet[:-1])
    assert (counts.foreign, counts.lost) == (220, 220)


@pytest.mark.parametrize("by_stranger", [False, True])
async def test_a_flooded_call_is_left_out(by_stranger: bool, tmp_path: Path) -> None:
    flood = Flood(packets_a_second=2000, by_stranger=by_stranger)
    counts, legs = await _counted(tmp_path, _as_it_is, flood=flood)
    assert counts.flooded == 2000 // 50 * (_WARM + _FRAMES)
    assert legs[0].received == counts.flooded + _WARM + _FRAMES
    assert (counts.from_caller.sent, counts.from_caller.received) == (55, 55)


async def test_forgetting_starts_afresh(tmp_path: Path) -> None:
    require_program("cc")
    path = tmp_path / "track"
    track(20.0, seed=3).write(path)
    async with running_load(tmp_path, path, 1) as load, _relay(load, _as_it_is):
        for frames in (20, 10):
            load.forget()
            await load.begin(0, frames)
            await load.sent(frames)
            counts = await load.counts()
            assert (counts.from_caller.sent, counts.from_caller.timed) == (frames, frames)
    assert counts.frames == [30]


async def test_calls_begin_one_after_another(tmp_path: Path) -> None:
    calls, starting = 4, 12
    legs: list[int] = []
    heard: list[int] = []

    def tells_when_it_begins() -> Treat:
        call = len(legs) // 2
        legs.append(call)

        def treat(packet: bytes) -> bytes:
            if heard.count(call) < 2:
                heard.append(call)
            return packet

        return treat

    require_program("cc")
    path = tmp_path / "track"
    track(20.0, seed=3).write(path)
    async with running_load(tmp_path, path, calls) as load, _relay(load, tells_when_it_begins):
        await load.start(starting)
        assert heard == [0, 0, 1, 1, 2, 2, 3, 3]
        await load.begin(_WARM, _FRAMES)
        await load.sent(_FRAMES)
        counts = await load.counts()
    talked = _WARM + _FRAMES
    assert counts.frames == [talked + 10, talked + 7, talked + 4, talked + 1]
    assert counts.from_caller.sent == counts.from_caller.received == sum(counts.frames)
    assert counts.from_caller.timed == calls * _FRAMES


async def test_calls_that_have_begun_go_on_together(tmp_path: Path) -> None:
    require_program("cc")
    path = tmp_path / "track"
    track(20.0, seed=3).write(path)
    async with running_load(tmp_path, path, 3) as load, _relay(load, _as_it_is):
        await load.start(6)
        await load.begin(0, 10)
        await load.sent(10)
        first = await load.counts()
        await load.begin(0, 10)
        await load.sent(10)
        assert (await load.counts()).frames == [sent + 10 for sent in first.frames]


async def test_more_calls_than_frames_begin_several_at_once(tmp_path: Path) -> None:
    require_program("cc")
    path = tmp_path / "track"
    track(20.0, seed=3).write(path)
    async with running_load(tmp_path, path, 5) as load, _relay(load, _as_it_is):
        await load.start(2)
        await load.begin(0, 1)
        await load.sent(1)
        assert (await load.counts()).frames == [3, 3, 2, 2, 2]


@pytest.mark.parametrize("more", [0, 1])
async def test_a_packet_that_came_before_its_time_is_not_lost_later(
    more: int, tmp_path: Path
) -> None:
    require_program("cc")
    path = tmp_path / "track"
    track(20.0, seed=3).write(path)
    treated = 0

    def fills_a_pause_and_sends_less_later() -> Treat:
        nonlocal treated
        treated += 1
        from_caller, seen = treated == 1, 0

        def treat(packet: bytes) -> bytes | None:
            nonlocal seen
            seen += 1
            if from_caller and seen == 5 and more:
                legs[1].transport.sendto(packet, (_HOST, legs[1].far_port))
            return None if from_caller and seen == 15 else packet

        return treat

    async with (
        running_load(tmp_path, path, 1) as load,
        _relay(load, fills_a_pause_and_sends_less_later) as legs,
    ):
        lost = []
        for _ in range(2):
            load.forget()
            await load.begin(0, 10)
            await load.sent(10)
            lost.append((await load.counts()).lost)
    assert lost == [0, 1 - more]


async def test_what_no_call_expects_does_not_keep_the_load_waiting(tmp_path: Path) -> None:
    require_program("cc")
    path = tmp_path / "track"
    track(20.0, seed=3).write(path)
    async with running_load(tmp_path, path, 1) as load, _relay(load, _as_it_is) as legs:

        async def report_for_ever() -> None:
            while True:
                legs[0].transport.sendto(b"\x80\xc8" + bytes(26), (_HOST, legs[0].far_port))
                await asyncio.sleep(0.1)

        reporting = asyncio.create_task(report_for_ever())
        await load.begin(0, 5)
        await load.sent(5)
        counts = await load.counts()
        reporting.cancel()
    assert counts.foreign > 0
    assert counts.lost == 0
