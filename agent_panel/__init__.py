"""The web panel of agents: my calls, take a payment, masked progress, result."""

from agent_panel.app import create_app
from agent_panel.deps import PanelDeps

__all__ = ["PanelDeps", "create_app"]
