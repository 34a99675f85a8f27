"""What is measured: our gateway with its media workers, and the bare relay in C below which nothing can be."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from benchmarks.media_phones import HOST, Phones
from benchmarks.media_processes import allow_descriptors, pin, resident_bytes
from benchmarks.media_programs import Ports, compiled, read_line, started
from bridge.call.events import BridgeEvent, CallChanged, KeyPressed
from bridge.config import BridgeConfig, Route, Trunk
from bridge.media.messages import CallId
from bridge.node import BridgeNode
from dtmf.keys import HiddenKey
from ivr.app.call_control import BridgeCallControl
from ivr.session.line_masking import LineMasking
from ivr.session.view import CallId as SessionCallId

T = TypeVar("T")

_AT_ONCE: Final = 32
"Calls that are set up, or secured, at the same time."

_DESCRIPTORS_A_CALL: Final = 4
"RTP and RTCP of both sides."

_OTHER_DESCRIPTORS: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """A relay whose calls are set up."""

    pids: Sequence[int]
    "Of the processes that carry the packets."

    ports: Sequence[Ports]
    "Of each call."

    told: Sequence[Sequence[HiddenKey]] = field(default=(), repr=False)
    "Of each call: the keys that the relay has read so far. Empty for one that reads none."

    first_call_bytes: int = 0
    "Resident memory of the processes when they had one call."


class _Told:
    """The keys that the node reports, by call."""

    def __init__(self, calls: int) -> None:
        self.keys: list[list[HiddenKey]] = [[] for _ in range(calls)]
        self._numbers: dict[CallId, int] = {}

    def receive(self, event: BridgeEvent) -> None:
        match event:
            case CallChanged():
                self._numbers[event.info.call] = int(event.info.called)
            case KeyPressed():
                self.keys[self._numbers[event.call]].append(event.key)
            case _:
                pass


@asynccontextmanager
async def running_gateway(
    far_ends: Sequence[Ports], cores: Sequence[int], *, secure: bool
) -> AsyncIterator[Relay]:
    """Run a gateway with a media worker on each of `cores`; its calls are set up by SIP, and secured if wanted."""
    per_worker = -(-len(far_ends) // len(cores))
    allow_descriptors(_DESCRIPTORS_A_CALL * per_worker + _OTHER_DESCRIPTORS)
    told = _Told(len(far_ends))
    async with Phones() as phones:
        config = BridgeConfig(
            host=HOST,
            sip_port=0,
            workers=len(cores),
            calls_per_worker=per_worker,
            spare_worker=False,
            trunks=(Trunk(name="phones", sources=(HOST,), destination=phones.agents),),
            routes=(Route(dialled=".*", to="trunk:phones"),),
        )
        node = BridgeNode(
            config,
            password_of=lambda _: None,
            on_event=told.receive,
            utc_now=lambda: datetime.now(UTC),
        )
        await node.start()
        try:
            pids = node.worker_pids()
            for pid, core in zip(pids, cores, strict=True):
                pin(pid, core)

            async def call(number: int) -> Ports:
                return await phones.call(str(number), far_ends[number], node.sip_address)

            first = await call(0)
            first_call_bytes = sum(map(resident_bytes, pids))
            others = await _few_at_once(call(number) for number in range(1, len(far_ends)))
            if secure:
                control = BridgeCallControl(node)
                await _few_at_once(
                    control.secure(SessionCallId(info.call), LineMasking()) for info in node.calls()
                )
                assert all(info.secure for info in node.calls())
            yield Relay(
                pids=pids,
                ports=[first, *others],
                told=told.keys,
                first_call_bytes=first_call_bytes,
            )
        finally:
            await node.stop()


async def _few_at_once(steps: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Carry out all steps, a few at once, and return their results in order."""
    turn = asyncio.Semaphore(_AT_ONCE)

    async def carry_out(step: Coroutine[Any, Any, T]) -> T:
        async with turn:
            return await step

    return await asyncio.gather(*(carry_out(step) for step in steps))


@asynccontextmanager
async def running_floor(far_ends: Sequence[Ports], core: int, folder: Path) -> AsyncIterator[Relay]:
    """Run `media_floor` on `core`."""
    allow_descriptors(2 * len(far_ends) + _OTHER_DESCRIPTORS)
    async with started(compiled("media_floor", folder), str(len(far_ends))) as process:
        pin(process.pid, core)
        assert process.stdin is not None
        lines = (f"{ends.caller} {ends.agent}\n" for ends in far_ends)
        process.stdin.write("".join(lines).encode())
        await process.stdin.drain()
        said = [(await read_line(process)).split() for _ in far_ends]
        ports = [Ports(caller=int(caller), agent=int(agent)) for caller, agent in said]
        yield Relay(pids=[process.pid], ports=ports)
