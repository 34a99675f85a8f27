"""The configuration: one TOML file, environment variables over it, defaults that run as they are.

What each key means, with its default, is in `samples/tonewall.toml`. `ivr.config_file` reads the file and complains.
Environment variables are `TONEWALL__` and the path: `TONEWALL__SIP__PORT=5070`; a whole list or table is JSON.
"""

import os
import re
from collections import Counter
from collections.abc import Iterable
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bridge.config import BridgeConfig, Route, Trunk
from ivr.config_detector import DetectorTable
from ivr.config_values import (
    AdvertisedAddress,
    Destination,
    Name,
    Network,
    Pattern,
    Port,
    RouteTarget,
    address_of,
)

ENVIRONMENT_PREFIX: Final = "TONEWALL__"

PORTS_OF_A_CALL: Final = 4
"RTP and RTCP for the caller, RTP and RTCP for the agent (RFC 3550 section 11)."

_PHONE: Final = re.compile(r"[a-z0-9][a-z0-9._+-]{0,63}", re.ASCII)


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TrunkTable(_Table):
    """A carrier or PBX."""

    name: Name
    sources: list[Network] = []
    destination: Destination | None = None
    detector: DetectorTable = DetectorTable()

    @model_validator(mode="after")
    def _is_good_for_something(self) -> Self:
        if not self.sources and self.destination is None:
            raise ValueError(f"the trunk {self.name!r} needs sources, a destination, or both")
        return self


class RouteTable(_Table):
    """Where a dialled number goes."""

    dialled: Pattern
    to: RouteTarget


class SipTable(_Table):
    """SIP over UDP."""

    host: AdvertisedAddress = "127.0.0.1"
    second_host: AdvertisedAddress | None = None
    "One more address, of the other version of IP; default: calls are on one of them only."

    port: Port = 5060
    realm: str = Field(default="tonewall", min_length=1)
    trunks: list[TrunkTable] = [TrunkTable(name="loopback", sources=["127.0.0.0/8", "::1"])]
    "Default: programs of this machine may call."

    routes: list[RouteTable] = [RouteTable(dialled=".*", to="user:*")]
    phones: dict[str, str] = Field(default={}, repr=False)
    "User name and password of each softphone that may register."

    @model_validator(mode="after")
    def _addresses_reach_every_destination(self) -> Self:
        hosts = [self.host] if self.second_host is None else [self.host, self.second_host]
        versions = [ip_address(host).version for host in hosts]
        if len(set(versions)) < len(versions):
            raise ValueError(
                f"second_host: {self.second_host} is IPv{versions[0]} as host is; it must be of the other version of IP"
            )
        for trunk in self.trunks:
            if trunk.destination is None:
                continue
            version = ip_address(address_of(trunk.destination)[0]).version
            if version not in versions:
                raise ValueError(
                    f"the trunk {trunk.name!r} has an IPv{version} destination; "
                    f"set host or second_host to an IPv{version} address of this machine"
                )
        return self

    @model_validator(mode="after")
    def _names_are_usable(self) -> Self:
        for name, count in Counter(trunk.name for trunk in self.trunks).items():
            if count > 1:
                raise ValueError(f"{count} trunks are named {name!r}; each needs a name of its own")
        for user, password in self.phones.items():
            if not _PHONE.fullmatch(user):
                raise ValueError(
                    f"the phone {user!r} must be named like its user of the panel: lower-case letters, "
                    "digits or . _ + -"
                )
            if not password:
                raise ValueError(f"the phone {user!r} has an empty password")
        return self

    @model_validator(mode="after")
    def _routes_lead_somewhere(self) -> Self:
        destinations = {trunk.name: trunk.destination for trunk in self.trunks}
        for route in self.routes:
            kind, _, name = route.to.partition(":")
            where = f"the route {route.dialled!r} leads to the {'trunk' if kind == 'trunk' else 'phone'} {name!r}"
            if kind == "trunk" and name not in destinations:
                raise ValueError(f"{where}, which does not exist; known: {_known(destinations)}")
            if kind == "trunk" and destinations[name] is None:
                raise ValueError(f"{where}, which has no destination")
            if kind == "user" and name != "*" and self.phones and name not in self.phones:
                raise ValueError(f"{where}, which has no account; known: {_known(self.phones)}")
        return self


class RtpTable(_Table):
    """RTP ports; 0 lets the kernel choose."""

    first_port: Port = 0
    last_port: Port = 0

    @model_validator(mode="after")
    def _has_both_ends(self) -> Self:
        if bool(self.first_port) != bool(self.last_port):
            raise ValueError("give first_port and last_port, or neither")
        return self


class MediaTable(_Table):
    """Media worker processes."""

    workers: int = Field(default=1, ge=1, le=64)
    calls_per_worker: int = Field(default=256, ge=1, le=4000)
    cpus: list[Annotated[int, Field(ge=0)]] = []
    "The CPU of each worker, which runs on no other; empty: the kernel chooses."

    silence_limit_ms: int = Field(default=500, ge=300, le=10_000)
    "A worker that tells nothing of itself for so long hangs, and is replaced; it does so every 100 ms."

    spare_worker: bool = True
    "One process more is started, without calls, which takes a lost worker's place at once."

    @model_validator(mode="after")
    def _every_worker_has_a_cpu_that_exists(self) -> Self:
        if not self.cpus:
            return self
        if len(self.cpus) != self.workers:
            raise ValueError(
                f"cpus: {len(self.cpus)} CPUs for workers = {self.workers}; name one for each, or none"
            )
        there = os.sched_getaffinity(0)
        if missing := sorted(set(self.cpus) - there):
            raise ValueError(
                f"cpus: the gateway may not run on CPU {_known(map(str, missing))}; "
                f"it may run on {_known(map(str, sorted(there)))}"
            )
        return self


class RecordingTable(_Table):
    """The local recorder."""

    enabled: bool = True
    folder: Path | None = None
    "Default: `recordings` in the data folder."


class WebTable(_Table):
    """The panel."""

    host: str = "127.0.0.1"
    port: Port = 8080
    secure_cookies: bool = False
    "Set it where the panel is reached by https; cookies are sent over https only then."


class MetricsTable(_Table):
    """Numbers for Prometheus."""

    host: str = "127.0.0.1"
    port: Port | None = None
    "None: none are served."


class LogTable(_Table):
    """The log, on standard error."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    json_lines: bool = False


class Config(BaseSettings):
    """The whole configuration."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix=ENVIRONMENT_PREFIX,
        env_nested_delimiter="__",
        validate_default=False,
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment win over the file, which arrives as arguments."""
        return env_settings, init_settings

    data: Path = Path("var")
    "Folder for what the gateway keeps."

    node: Name = "node-1"
    "This node's name; a node recovers its own payments after a crash."

    database: str = ""
    "SQLAlchemy URL; default: `tonewall.db` in the data folder."

    profiles: Path | None = None
    "TOML file with payment profiles; default: the ones that come with Tonewall."

    sip: SipTable = SipTable()
    rtp: RtpTable = RtpTable()
    media: MediaTable = MediaTable()
    recording: RecordingTable = RecordingTable()
    web: WebTable = WebTable()
    metrics: MetricsTable = MetricsTable()
    log: LogTable = LogTable()

    @model_validator(mode="after")
    def _every_worker_has_ports_for_a_call(self) -> Self:
        first, last, workers = self.rtp.first_port, self.rtp.last_port, self.media.workers
        needed = PORTS_OF_A_CALL * workers
        if first and last - (first + first % 2) + 1 < needed:
            raise ValueError(
                f"rtp: ports {first} to {last} are too few for media.workers = {workers}: "
                f"{needed} are needed, counted from an even port ({PORTS_OF_A_CALL} a call)"
            )
        return self

    @property
    def recordings(self) -> Path | None:
        """Folder of the recordings, default filled in; None where calls are not recorded."""
        if not self.recording.enabled:
            return None
        return (self.recording.folder or self.data / "recordings").absolute()

    @property
    def database_url(self) -> str:
        """The database, default filled in."""
        return self.database or f"sqlite+aiosqlite:///{(self.data / 'tonewall.db').absolute()}"

    @property
    def bridge(self) -> BridgeConfig:
        """The bridge's part."""
        return BridgeConfig(
            host=self.sip.host,
            second_host=self.sip.second_host,
            sip_port=self.sip.port,
            rtp_first_port=self.rtp.first_port + self.rtp.first_port % 2,
            rtp_last_port=self.rtp.last_port,
            workers=self.media.workers,
            calls_per_worker=self.media.calls_per_worker,
            worker_cpus=tuple(self.media.cpus),
            worker_silence_s=self.media.silence_limit_ms / 1000,
            spare_worker=self.media.spare_worker,
            realm=self.sip.realm,
            trunks=tuple(_trunk(trunk) for trunk in self.sip.trunks),
            routes=tuple(Route(dialled=route.dialled, to=route.to) for route in self.sip.routes),
            recordings=self.recordings,
        )


def _trunk(table: TrunkTable) -> Trunk:
    destination = None if table.destination is None else address_of(table.destination)
    return Trunk(
        name=table.name,
        sources=tuple(table.sources),
        destination=destination,
        detector=table.detector.limits,
    )


def _known(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
