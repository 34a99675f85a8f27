"""Disk writes off the media loop: one thread a worker, a bounded queue, failures kept for the loop to collect."""

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bridge.recording.wav_file import StereoWavFile

MAX_JOBS: Final = 4096
"Half a minute of chunks at 30 recordings, so a slow disk costs no call; where it is full, that recording fails."


@dataclass(frozen=True, slots=True)
class _Append:
    recording: int
    samples: bytes


@dataclass(frozen=True, slots=True)
class _Create:
    recording: int
    path: Path
    open_file: Callable[[Path], StereoWavFile]


@dataclass(frozen=True, slots=True)
class _Close:
    recording: int


class DiskThread:
    """Creates, extends and closes WAV files in order. `failed` is called on the thread, with the reason in words."""

    def __init__(self, failed: Callable[[int, str], None]) -> None:
        self._failed = failed
        # The bound is kept by _put, so that closing a file never waits in the media loop.
        self._jobs: queue.SimpleQueue[_Create | _Append | _Close | None] = queue.SimpleQueue()
        self._files: dict[int, StereoWavFile] = {}
        self._thread = threading.Thread(target=self._run, name="recording-disk", daemon=True)
        self._thread.start()

    def create(self, recording: int, path: Path) -> bool:
        """Queue the creation of a file; return False where the queue is full."""
        return self._put(_Create(recording, path, StereoWavFile.create))

    def reopen(self, recording: int, path: Path) -> bool:
        """Queue going on with a file that a process that is gone has begun; return False where the queue is full."""
        return self._put(_Create(recording, path, StereoWavFile.reopen))

    def append(self, recording: int, samples: bytes) -> bool:
        """Queue interleaved int16 samples; return False where the queue is full."""
        return self._put(_Append(recording, samples))

    def close_file(self, recording: int) -> None:
        """Queue the end of a file; there is always room for it."""
        self._jobs.put(_Close(recording))

    def stop(self) -> None:
        """Write what is queued, close all files, end the thread."""
        self._jobs.put(None)
        self._thread.join()

    def _put(self, job: _Create | _Append) -> bool:
        if self._jobs.qsize() >= MAX_JOBS:
            return False
        self._jobs.put(job)
        return True

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                self._do(job)
            except OSError as error:
                self._files.pop(job.recording, None)
                self._failed(
                    job.recording,
                    f"cannot write the recording: {error.strerror} ({error.filename or 'file'})",
                )
        for file in self._files.values():
            file.close()

    def _do(self, job: _Create | _Append | _Close) -> None:
        match job:
            case _Create(recording, path, open_file):
                self._files[recording] = open_file(path)
            case _Append(recording, samples):
                if (file := self._files.get(recording)) is not None:
                    file.append(samples)
            case _Close(recording):
                if (file := self._files.pop(recording, None)) is not None:
                    file.close()
