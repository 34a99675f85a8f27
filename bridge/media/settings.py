"""What a media worker is started with."""

import json
from dataclasses import asdict, dataclass, replace
from typing import Final, Self

from bridge.config import BridgeConfig
from bridge.media.port_pool import ANY_PORTS

MAX_SETTINGS_BYTES: Final = 131_072
"The RTP ports of 4,000 calls, the most that can be configured, take 56,000."


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """Settings of one worker process; travels to it as one JSON datagram, before any command."""

    host: str
    "Address that the RTP sockets are bound to."

    first_port: int
    "0: the kernel chooses."

    last_port: int

    calls: int = 256
    "Call slots; a call beyond is refused."

    cpu: int | None = None
    "The only CPU that the worker runs on; None: the kernel chooses."

    resting_ports: tuple[int, ...] = ()
    "RTP ports of the worker in whose place this one is: not given out before their far ends have moved or gone."

    def to_json(self) -> str:
        """Return the settings as they travel."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what :meth:`to_json` wrote."""
        values = json.loads(text)
        return cls(**values | {"resting_ports": tuple(values["resting_ports"])})


def worker_settings(config: BridgeConfig) -> tuple[WorkerSettings, ...]:
    """Return the settings of each worker: they share no port and, where CPUs are given, no CPU."""
    whole = WorkerSettings(
        host=config.host,
        first_port=config.rtp_first_port,
        last_port=config.rtp_last_port,
        calls=config.calls_per_worker,
    )
    first, last = (whole.first_port, whole.last_port) if whole.first_port else ANY_PORTS
    cpus = config.worker_cpus or (None,) * config.workers
    if config.workers == 1:
        return (replace(whole, cpu=cpus[0]),)
    share = (last - first + 1) // config.workers // 2 * 2
    return tuple(
        replace(whole, first_port=at, last_port=at + share - 1, cpu=cpu)
        for at, cpu in zip(range(first, last, share), cpus, strict=False)
    )
