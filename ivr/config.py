"""The configuration: one TOML file, environment variables over it, defaults that run as they are.

Every complaint names the file, the key and what is wrong with it; a key that does not exist is a complaint too.
Environment variables are `TONEWALL__` and the path: `TONEWALL__SIP__PORT=5070`. They are read here and nowhere else.
"""

import re
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bridge.config import BridgeConfig, Route, Trunk

ENVIRONMENT_PREFIX: Final = "TONEWALL__"

Port = Annotated[int, Field(ge=0, le=65535)]


class ConfigError(ValueError):
    """The configuration cannot be used; each line of the text names one key and what is wrong with it."""


def _network(text: str) -> str:
    ip_network(text, strict=False)
    return text


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return text


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TrunkTable(_Table):
    """A carrier or PBX."""

    name: str = Field(pattern=r"^[A-Za-z0-9_-]+$")
    sources: list[Annotated[str, AfterValidator(_network)]] = []
    destination: str | None = Field(default=None, pattern=r"^[^\s:]+:\d+$|^\[[0-9A-Fa-f:]+\]:\d+$")


class RouteTable(_Table):
    """Where a dialled number goes."""

    dialled: Annotated[str, AfterValidator(_pattern)]
    to: str = Field(pattern=r"^(user:(\*|[^\s:]+)|trunk:[A-Za-z0-9_-]+)$")


class SipTable(_Table):
    """SIP over UDP."""

    host: str = "127.0.0.1"
    port: Port = 5060
    realm: str = "tonewall"
    trunks: list[TrunkTable] = []
    routes: list[RouteTable] = [RouteTable(dialled=".*", to="user:*")]
    phones: dict[str, str] = Field(default={}, repr=False)
    "User name and password of each softphone that may register."

    @model_validator(mode="after")
    def _routes_lead_somewhere(self) -> Self:
        names = {trunk.name for trunk in self.trunks}
        for route in self.routes:
            kind, _, name = route.to.partition(":")
            if kind == "trunk" and name not in names:
                raise ValueError(
                    f"route {route.dialled!r} leads to the trunk {name!r}, which does not exist"
                )
        return self


class RtpTable(_Table):
    """RTP ports; 0 lets the kernel choose."""

    first_port: Port = 0
    last_port: Port = 0

    @model_validator(mode="after")
    def _range_holds_a_call(self) -> Self:
        if self.first_port and self.last_port - self.first_port < 3:
            raise ValueError(
                "first_port to last_port must hold at least four ports: one call takes two pairs"
            )
        return self


class MediaTable(_Table):
    """Media worker processes."""

    workers: int = Field(default=1, ge=1, le=64)
    calls_per_worker: int = Field(default=256, ge=1, le=4000)


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


class LogTable(_Table):
    """The log, on standard error."""

    level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")
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

    node: str = Field(default="node-1", pattern=r"^[A-Za-z0-9_-]{1,40}$")
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
    log: LogTable = LogTable()

    @property
    def database_url(self) -> str:
        """The database, default filled in."""
        return self.database or f"sqlite+aiosqlite:///{(self.data / 'tonewall.db').absolute()}"

    @property
    def bridge(self) -> BridgeConfig:
        """The bridge's part."""
        folder = self.recording.folder or self.data / "recordings"
        return BridgeConfig(
            host=self.sip.host,
            sip_port=self.sip.port,
            rtp_first_port=self.rtp.first_port,
            rtp_last_port=self.rtp.last_port,
            workers=self.media.workers,
            calls_per_worker=self.media.calls_per_worker,
            realm=self.sip.realm,
            trunks=tuple(_trunk(trunk) for trunk in self.sip.trunks),
            routes=tuple(Route(dialled=route.dialled, to=route.to) for route in self.sip.routes),
            recordings=folder.absolute() if self.recording.enabled else None,
        )


def load_config(path: Path | None) -> Config:
    """Return the configuration of `path` (None: defaults) with the environment over it; raise ConfigError."""
    source = "defaults" if path is None else str(path)
    document: dict[str, Any] = {}
    if path is not None:
        try:
            document = tomllib.loads(path.read_text("utf-8"))
        except OSError as error:
            raise ConfigError(f"{source}: cannot be read: {error.strerror}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{source}: not valid TOML: {error}") from None
    try:
        return Config(**document)
    except ValidationError as error:
        lines = [
            _complaint(source, problem)
            for problem in error.errors(include_input=False, include_url=False)
        ]
        raise ConfigError("\n".join(lines)) from None


def _complaint(source: str, problem: Mapping[str, object]) -> str:
    path = [str(part) for part in problem["loc"]]  # type: ignore[attr-defined]  # pydantic types it as object
    message = str(problem["msg"]).removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        known = _keys_at(path[:-1])
        close = get_close_matches(path[-1], known, n=1)
        message = f"unknown key{f', did you mean {close[0]!r}?' if close else ''}"
    return f"{source}: {'.'.join(path) or 'configuration'}: {message}"


def _keys_at(path: list[str]) -> list[str]:
    """Return the keys that the table at `path` may have."""
    model: type[BaseModel] = Config
    for part in path:
        if part.isdigit():
            continue
        annotation = model.model_fields[part].annotation
        inner = [annotation, *getattr(annotation, "__args__", ())]
        tables = [kind for kind in inner if isinstance(kind, type) and issubclass(kind, BaseModel)]
        if not tables:
            return []
        model = tables[0]
    return list(model.model_fields)


def _trunk(table: TrunkTable) -> Trunk:
    destination = None
    if table.destination is not None:
        host, _, port = table.destination.rpartition(":")
        destination = (host.strip("[]"), int(port))
    return Trunk(name=table.name, sources=tuple(table.sources), destination=destination)
