"""What the bridge is configured with: plain values, checked by whoever reads them from a file."""

import re
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from pathlib import Path

from dtmf.limits import PRESETS, DetectorLimits, check_limit

__all__ = [
    "PRESETS",
    "Address",
    "BridgeConfig",
    "DetectorLimits",
    "Route",
    "Trunk",
    "check_limit",
]

Address = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trunk:
    """A carrier or PBX: who may send calls from there, and where calls to it go."""

    name: str

    sources: tuple[str, ...] = ()
    "Addresses or networks (`10.0.0.0/8`) whose INVITEs are this trunk's."

    destination: Address | None = None
    "Where calls to the trunk are sent; None where it only sends."

    detector: DetectorLimits = DetectorLimits()
    "By which the keys of callers behind this trunk are read."

    def covers(self, host: str) -> bool:
        """Return whether a datagram from `host` is this trunk's."""
        return any(ip_address(host) in ip_network(source, strict=False) for source in self.sources)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where a dialled number goes. The first route that matches is taken."""

    dialled: str
    "Regular expression that the whole user part of the request URI must match."

    to: str
    "`user:NAME` (a registered phone; `user:*` for the one that was dialled) or `trunk:NAME`."

    def matches(self, user: str) -> bool:
        """Return whether `user`, as dialled, takes this route."""
        return re.fullmatch(self.dialled, user) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeConfig:
    """One node's bridge."""

    host: str = "127.0.0.1"
    "Address for SIP and RTP; also what is advertised."

    second_host: str | None = None
    "One more address, of the other version of IP; None: calls are on one of them only."

    sip_port: int = 5060
    "0: the kernel chooses."

    rtp_first_port: int = 0
    "0: the kernel chooses."

    rtp_last_port: int = 0

    workers: int = 1

    calls_per_worker: int = 256

    worker_cpus: tuple[int, ...] = ()
    "The CPU of each worker, which runs on no other; empty: the kernel chooses."

    worker_silence_s: float = 0.5
    "A worker that tells nothing of itself for so long hangs, and is replaced."

    spare_worker: bool = True
    "One worker process more is started, without calls, which takes a lost one's place at once."

    realm: str = "tonewall"

    trunks: tuple[Trunk, ...] = ()

    routes: tuple[Route, ...] = (Route(dialled=".*", to="user:*"),)

    recordings: Path | None = None
    "Folder of the local recorder; None: calls are not recorded."

    @property
    def hosts(self) -> tuple[str, ...]:
        """Our addresses, one of each version of IP at most."""
        return (self.host,) if self.second_host is None else (self.host, self.second_host)
