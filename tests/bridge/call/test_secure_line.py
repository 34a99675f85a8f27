"""Securing a call and the way back, with a worker that confirms when it is told to, in its own order or not at all."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine

import pytest

from bridge.call.secure_line import SecureLine
from bridge.errors import NotConfirmedError
from bridge.media import messages as m
from bridge.media.line_masking import OPEN_LINE, LineMasking
from tests.bridge.call.rig import CALL, Rig

RECORDING, PAUSED, FAILED = (
    m.RecorderState.RECORDING,
    m.RecorderState.PAUSED,
    m.RecorderState.FAILED,
)
LIMIT_S = 5.0
"Far beyond what an idle loop needs for a few steps."


class Worker:
    """The media worker's part, played by the test."""

    def __init__(
        self, *, recording: str = "/recordings/call-1.wav", confirm_s: float = 5.0
    ) -> None:
        self.rig = Rig(recording=recording)
        self.rig.talk()
        self.sent: asyncio.Queue[m.Command] = asyncio.Queue()
        self.tasks: set[asyncio.Task[None]] = set()
        self.timers: list[Callable[[], None]] = []
        self.line = SecureLine(
            self.rig.flow,
            self.sent.put_nowait,
            self.spawn,
            confirm_s=confirm_s,
            open_s=confirm_s,
            call_later=lambda _, lift: self.timers.append(lift),
        )
        if recording:
            self.recorder(RECORDING)

    def spawn(self, step: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Start a task and keep it."""
        task = asyncio.get_running_loop().create_task(step)
        self.tasks.add(task)
        return task

    def recorder(self, state: m.RecorderState, reason: str = "") -> None:
        """Tell what the recorder does."""
        self.line.receive(m.RecorderChanged(call=CALL, state=state, reason=reason))

    def gate(self, *, closed: bool, muted: bool = False) -> None:
        """Tell where the gate is."""
        self.line.receive(m.SecureChanged(call=CALL, secure=closed, muted=muted))

    def wait(self) -> None:
        """Let the time of late SIP INFO pass."""
        while self.timers:
            self.timers.pop()()

    async def asked(self) -> m.Command:
        """Return the next command."""
        async with asyncio.timeout(LIMIT_S):
            return await self.sent.get()

    async def obey(self) -> m.Command:
        """Do what the next command says, and confirm it."""
        command = await self.asked()
        match command:
            case m.SetSecure():
                self.gate(closed=command.secure, muted=command.muted)
            case m.PauseRecording():
                self.recorder(PAUSED)
            case m.ResumeRecording():
                self.recorder(RECORDING)
        return command

    async def secured(self) -> None:
        """Secure the line."""
        securing = asyncio.create_task(self.line.secure())
        await self.obey()
        await self.obey()
        await securing

    def end(self) -> None:
        """End the call, as the node does it."""
        if not self.rig.flow.ended:
            self.rig.flow.hang_up("over", 0.0)
            self.line.call_ended()


@pytest.fixture
async def worker() -> AsyncIterator[Worker]:
    worker = Worker()
    yield worker
    worker.end()
    await asyncio.gather(*worker.tasks, return_exceptions=True)


class TestSecure:
    async def test_the_recorder_is_paused_before_the_gate_is_asked_to_close(
        self, worker: Worker
    ) -> None:
        securing = asyncio.create_task(worker.line.secure())
        assert await worker.asked() == m.PauseRecording(call=CALL)
        assert worker.rig.flow.shielded
        assert worker.sent.empty()
        worker.recorder(PAUSED)
        assert await worker.asked() == m.SetSecure(call=CALL, secure=True)
        assert not securing.done()
        worker.gate(closed=True)
        await securing
        info = worker.rig.flow.info
        assert (info.secure, info.recorder) == (True, PAUSED)

    async def test_a_recorder_whose_start_is_not_confirmed_yet_is_paused_too(
        self, worker: Worker
    ) -> None:
        worker.rig.flow.recorder = m.RecorderState.OFF
        securing = asyncio.create_task(worker.line.secure())
        await worker.asked()
        worker.recorder(RECORDING)  # its start, under way before the pause
        await asyncio.sleep(0)
        assert worker.sent.empty()
        worker.recorder(PAUSED)
        await worker.obey()
        await securing

    async def test_a_call_without_recorder_needs_the_gate_only(self) -> None:
        worker = Worker(recording="")
        securing = asyncio.create_task(worker.line.secure())
        assert await worker.obey() == m.SetSecure(call=CALL, secure=True)
        await securing
        assert worker.rig.flow.secure

    async def test_a_recorder_that_failed_is_named_and_the_line_released(
        self, worker: Worker
    ) -> None:
        worker.recorder(FAILED, "cannot write the recording: Permission denied")
        securing = asyncio.create_task(worker.line.secure())
        assert await worker.asked() == m.PauseRecording(call=CALL)
        worker.recorder(FAILED)
        assert await worker.obey() == m.SetSecure(call=CALL, secure=False)
        with pytest.raises(NotConfirmedError, match="Permission denied"):
            await securing
        worker.wait()
        assert not worker.rig.flow.shielded
        assert worker.sent.empty()

    async def test_a_call_that_is_not_connected_is_not_secured(self) -> None:
        rig = Rig()
        rig.ring()
        worker = Worker()
        line = SecureLine(rig.flow, worker.sent.put_nowait, worker.spawn)
        with pytest.raises(NotConfirmedError, match="not connected"):
            await line.secure()
        assert worker.sent.empty()

    async def test_a_gate_that_does_not_close_leaves_the_recorder_running(self) -> None:
        worker = Worker(confirm_s=0.5)
        securing = asyncio.create_task(worker.line.secure())
        await worker.obey()
        assert await worker.asked() == m.SetSecure(call=CALL, secure=True)
        assert await worker.obey() == m.SetSecure(call=CALL, secure=False)
        assert await worker.obey() == m.ResumeRecording(call=CALL)
        with pytest.raises(NotConfirmedError, match="does not answer"):
            await securing
        info = worker.rig.flow.info
        assert (info.secure, info.recorder) == (False, RECORDING)

    async def test_a_pause_that_is_confirmed_too_late_does_not_outlive_the_attempt(self) -> None:
        """A worker that stands still for seconds then does all that it was told, in order."""
        worker = Worker(confirm_s=0.01)
        with pytest.raises(NotConfirmedError, match="does not answer"):
            await worker.line.secure()
        while not worker.sent.empty():
            await worker.obey()
        assert worker.rig.flow.recorder is RECORDING
        assert not worker.rig.flow.secure
        worker.end()

    async def test_a_recorder_that_fails_while_secure_leaves_the_line_secure(
        self, worker: Worker
    ) -> None:
        """Nothing is recorded then, so nothing can be recorded that must not be."""
        await worker.secured()
        worker.recorder(FAILED, "disk full")
        assert worker.rig.flow.secure
        assert worker.rig.changes[-1][0].recorder is FAILED
        releasing = asyncio.create_task(worker.line.release())
        assert await worker.obey() == m.SetSecure(call=CALL, secure=False)
        await releasing
        assert worker.sent.empty()


class TestTwoAtOnce:
    async def test_two_who_secure_at_once_both_find_the_line_secure(self, worker: Worker) -> None:
        both = [asyncio.create_task(worker.line.secure()) for _ in range(2)]
        await worker.obey()
        await worker.obey()
        await asyncio.gather(*both)
        info = worker.rig.flow.info
        assert (info.secure, info.recorder) == (True, PAUSED)
        assert worker.sent.empty()

    async def test_a_release_waits_until_the_line_is_secure(self, worker: Worker) -> None:
        securing = asyncio.create_task(worker.line.secure())
        pause = await worker.asked()
        releasing = asyncio.create_task(worker.line.release())
        worker.recorder(PAUSED)
        rest = [await worker.obey() for _ in range(3)]
        await asyncio.gather(securing, releasing)
        assert [pause, *rest] == [
            m.PauseRecording(call=CALL),
            m.SetSecure(call=CALL, secure=True),
            m.SetSecure(call=CALL, secure=False),
            m.ResumeRecording(call=CALL),
        ]

    async def test_whoever_stops_waiting_and_releases_gets_an_open_line(
        self, worker: Worker
    ) -> None:
        securing = asyncio.create_task(worker.line.secure())
        await worker.obey()
        assert await worker.asked() == m.SetSecure(call=CALL, secure=True)
        securing.cancel()
        releasing = asyncio.create_task(worker.line.release())
        worker.gate(closed=True)  # confirmed to nobody
        await worker.obey()
        await worker.obey()
        await releasing
        worker.wait()
        info = worker.rig.flow.info
        assert (info.secure, info.recorder, worker.rig.flow.shielded) == (False, RECORDING, False)


class TestRelease:
    async def test_the_gate_is_open_before_the_recorder_goes_on(self, worker: Worker) -> None:
        await worker.secured()
        releasing = asyncio.create_task(worker.line.release())
        assert await worker.asked() == m.SetSecure(call=CALL, secure=False)
        assert worker.sent.empty()
        assert worker.rig.flow.shielded
        worker.gate(closed=False)
        assert await worker.obey() == m.ResumeRecording(call=CALL)
        await releasing

    async def test_a_digit_by_info_that_is_late_finds_the_shield_still_up(
        self, worker: Worker
    ) -> None:
        await worker.secured()
        releasing = asyncio.create_task(worker.line.release())
        await worker.obey()
        await worker.obey()
        await releasing
        assert worker.rig.flow.shielded
        worker.wait()
        assert not worker.rig.flow.shielded

    async def test_the_shield_of_the_next_payment_is_not_lifted_by_the_last_ones_timer(
        self, worker: Worker
    ) -> None:
        await worker.secured()
        releasing = asyncio.create_task(worker.line.release())
        await worker.obey()
        await worker.obey()
        await releasing
        await worker.secured()
        worker.wait()
        assert worker.rig.flow.shielded

    async def test_the_recorder_goes_on_though_nobody_waits_any_more(self, worker: Worker) -> None:
        """The caller leans on a key for longer than the payment waits: the gate opens only afterwards."""
        await worker.secured()
        releasing = asyncio.create_task(worker.line.release())
        assert await worker.asked() == m.SetSecure(call=CALL, secure=False)
        releasing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await releasing
        worker.gate(closed=False)
        assert await worker.obey() == m.ResumeRecording(call=CALL)
        info = worker.rig.flow.info
        assert (info.secure, info.recorder) == (False, RECORDING)

    async def test_a_gate_that_stays_shut_is_told_and_opens_late(self) -> None:
        worker = Worker(confirm_s=0.5)
        await worker.secured()
        releasing = asyncio.create_task(worker.line.release())
        await worker.asked()
        assert await worker.obey() == m.ResumeRecording(call=CALL)
        with pytest.raises(NotConfirmedError):
            await releasing
        assert (worker.rig.flow.secure, worker.rig.flow.shielded) == (True, True)
        worker.gate(closed=False)
        worker.wait()
        assert (worker.rig.flow.secure, worker.rig.flow.shielded) == (False, False)

    async def test_an_opening_told_late_does_not_lift_the_next_payments_shield(
        self, worker: Worker
    ) -> None:
        securing = asyncio.create_task(worker.line.secure())
        await worker.asked()
        worker.gate(closed=False)
        worker.wait()
        assert worker.rig.flow.shielded
        worker.recorder(PAUSED)
        assert await worker.asked() == m.SetSecure(call=CALL, secure=True)
        worker.gate(closed=False)
        assert not securing.done()
        worker.gate(closed=True)
        await securing
        assert worker.rig.flow.shielded


class TestEnd:
    """The call ends while somebody waits."""

    async def test_secure_fails(self, worker: Worker) -> None:
        securing = asyncio.create_task(worker.line.secure())
        await worker.asked()
        worker.end()
        with pytest.raises(NotConfirmedError, match="over"):
            await securing
        assert not worker.rig.flow.secure

    async def test_secure_fails_though_the_gate_had_just_confirmed(self, worker: Worker) -> None:
        securing = asyncio.create_task(worker.line.secure())
        await worker.obey()
        await worker.asked()
        worker.gate(closed=True)
        worker.end()
        with pytest.raises(NotConfirmedError, match="over"):
            await securing
        assert worker.rig.endings() == ["over"]

    async def test_release_is_no_error(self, worker: Worker) -> None:
        await worker.secured()
        releasing = asyncio.create_task(worker.line.release())
        await worker.asked()
        worker.end()
        await releasing
        await worker.line.release()
        assert worker.sent.empty()

    async def test_what_the_worker_tells_afterwards_is_not_told_on(self, worker: Worker) -> None:
        worker.end()
        told = len(worker.rig.changes)
        worker.rig.flow.notice()
        assert len(worker.rig.changes) == told


class TestMasking:
    ASKED = LineMasking(hold_frames=2, muted=True, even_beeps=True)

    async def secured(self, worker: Worker) -> None:
        securing = asyncio.create_task(worker.line.secure(self.ASKED))
        await worker.obey()
        asked = await worker.obey()
        await securing
        assert isinstance(asked, m.SetSecure)
        assert LineMasking.of(asked) == self.ASKED

    async def test_the_gate_is_asked_for_as_it_is_wanted_and_what_it_does_is_told(
        self, worker: Worker
    ) -> None:
        await self.secured(worker)
        assert worker.rig.flow.info.masking.muted
        worker.end()
        assert worker.rig.flow.info.masking == OPEN_LINE

    async def test_muting_keeps_all_else_and_waits_for_its_confirmation(
        self, worker: Worker
    ) -> None:
        await self.secured(worker)
        unmuting = asyncio.create_task(worker.line.mute(muted=False))
        asked = await worker.asked()
        assert asked == m.SetSecure(
            call=CALL, secure=True, hold_frames=2, muted=False, even_beeps=True
        )
        worker.gate(closed=True, muted=True)  # something older
        await asyncio.sleep(0)
        assert not unmuting.done()
        worker.gate(closed=True)
        await unmuting
        assert not worker.rig.flow.info.masking.muted

    async def test_a_line_that_is_not_secure_is_not_muted(self, worker: Worker) -> None:
        await worker.line.mute(muted=True)
        await self.secured(worker)
        releasing = asyncio.create_task(worker.line.release())
        await worker.obey()
        await worker.obey()
        await releasing
        await worker.line.mute(muted=True)
        assert worker.sent.empty()

    async def test_muting_that_is_not_confirmed_is_told_and_leaves_the_line_secure(self) -> None:
        worker = Worker(confirm_s=0.5)
        await self.secured(worker)
        with pytest.raises(NotConfirmedError, match="does not answer"):
            await worker.line.mute(muted=False)
        assert worker.rig.flow.secure
        worker.end()
        await asyncio.gather(*worker.tasks, return_exceptions=True)
