"""Ended sessions that an agent can still look at."""

from ivr.session.view import AgentId, AgentView, SessionId

MAX_RECENT = 20
"Ended sessions kept for one agent; older ones are in the store. The oldest goes first."


class RecentSessions:
    """The last views of ended sessions, by agent."""

    def __init__(self) -> None:
        """Start with none."""
        self._views: dict[AgentId, dict[SessionId, tuple[int, AgentView]]] = {}

    def add(self, view: AgentView, *, number: int) -> None:
        """Keep the view; `number` orders sessions by their beginning."""
        views = self._views.setdefault(view.agent, {})
        views[view.session] = (number, view)
        if len(views) > MAX_RECENT:
            del views[next(iter(views))]

    def replace(self, view: AgentView) -> None:
        """Put a newer view in the place of the one that is kept."""
        views = self._views.get(view.agent, {})
        if view.session in views:
            views[view.session] = (views[view.session][0], view)

    def find(self, agent: AgentId, session: SessionId) -> AgentView | None:
        """Return the agent's ended session, or None."""
        kept = self._views.get(agent, {}).get(session)
        return None if kept is None else kept[1]

    def of(self, agent: AgentId) -> list[tuple[int, AgentView]]:
        """Return the agent's ended sessions with their numbers, in no particular order."""
        return list(self._views.get(agent, {}).values())
