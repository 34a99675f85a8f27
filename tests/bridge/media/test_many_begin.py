"""Many calls that begin at once: all are heard from their first packet on, and none of it is treated one by one."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import pytest
from numpy.typing import NDArray

from bridge.media import messages as m
from bridge.media.calls import WorkerCalls
from bridge.media.intake import MAX_FIRSTS
from bridge.media.settings import WorkerSettings
from tests.bridge.media.call_rig import FRAME, HOST, Phone, murmur

CALLS: Final = MAX_FIRSTS + 8
QUEUED: Final = 6
"Packets that each caller has sent before the worker looks."


class Crowd:
    """Callers who all have talked for a while; their agents listen."""

    def __init__(self) -> None:
        self.calls = WorkerCalls(
            WorkerSettings(host=HOST, first_port=0, last_port=0, calls=CALLS), self._report
        )
        self.callers = [Phone(telephone_event=-1) for _ in range(CALLS)]
        self.agents = [Phone(telephone_event=-1) for _ in range(CALLS)]
        self.calls.path.now = 1000.0
        for number, (caller, agent) in enumerate(zip(self.callers, self.agents, strict=True)):
            name = m.CallId(str(number))
            self.calls.handle(m.OpenCall(call=name))
            caller.to, agent.to = self._opened.caller_port, self._opened.agent_port
            self._describe(name, m.Leg.CALLER, caller)
            self._describe(name, m.Leg.AGENT, agent)
        self.sound = murmur(FRAME * QUEUED)
        for caller in self.callers:
            for frame in self.sound.reshape(-1, FRAME):
                caller.send(caller.frame(frame))

    def _report(self, report: m.Report) -> None:
        if isinstance(report, m.CallOpened):
            self._opened = report

    def _describe(self, call: m.CallId, leg: m.Leg, phone: Phone) -> None:
        self.calls.handle(
            m.SetLeg(
                call=call,
                leg=leg,
                host=HOST,
                port=phone.sock.getsockname()[1],
                codec="PCMU",
                payload_type=0,
                telephone_event=-1,
                telephone_event_in=-1,
                send=True,
                receive=True,
                rtcp_host=HOST,
                rtcp_port=0,
                rtcp_mux=False,
            )
        )

    def close(self) -> None:
        self.calls.close()
        for phone in self.callers + self.agents:
            phone.sock.close()


@pytest.fixture
def crowd() -> Iterator[Crowd]:
    crowd = Crowd()
    yield crowd
    crowd.close()


def test_everybody_is_heard_from_the_first_packet_on(crowd: Crowd) -> None:
    crowd.calls.intake.drain()
    crowd.calls.intake.drain()
    for agent in crowd.agents:
        assert [len(packet.payload) for packet in agent.listen()] == [FRAME] * QUEUED
        assert len({packet.sequence_number for packet in agent.heard}) == QUEUED
        assert agent.sound().shape == crowd.sound.shape
        assert np.abs(agent.sound() - crowd.sound).max() < 100


def test_what_waited_is_treated_together(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    batches: list[int] = []
    take_frames = crowd.calls.path.take_frames

    def count(legs: NDArray[np.intp], *rest: NDArray[np.generic]) -> None:
        batches.append(len(legs))
        take_frames(legs, *rest)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr(crowd.calls.path, "take_frames", count)
    crowd.calls.intake.drain()
    assert sum(batches) == MAX_FIRSTS * QUEUED
    assert len(batches) <= QUEUED


def test_a_tick_ties_only_so_many_legs(crowd: Crowd) -> None:
    crowd.calls.intake.drain()
    heard = [bool(agent.listen()) for agent in crowd.agents]
    assert sum(heard) == MAX_FIRSTS


def test_a_leg_that_is_never_tied_keeps_nobody_from_a_turn(crowd: Crowd) -> None:
    """Strangers send to the first legs what these are not meant to carry, and more of it before each tick."""
    stranger = Phone(telephone_event=-1)
    for _ in range(4):
        for caller in crowd.callers[: MAX_FIRSTS + 4]:
            stranger.to = caller.to
            for _ in range(3):
                stranger.send(b"nothing that could be RTP")
        crowd.calls.intake.drain()
    stranger.sock.close()
    assert all(agent.listen() for agent in crowd.agents[MAX_FIRSTS + 4 :])
