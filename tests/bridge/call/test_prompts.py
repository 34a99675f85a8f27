"""Who waits for a prompt's end, and what they are told."""

import asyncio
from pathlib import Path

import pytest

from bridge.call.prompts import CallPrompts
from bridge.errors import PromptError
from bridge.media import messages as m
from bridge.media.message_codec import MAX_MESSAGE_BYTES

CALL, OTHER = m.CallId("call-1"), m.CallId("call-2")
CALLER, AGENT = m.Leg.CALLER, m.Leg.AGENT
FILE = Path("/prompts/card-number.wav")


class Prompts:
    """Prompts whose commands go nowhere but into a list."""

    def __init__(self) -> None:
        self.sent: list[m.Command] = []
        self.prompts = CallPrompts(self.sent.append)

    async def play(
        self, call: m.CallId = CALL, leg: m.Leg = CALLER, path: Path = FILE
    ) -> tuple[asyncio.Task[m.PromptEnd], m.PlayPrompt]:
        """Return who waits, and the command that was sent."""
        task = asyncio.create_task(self.prompts.play(call, leg, path))
        await asyncio.sleep(0)
        command = self.sent[-1]
        assert isinstance(command, m.PlayPrompt)
        return task, command

    def end(self, command: m.PlayPrompt, why: m.PromptEnd, reason: str = "") -> None:
        """Tell the end of a prompt as a worker does."""
        self.prompts.receive(
            m.PromptEnded(
                call=command.call, leg=command.leg, prompt=command.prompt, why=why, reason=reason
            )
        )


@pytest.fixture
def rig() -> Prompts:
    return Prompts()


async def test_each_hears_of_the_end_of_its_own(rig: Prompts) -> None:
    first, to_caller = await rig.play(leg=CALLER)
    second, to_agent = await rig.play(leg=AGENT)
    assert to_caller.prompt != to_agent.prompt
    assert (to_caller.path, to_caller.leg, to_agent.leg) == (str(FILE), CALLER, AGENT)
    rig.end(to_agent, m.PromptEnd.FINISHED)
    assert await second is m.PromptEnd.FINISHED
    assert not first.done()
    rig.end(to_caller, m.PromptEnd.STOPPED)
    assert await first is m.PromptEnd.STOPPED


async def test_a_relative_path_is_that_of_the_gateway(rig: Prompts) -> None:
    task, command = await rig.play(path=Path("prompts/a.wav"))
    assert Path(command.path) == Path.cwd() / "prompts/a.wav"
    rig.end(command, m.PromptEnd.FINISHED)
    await task


async def test_a_file_that_cannot_be_played_is_named(rig: Prompts) -> None:
    task, command = await rig.play()
    rig.end(command, m.PromptEnd.FAILED, "it has 16000 Hz")
    with pytest.raises(PromptError, match=rf"{FILE}: .* it has 16000 Hz"):
        await task


async def test_a_path_that_no_message_has_room_for_is_refused(rig: Prompts) -> None:
    with pytest.raises(PromptError, match="too long"):
        await rig.prompts.play(CALL, CALLER, Path("/" + "x" * MAX_MESSAGE_BYTES))
    assert rig.sent == []


async def test_stopping_stops_that_side_of_that_call(rig: Prompts) -> None:
    task, command = await rig.play()
    others = [await rig.play(leg=AGENT), await rig.play(call=OTHER)]
    before = len(rig.sent)
    rig.prompts.stop(CALL, CALLER)
    assert rig.sent[before:] == [m.StopPrompt(call=CALL, leg=CALLER, prompt=command.prompt)]
    assert not task.done()
    for _, asked in [(task, command), *others]:
        rig.end(asked, m.PromptEnd.STOPPED)
    await asyncio.gather(task, *(waits for waits, _ in others))


async def test_who_waits_no_longer_stops_it(rig: Prompts) -> None:
    task, command = await rig.play()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert rig.sent[1:] == [m.StopPrompt(call=CALL, leg=CALLER, prompt=command.prompt)]
    rig.end(command, m.PromptEnd.STOPPED)


@pytest.mark.parametrize("why", [m.PromptEnd.CALL_CLOSED, m.PromptEnd.MEDIA_LOST])
async def test_nobody_waits_for_a_call_that_is_over_or_a_worker_that_is_gone(
    rig: Prompts, why: m.PromptEnd
) -> None:
    task, command = await rig.play()
    other, asked = await rig.play(call=OTHER)
    rig.prompts.give_up(CALL, why)
    rig.end(command, m.PromptEnd.FINISHED)  # told before, and read after
    assert await task is why
    rig.end(asked, m.PromptEnd.FINISHED)
    assert await other is m.PromptEnd.FINISHED
