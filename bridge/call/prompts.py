"""Prompts that the gateway has asked workers for, and who waits for their end."""

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bridge.errors import PromptError
from bridge.media import messages as m
from bridge.media.message_codec import MAX_MESSAGE_BYTES, encode


@dataclass(frozen=True, slots=True)
class _Asked:
    command: m.PlayPrompt
    ended: asyncio.Future[m.PromptEnd]


class CallPrompts:
    """The prompts of all calls. `send` sends a command to the worker of its call."""

    def __init__(self, send: Callable[[m.Command], None]) -> None:
        self._send = send
        self._numbers = itertools.count()
        self._asked: dict[int, _Asked] = {}

    async def play(self, call: m.CallId, leg: m.Leg, path: Path) -> m.PromptEnd:
        """Play a file to one side of a connected call; return why it ended. Whoever stops waiting stops it.

        Raise :class:`PromptError` where it cannot be played.
        """
        command = self._command(call, leg, path)
        asked = _Asked(command, asyncio.get_running_loop().create_future())
        self._asked[command.prompt] = asked
        try:
            self._send(command)
            return await asked.ended
        except asyncio.CancelledError:
            self._send_stop(command)
            raise
        finally:
            del self._asked[command.prompt]

    def stop(self, call: m.CallId, leg: m.Leg) -> None:
        """Stop what one side of a call hears, or is to hear."""
        for asked in self._asked.values():
            if (asked.command.call, asked.command.leg) == (call, leg):
                self._send_stop(asked.command)

    def receive(self, report: m.PromptEnded) -> None:
        """Take what a worker tells."""
        asked = self._asked.get(report.prompt)
        if asked is None or asked.ended.done():
            return
        if report.why is m.PromptEnd.FAILED:
            path = asked.command.path
            asked.ended.set_exception(
                PromptError(f"{path}: the prompt cannot be played: {report.reason}")
            )
        else:
            asked.ended.set_result(report.why)

    def give_up(self, call: m.CallId, why: m.PromptEnd) -> None:
        """Let nobody wait for a call that is over, or for a worker that is gone: neither tells anything any more."""
        for asked in self._asked.values():
            if asked.command.call == call and not asked.ended.done():
                asked.ended.set_result(why)

    def _command(self, call: m.CallId, leg: m.Leg, path: Path) -> m.PlayPrompt:
        prompt = next(self._numbers)
        command = m.PlayPrompt(call=call, leg=leg, prompt=prompt, path=str(path.absolute()))
        if len(encode(command)) > MAX_MESSAGE_BYTES:
            raise PromptError(f"{path.name}: the prompt cannot be played: its path is too long")
        return command

    def _send_stop(self, command: m.PlayPrompt) -> None:
        self._send(m.StopPrompt(call=command.call, leg=command.leg, prompt=command.prompt))
