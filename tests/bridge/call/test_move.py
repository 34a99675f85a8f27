"""A connected call whose media worker is gone: on another worker, secure before it hears anything, or ended."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field

import pytest

from bridge.call.events import CallState
from bridge.call.move import CallMove
from bridge.call.secure_line import SecureLine
from bridge.errors import NotConfirmedError
from bridge.media import messages as m
from bridge.media.line_masking import LineMasking
from bridge.sdp.description import SessionDescription
from bridge.sip.events import ByeReceived, DialogId, ReinviteAnswered, ReinviteReceived
from tests.bridge.call.rig import ALICE, BOB, CALL, NO_SDP, Rig, sdp

RECORDING, PAUSED, FAILED = (
    m.RecorderState.RECORDING,
    m.RecorderState.PAUSED,
    m.RecorderState.FAILED,
)
MOVED = m.CallOpened(call=CALL, caller_port=30_000, agent_port=30_002)
MUTED = LineMasking(hold_frames=2, muted=True)
LIMIT_S = 30.0


@dataclass
class Worker:
    """Both media workers, one after the other, played by the test; what it is told it confirms."""

    recording: str = "/recordings/call-1.wav"
    open_limit_s: float = LIMIT_S
    answer_limit_s: float = LIMIT_S
    pauses_recorder: bool = True
    closes_gate: bool = True
    turns: asyncio.Semaphore | None = None
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rig = Rig(recording=self.recording)
        self.dialogs = self.rig.talk()
        self.line = SecureLine(
            self.rig.flow,
            self.rig.commands.append,
            self._spawn,
            confirm_s=LIMIT_S,
            open_s=LIMIT_S,
            call_later=lambda _, lift: self.timers.append(lift),
        )
        self.timers: list[Callable[[], None]] = []
        self._answered = 0
        if self.recording:
            self.line.receive(m.RecorderChanged(call=CALL, state=RECORDING, reason=""))

    async def secure(self) -> None:
        """Let the line be secured on the first worker."""
        securing = asyncio.create_task(self.line.secure(MUTED))
        await self.until(securing.done)
        await securing
        self.rig.forget()
        self._answered = 0

    def lose(self) -> "asyncio.Task[bool]":
        """Let the first worker be gone; what the move does is what the task does."""
        self.move = CallMove(
            self.rig.flow,
            self.line,
            pump=self.rig.run,
            now=lambda: self.rig.now,
            turns=self.turns,
            open_limit_s=self.open_limit_s,
            answer_limit_s=self.answer_limit_s,
            ask_again_s=0.001,
        )
        self.line.worker_lost()
        self.rig.flow.media_interrupted()
        self.moving = asyncio.create_task(self.move.run())
        return self.moving

    async def done(self) -> bool:
        """Return whether the call goes on, once that is decided."""
        await self.until(self.moving.done)
        return await self.moving

    async def until(self, accept: Callable[[], bool]) -> None:
        """Let everything happen that can, until `accept()` holds."""
        async with asyncio.timeout(LIMIT_S):
            while not accept():
                await asyncio.sleep(0)
                self.rig.run()
                self._confirm()
                if self.rig.changes:
                    self.move_hears()

    def move_hears(self) -> None:
        """Tell the move that the flow has changed, as the node does."""
        if (move := getattr(self, "move", None)) is not None:
            move.flow_changed()

    def kinds(self) -> list[type[m.Command]]:
        """Return what the workers were told, in order."""
        return [type(command) for command in self.rig.commands]

    def answer(self, dialog: DialogId, body: bytes | None = None, status: int = 200) -> None:
        """Let the phone of a dialog answer our re-INVITE."""
        phone, host = (
            (self.rig.alice, ALICE[0]) if dialog == self.dialogs[0] else (self.rig.bob, BOB[0])
        )
        offer = sdp(host, version=2) if body is None else body
        phone.respond(dialog, status, body=offer if status == 200 else b"", now=self.rig.now)
        self.rig.run()

    def offers(self) -> dict[DialogId, int]:
        """Return the port in each re-INVITE of ours."""
        events = [*self.rig.alice_events, *self.rig.bob_events]
        return {
            event.dialog: SessionDescription.parse(event.body).media[0].port
            for event in events
            if isinstance(event, ReinviteReceived)
        }

    async def offered(self) -> None:
        """Return once both phones have our re-INVITE."""
        await self.until(lambda: len(self.offers()) == 2)

    def _spawn(self, step: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(step)
        self.tasks.append(task)
        return task

    def _confirm(self) -> None:
        for command in self.rig.commands[self._answered :]:
            self._answered += 1
            match command:
                case m.StartRecording() | m.ResumeRecording():
                    self._recorder(RECORDING)
                case m.PauseRecording():
                    self._recorder(PAUSED if self.pauses_recorder else FAILED)
                case m.SetSecure() if self.closes_gate:
                    self.line.receive(
                        m.SecureChanged(
                            call=CALL,
                            secure=command.secure,
                            hold_frames=command.hold_frames,
                            muted=command.muted,
                        )
                    )
                case _:
                    pass

    def _recorder(self, state: m.RecorderState) -> None:
        self.line.receive(m.RecorderChanged(call=CALL, state=state, reason=""))


class TestMoved:
    async def test_both_sides_are_asked_to_send_to_the_new_ports(self) -> None:
        worker = Worker()
        worker.lose()
        worker.move.opened(MOVED)
        await worker.offered()
        alice, bob = worker.dialogs
        assert worker.offers() == {alice: 30_000, bob: 30_002}
        for dialog in worker.dialogs:
            worker.answer(dialog)
        assert await worker.done()
        assert worker.rig.flow.info.state is CallState.TALKING
        assert not worker.rig.flow.lost

    async def test_where_many_are_moved_each_is_made_secure_at_once_and_its_sides_told_in_turn(
        self,
    ) -> None:
        """Hundreds of re-INVITEs in one moment would overflow the buffers of sockets, and be lost."""
        turns = asyncio.Semaphore()
        first, second = Worker(turns=turns), Worker(turns=turns)
        await second.secure()
        for worker in (first, second):
            worker.lose()
            worker.move.opened(MOVED)
        await first.offered()
        await second.until(lambda: second.rig.flow.secure)
        assert second.offers() == {}
        for dialog in first.dialogs:
            first.answer(dialog)
        assert await first.done()
        await second.offered()
        for dialog in second.dialogs:
            second.answer(dialog)
        assert await second.done()

    async def test_a_side_that_does_not_answer_holds_up_the_others_for_a_moment_only(self) -> None:
        turns = asyncio.Semaphore()
        mute, other = Worker(turns=turns, answer_limit_s=0.05), Worker(turns=turns)
        for worker in (mute, other):
            worker.lose()
            worker.move.opened(MOVED)
        await mute.offered()
        await other.offered()
        assert mute.offers()
        for dialog in other.dialogs:
            other.answer(dialog)
        assert await other.done()
        assert not await mute.done()

    async def test_the_recording_goes_on_in_the_same_file(self) -> None:
        worker = Worker()
        worker.lose()
        worker.move.opened(MOVED)
        await worker.offered()
        (start,) = [c for c in worker.rig.commands if isinstance(c, m.StartRecording)]
        assert (start.path, start.continues) == ("/recordings/call-1.wav", True)
        for dialog in worker.dialogs:
            worker.answer(dialog)
        assert await worker.done()
        assert worker.rig.flow.recorder is RECORDING

    async def test_the_new_worker_knows_the_far_ends_before_they_have_answered(self) -> None:
        worker = Worker(recording="")
        worker.lose()
        worker.move.opened(MOVED)
        await worker.offered()
        assert {leg: c.host for leg, c in worker.rig.legs().items()} == {
            m.Leg.CALLER: ALICE[0],
            m.Leg.AGENT: BOB[0],
        }
        worker.answer(worker.dialogs[0], sdp("192.0.2.77", version=2))
        worker.answer(worker.dialogs[1])
        assert await worker.done()
        assert worker.rig.legs()[m.Leg.CALLER].host == "192.0.2.77"

    async def test_nothing_reaches_the_new_worker_before_gate_and_recorder_are_as_they_were(
        self,
    ) -> None:
        """A line that was secure is never open again by a move: no far end is known before the gate is closed."""
        worker = Worker()
        await worker.secure()
        worker.lose()
        assert not worker.rig.flow.secure
        # The phone moves at the worst moment: its new address must wait too.
        worker.rig.alice.reinvite(worker.dialogs[0], sdp(ALICE[0], port=4444, version=2), 0.0)
        worker.rig.run()
        worker.move.opened(MOVED)
        await worker.offered()
        assert worker.kinds()[:5] == [
            m.StartRecording,
            m.PauseRecording,
            m.SetSecure,
            m.SetLeg,
            m.SetLeg,
        ]
        closing = worker.rig.commands[2]
        assert isinstance(closing, m.SetSecure)
        assert (closing.secure, closing.muted, closing.hold_frames) == (True, True, 2)
        for dialog in worker.dialogs:
            worker.answer(dialog)
        assert await worker.done()
        assert worker.rig.flow.secure
        assert worker.rig.flow.masking.muted
        assert worker.rig.flow.recorder is PAUSED

    async def test_a_secure_line_is_told_open_meanwhile_and_secure_when_confirmed(self) -> None:
        worker = Worker()
        await worker.secure()
        worker.lose()
        worker.move.opened(MOVED)
        await worker.offered()
        states = [info.secure for info, _ in worker.rig.changes]
        assert states[0] is False
        assert states[-1] is True
        for dialog in worker.dialogs:
            worker.answer(dialog)
        assert await worker.done()

    async def test_keys_by_info_go_nowhere_meanwhile(self) -> None:
        worker = Worker()
        await worker.secure()
        worker.lose()
        worker.rig.alice.info(
            worker.dialogs[0], "application/dtmf-relay", b"Signal=5\r\n", worker.rig.now
        )
        worker.rig.run()
        assert worker.rig.bob_events == []
        assert worker.rig.commands == []
        worker.rig.flow.hang_up("the test is over", 0.0)
        assert not await worker.done()


class TestAskedAgain:
    async def test_a_side_that_has_no_time_is_asked_again(self) -> None:
        """RFC 3261 section 14.1: 491 where its own re-INVITE is under way."""
        worker = Worker(recording="")
        worker.lose()
        worker.move.opened(MOVED)
        await worker.offered()
        worker.answer(worker.dialogs[0])
        worker.answer(worker.dialogs[1], status=491)
        worker.rig.bob_events.clear()
        await worker.until(lambda: worker.dialogs[1] in worker.offers())
        worker.answer(worker.dialogs[1])
        assert await worker.done()

    async def test_a_side_that_asks_by_itself_is_told_and_not_asked(self) -> None:
        """Its re-INVITE crosses ours: the answer to it has the new port already."""
        worker = Worker(recording="")
        worker.lose()
        worker.move.opened(MOVED)
        await worker.offered()
        worker.answer(worker.dialogs[1])
        worker.answer(worker.dialogs[0], status=491)
        worker.rig.alice_events.clear()
        worker.rig.alice.reinvite(worker.dialogs[0], sdp(ALICE[0], version=3), worker.rig.now)
        worker.rig.run()
        (answered,) = [e for e in worker.rig.alice_events if isinstance(e, ReinviteAnswered)]
        assert SessionDescription.parse(answered.body).media[0].port == 30_000
        assert await worker.done()
        assert worker.dialogs[0] not in worker.offers()


class TestNotMoved:
    async def ended(self, worker: Worker) -> str:
        assert not await worker.done()
        assert worker.rig.flow.lost
        alice, bob = worker.dialogs
        assert worker.rig.alice_events[-1] == ByeReceived(dialog=alice)
        assert worker.rig.bob_events[-1] == ByeReceived(dialog=bob)
        (reason,) = worker.rig.endings()
        return reason

    async def test_where_no_worker_takes_it(self) -> None:
        worker = Worker()
        worker.lose()
        worker.move.refused("all RTP ports are in use")
        assert "all RTP ports are in use" in await self.ended(worker)

    async def test_where_none_takes_it_in_time(self) -> None:
        worker = Worker(open_limit_s=0.01)
        worker.lose()
        assert "no worker took it within" in await self.ended(worker)

    async def test_where_the_gate_of_a_secure_line_does_not_close(self) -> None:
        worker = Worker(recording="")
        await worker.secure()
        worker.closes_gate, worker.open_limit_s = False, 0.01
        worker.lose()
        worker.move.opened(MOVED)
        await self.ended(worker)
        assert m.SetLeg not in worker.kinds(), "the new worker never knew a far end"

    async def test_where_the_recorder_of_a_secure_line_is_not_paused(self) -> None:
        worker = Worker()
        await worker.secure()
        worker.pauses_recorder = False
        worker.lose()
        worker.move.opened(MOVED)
        assert "the recorder cannot be paused" in await self.ended(worker)
        assert m.SetLeg not in worker.kinds()

    async def test_where_a_side_refuses(self) -> None:
        worker = Worker(recording="")
        worker.lose()
        worker.move.opened(MOVED)
        await worker.offered()
        worker.answer(worker.dialogs[0], status=488)
        assert "the caller cannot be moved: 488" in await self.ended(worker)

    async def test_where_an_answer_has_no_usable_audio(self) -> None:
        worker = Worker(recording="")
        worker.lose()
        worker.move.opened(MOVED)
        await worker.offered()
        worker.answer(worker.dialogs[1], NO_SDP)
        assert "the agent cannot be moved: no usable audio" in await self.ended(worker)

    async def test_where_a_side_does_not_answer(self) -> None:
        worker = Worker(recording="", answer_limit_s=0.01)
        worker.lose()
        worker.move.opened(MOVED)
        assert "did not answer our re-INVITE" in await self.ended(worker)

    async def test_where_somebody_hangs_up_meanwhile_the_media_is_not_why(self) -> None:
        worker = Worker()
        worker.lose()
        worker.rig.alice.bye(worker.dialogs[0], worker.rig.now)
        assert not await worker.done()
        assert not worker.rig.flow.lost
        assert worker.rig.ended_once() == "the caller hung up"


class TestLineMeanwhile:
    """What is asked of gate and recorder while no worker is there."""

    async def test_whoever_waits_for_a_confirmation_is_told_at_once(self) -> None:
        worker = Worker()
        worker.closes_gate = False
        securing = asyncio.create_task(worker.line.secure())
        await worker.until(lambda: m.SetSecure in worker.kinds())
        worker.lose()
        with pytest.raises(NotConfirmedError, match="the media worker is gone"):
            await securing
        worker.rig.flow.hang_up("the test is over", 0.0)
        assert not await worker.done()

    async def test_a_line_released_meanwhile_comes_back_open_and_recorded(self) -> None:
        worker = Worker()
        await worker.secure()
        worker.lose()
        with pytest.raises(NotConfirmedError):
            await worker.line.release()
        worker.rig.commands.clear()
        worker.move.opened(MOVED)
        await worker.offered()
        assert m.SetSecure not in worker.kinds()
        for dialog in worker.dialogs:
            worker.answer(dialog)
        assert await worker.done()
        assert not worker.rig.flow.secure
        assert worker.rig.flow.recorder is RECORDING

    async def test_the_shield_of_a_line_that_was_being_opened_is_lifted(self) -> None:
        worker = Worker()
        await worker.secure()
        worker.closes_gate = False
        releasing = asyncio.create_task(worker.line.release())
        await worker.until(lambda: m.SetSecure in worker.kinds())
        worker.lose()
        with pytest.raises(NotConfirmedError):
            await releasing
        assert worker.rig.flow.shielded
        for lift in worker.timers:
            lift()
        assert not worker.rig.flow.shielded
        worker.rig.flow.hang_up("the test is over", 0.0)
        assert not await worker.done()
