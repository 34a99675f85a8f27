"""What the panel is given. It holds nothing else of the application."""

from dataclasses import dataclass

from agent_panel.channel import PING_INTERVAL_S
from ivr.clock import Clock
from ivr.session.ports import Accounts, AgentDesk


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelDeps:
    """The doors of the application, and how the panel is served."""

    desk: AgentDesk

    accounts: Accounts

    clock: Clock

    secure_cookies: bool
    "Served over TLS; False is for loopback only."

    ping_interval_s: float = PING_INTERVAL_S
    "Seconds between pings; each ping also checks that the agent is still signed in."
