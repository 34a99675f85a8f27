"""Prompts read from disk, off the media loop: one thread a worker, which keeps the latest files."""

import queue
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from bridge.errors import PromptError
from bridge.prompts.prompt_file import read_prompt
from bridge.prompts.prompter import Frames, prompt_frames

MAX_JOBS: Final = 4096
"Files to be read: each call of a large worker asks for two at once. Where there are more, a prompt fails."

KEPT_FILES: Final = 64
"The prompts of a few languages, of some 3 s each; 60 MB where each is as long as can be."


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedPrompt:
    """A file that was read, or could not be."""

    leg: int
    prompt: int
    frames: Frames | None
    "None where it cannot be played."
    reason: str = ""
    "Why not."


class PromptLoader:
    """Reads files in the order in which they are asked for."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[tuple[int, int, Path] | None] = queue.SimpleQueue()
        self._loaded: deque[LoadedPrompt] = deque()
        "Bounded by the jobs: the loop collects in each tick what was loaded since the last."
        self._frames = lru_cache(KEPT_FILES)(_frames_of)
        self._thread = threading.Thread(target=self._run, name="prompt-loader", daemon=True)
        self._thread.start()

    def load(self, leg: int, prompt: int, path: Path) -> bool:
        """Queue the reading of a file; return False where the queue is full."""
        if self._jobs.qsize() >= MAX_JOBS:
            return False
        self._jobs.put((leg, prompt, path))
        return True

    def collect(self) -> Iterator[LoadedPrompt]:
        """Take what was read since the last time."""
        while self._loaded:
            yield self._loaded.popleft()

    def stop(self) -> None:
        """End the thread; what is still to be read comes first."""
        self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            leg, prompt, path = job
            frames, reason = self._read(path)
            self._loaded.append(LoadedPrompt(leg=leg, prompt=prompt, frames=frames, reason=reason))

    def _read(self, path: Path) -> tuple[Frames | None, str]:
        """Return the frames of a file, which is read again where it has changed; or why there are none."""
        try:
            found = path.stat()
            return self._frames(path, found.st_mtime_ns, found.st_size, found.st_ino), ""
        except OSError as error:
            return None, f"it cannot be read: {error.strerror}"
        except PromptError as error:
            return None, str(error)


def _frames_of(path: Path, *_version: int) -> Frames:
    return prompt_frames(read_prompt(path))
