"""What a media worker is started with."""

import json
from dataclasses import asdict, dataclass
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """Settings of one worker process; travels to it as one JSON argument."""

    host: str
    "Address that the RTP sockets are bound to."

    first_port: int
    "0: the kernel chooses."

    last_port: int

    calls: int = 256
    "Call slots; a call beyond is refused."

    def to_argument(self) -> str:
        """Return the settings for the command line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_argument(cls, text: str) -> Self:
        """Read what :meth:`to_argument` wrote."""
        return cls(**json.loads(text))
