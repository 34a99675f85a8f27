"""Calls that no worker has confirmed yet: on which workers each was tried, and whether it may wait for a new one."""

from dataclasses import dataclass, field

from bridge.media import messages as m


@dataclass(slots=True, kw_only=True)
class Opening:
    """One call on its way to a worker."""

    command: m.OpenCall

    waits: bool
    "Where no worker has room it waits for one that is being started: its far ends are connected already."

    tried: set[int] = field(default_factory=set)
    "Process ids of the workers that have refused it."

    reasons: list[str] = field(default_factory=list)
    "Why they did."

    def refused(self, pid: int, reason: str) -> None:
        """Note that a worker did not take it."""
        self.tried.add(pid)
        self.reasons.append(reason)

    @property
    def refusal(self) -> m.CallRefused:
        """What is told of a call that nobody takes."""
        reasons = dict.fromkeys(self.reasons)  # each once, in their order
        reason = "; ".join(reasons) or "no media worker has room for it"
        return m.CallRefused(call=self.command.call, reason=reason)
