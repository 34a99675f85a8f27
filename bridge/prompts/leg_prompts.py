"""The prompts of a worker's calls: loaded, played, stopped, by the leg that hears them; each one's end is told once."""

from collections.abc import Callable
from pathlib import Path

from bridge.media.messages import PromptEnd
from bridge.prompts.prompt_loader import PromptLoader
from bridge.prompts.prompter import Prompter


class Prompts:
    """`ended(leg, prompt, why, reason)` is called for each prompt that never came to be played.

    What `prompter` plays it tells the end of by itself.
    """

    def __init__(
        self, prompter: Prompter, ended: Callable[[int, int, PromptEnd, str], None]
    ) -> None:
        self._prompter, self._ended = prompter, ended
        self._loader = PromptLoader()
        self._loading: dict[int, int] = {}
        "The prompt that a leg waits for. What is loaded and not waited for any more is dropped."

    def play(self, leg: int, prompt: int, path: Path) -> None:
        """Let a leg hear a file as soon as it is read; until then what plays there plays on."""
        self._forget(leg, PromptEnd.STOPPED)
        if self._loader.load(leg, prompt, path):
            self._loading[leg] = prompt
        else:
            self._ended(leg, prompt, PromptEnd.FAILED, "too many files wait to be read")

    def stop(self, leg: int, prompt: int) -> None:
        """Stop one prompt, wherever it is on its way; one that has ended is nothing."""
        if self._loading.get(leg) == prompt:
            self._forget(leg, PromptEnd.STOPPED)
        else:
            self._prompter.stop(leg, prompt)

    def close(self, leg: int) -> None:
        """The leg is being closed."""
        self._forget(leg, PromptEnd.CALL_CLOSED)
        self._prompter.close(leg)

    def collect(self) -> None:
        """Give the prompter what was read."""
        for loaded in self._loader.collect():
            if self._loading.get(loaded.leg) != loaded.prompt:
                continue
            del self._loading[loaded.leg]
            if loaded.frames is None:
                self._ended(loaded.leg, loaded.prompt, PromptEnd.FAILED, loaded.reason)
            else:
                self._prompter.play(loaded.leg, loaded.prompt, loaded.frames)

    def shut_down(self) -> None:
        """Read no more files."""
        self._loader.stop()

    def _forget(self, leg: int, why: PromptEnd) -> None:
        if (prompt := self._loading.pop(leg, None)) is not None:
            self._ended(leg, prompt, why, "")
