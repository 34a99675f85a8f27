"""What the demo plays on: a gateway in this process and two softphones in theirs, all on loopback."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from ivr.app.first_run import FIRST_USER, FirstUser
from ivr.app.gateway import Gateway
from ivr.config import Config, RouteTable, SipTable, TrunkTable, WebTable
from ivr.demo.ports import LOOPBACK, free_udp_ports
from ivr.demo.softphone import Softphone, SoftphoneOptions

AGENT_NUMBER: Final = "5000"
"What the caller dials."

CALLER_NUMBER: Final = "02079460123"
"Who calls: a number that Ofcom keeps for drama."


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Everything that runs during the demo."""

    gateway: Gateway

    user: FirstUser
    "Who can sign in to the panel; the agent's softphone is theirs too."

    caller: Softphone

    agent: Softphone


@dataclass(frozen=True, slots=True, kw_only=True)
class Tapes:
    """Files of one demo call in its temporary folder; written once the stage is taken down."""

    folder: Path

    @property
    def caller(self) -> Path:
        """What the caller's phone sent, WAV with a sidecar."""
        return self.folder / "caller.wav"

    @property
    def agent(self) -> Path:
        """What the agent's phone heard, WAV with a sidecar."""
        return self.folder / "agent.wav"

    @property
    def data(self) -> Path:
        """The gateway's data folder."""
        return self.folder / "data"

    @property
    def recordings(self) -> list[Path]:
        """What the gateway recorded; one file a call."""
        return sorted((self.data / "recordings").glob("*.wav"))


class _DemoConfig(Config):
    """A configuration that is the same everywhere: the environment is not asked, it may name a real data folder."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what the demo sets, and defaults."""
        return (init_settings,)


@asynccontextmanager
async def set_up(tapes: Tapes, *, deadline_s: float) -> AsyncIterator[Stage]:
    """Start gateway and phones; take them down in order, which writes the tapes and the recording.

    The phones end by themselves after `deadline_s`. Raise what :meth:`Gateway.start` raises.
    """
    phone_password = secrets.token_urlsafe(16)
    gateway = await Gateway.start(_config(tapes.data, phone_password))
    try:
        assert gateway.first_user is not None, "the data folder was empty"
        caller, agent = _phones(gateway, tapes, phone_password, deadline_s)
        async with Softphone(agent) as agent_phone, Softphone(caller) as caller_phone:
            yield Stage(
                gateway=gateway, user=gateway.first_user, caller=caller_phone, agent=agent_phone
            )
    finally:
        await gateway.stop()


def _phones(
    gateway: Gateway, tapes: Tapes, password: str, deadline_s: float
) -> tuple[SoftphoneOptions, SoftphoneOptions]:
    """Return the caller's phone and the agent's."""
    server = gateway.node.sip_address
    caller_sip, caller_rtp, agent_sip, agent_rtp = free_udp_ports(4)
    caller = SoftphoneOptions(
        role="caller",
        server=server,
        sip_port=caller_sip,
        rtp_ports=(caller_rtp, caller_rtp),
        username=CALLER_NUMBER,
        sent_wav=tapes.caller,
        log=tapes.folder / "caller.log",
        deadline_s=deadline_s,
    )
    agent = SoftphoneOptions(
        role="agent",
        server=server,
        sip_port=agent_sip,
        rtp_ports=(agent_rtp, agent_rtp),
        username=FIRST_USER,
        password=password,
        heard_wav=tapes.agent,
        log=tapes.folder / "agent.log",
        deadline_s=deadline_s,
    )
    return caller, agent


def _config(data: Path, phone_password: str) -> Config:
    return _DemoConfig(
        data=data,
        sip=SipTable(
            host=LOOPBACK,
            port=0,
            phones={FIRST_USER: phone_password},
            trunks=[TrunkTable(name="loopback", sources=["127.0.0.0/8"])],
            routes=[RouteTable(dialled=AGENT_NUMBER, to=f"user:{FIRST_USER}")],
        ),
        web=WebTable(host=LOOPBACK, port=0),
    )
