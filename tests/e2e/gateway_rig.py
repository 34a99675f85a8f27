"""A gateway on loopback with kernel-chosen ports, and an agent at its desk."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, TypeVar

from ivr.app.gateway import Gateway
from ivr.config import Config, MediaTable, RtpTable, SipTable, TrunkTable, WebTable
from ivr.config_detector import DetectorTable
from ivr.session.view import AgentId, AgentView, CallView, StartPayment
from ivr.session.words import InteractionType, RecorderState, Role, Status
from tests.support.ports import LOOPBACK

T = TypeVar("T")

LIMIT_S: Final = 40.0
"Longest wait for something that takes a second or two on an idle machine."

PASSWORD: Final = "correct-horse-battery"
ENDED: Final = frozenset({Status.SUCCEEDED, Status.FAILED, Status.CANCELLED, Status.REVIEW})


def config_for(
    folder: Path,
    *,
    agents: tuple[str, ...] = ("agent",),
    workers: int = 1,
    detector: DetectorTable | None = None,
    silence_limit_ms: int = 10_000,
    spare_worker: bool = False,
    **changes: object,
) -> Config:
    """Return a configuration that takes calls from anybody on loopback, whose keys are read by `detector`.

    `silence_limit_ms`: long, so that a busy machine is no worker that hangs.
    """
    trunk = TrunkTable(
        name="loopback", sources=["127.0.0.0/8"], detector=detector or DetectorTable()
    )
    values: dict[str, object] = {
        "data": folder / "var",
        "sip": SipTable(
            host=LOOPBACK,
            port=0,
            phones=dict.fromkeys(agents, PASSWORD),
            trunks=[trunk],
        ),
        "rtp": RtpTable(),
        "media": MediaTable(
            workers=workers, silence_limit_ms=silence_limit_ms, spare_worker=spare_worker
        ),
        "web": WebTable(port=0),
    }
    return Config(**(values | changes))  # type: ignore[arg-type]  # tests change any of them


@asynccontextmanager
async def running_gateway(config: Config) -> AsyncIterator[Gateway]:
    """Run a gateway whose phones are users of the panel too."""
    gateway = await Gateway.start(config)
    try:
        for agent in config.sip.phones:
            if gateway.first_user is None or gateway.first_user.username != agent:
                await gateway.users.create_user(
                    agent,
                    display_name=agent.title(),
                    password=PASSWORD,
                    roles=[Role.AGENT],
                    by="test",
                )
        yield gateway
    finally:
        await gateway.stop()


async def registered(gateway: Gateway, *users: str) -> None:
    """Return once these phones are registered."""
    async with asyncio.timeout(LIMIT_S):
        while any(gateway.node.location_of(user) is None for user in users):  # noqa: ASYNC110  # a registration only shows in the log
            await asyncio.sleep(0.02)


async def worker_replaced(gateway: Gateway, dead_pid: int, *, workers: int = 2) -> None:
    """Return once another media worker runs in the dead one's place."""
    async with asyncio.timeout(LIMIT_S):
        while dead_pid in (pids := gateway.node.worker_pids()) or len(pids) < workers:  # noqa: ASYNC110  # nothing tells
            await asyncio.sleep(0.02)


def dial_string(gateway: Gateway, user: str = "agent") -> str:
    """Return what a caller dials to reach an agent."""
    return f"sip:{user}@{LOOPBACK}:{gateway.node.sip_address[1]}"


class Agent:
    """An agent who works through the desk, as the panel does."""

    def __init__(self, gateway: Gateway, name: str = "agent") -> None:
        self._desk, self._name = gateway.desk, AgentId(name)

    async def call(self, state: str = "talking") -> CallView:
        """Return the agent's call once it is in `state`."""
        return await self.call_where(lambda call: call.state == state)

    async def call_where(self, accept: Callable[[CallView], bool]) -> CallView:
        """Return the agent's call once it is as wanted."""
        return await self._until(
            lambda: next((c for c in self._desk.calls(self._name) if accept(c)), None)
        )

    async def take_payment(
        self, call: CallView, *, amount: str = "12.50", profile: str = "bills"
    ) -> AgentView:
        """Start a payment on the call; the line is secure when this returns."""
        request = StartPayment(
            call=call.call,
            payee="Northern Water",
            interaction_type=InteractionType.BILL,
            profile=profile,
            amount=amount,
            reason="invoice 17",
        )
        return await self._desk.start(self._name, request)

    async def session(self, view: AgentView, accept: Callable[[AgentView], bool]) -> AgentView:
        """Return the session's view once it is as wanted; fail where it ends otherwise."""

        def look() -> AgentView | None:
            now = next(v for v in self._desk.sessions(self._name) if v.session == view.session)
            if not accept(now) and now.status in ENDED:
                raise AssertionError(
                    f"the session ended as {now.status} ({now.result}): {now.message}"
                )
            return now if accept(now) else None

        return await self._until(look)

    async def collected(self, view: AgentView) -> AgentView:
        """Return the view when every field is valid."""
        return await self.session(view, lambda now: now.status is Status.COLLECTED)

    async def released(self, call: CallView) -> CallView:
        """Return the call once its line is open again and the recorder goes on."""

        def look() -> CallView | None:
            now = next(c for c in self._desk.calls(self._name) if c.call == call.call)
            return None if now.secure or now.recorder is not RecorderState.RECORDING else now

        return await self._until(look)

    async def submit(self, view: AgentView) -> AgentView:
        """Charge the card."""
        return await self._desk.submit(self._name, view.session)

    async def _until(self, look: Callable[[], T | None]) -> T:
        """Return what `look` finds; look again with every update of the desk."""
        async with asyncio.timeout(LIMIT_S), self._desk.updates(self._name) as updates:
            if (found := look()) is not None:
                return found
            async for _ in updates:
                if (found := look()) is not None:
                    return found
        raise AssertionError("the desk closed")
