"""The calls of a node that have not ended, found by their identity or by either of their dialogs."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from bridge.call.events import CallInfo
from bridge.call.flow import CallFlow
from bridge.call.move import CallMove
from bridge.call.secure_line import SecureLine
from bridge.media import messages as m
from bridge.sip import events as sip


@dataclass(slots=True, kw_only=True)
class LiveCall:
    """One call, and what belongs to it."""

    flow: CallFlow

    line: SecureLine

    move: CallMove | None = None
    "Set while the call is on its way to another worker."

    moved_s: float | None = None
    "When it was last moved; None where it never was."


class LiveCalls:
    """All of them, oldest first."""

    def __init__(self) -> None:
        self._calls: dict[m.CallId, LiveCall] = {}
        self._of_dialog: dict[sip.DialogId, LiveCall] = {}
        self.refused: Counter[int] = Counter()
        "Calls that were refused before anybody's phone rang, by SIP status."

    def __iter__(self) -> Iterator[LiveCall]:
        """Return the calls as they are now: ending them meanwhile does no harm."""
        return iter(list(self._calls.values()))

    def infos(self) -> list[CallInfo]:
        """Return the calls as others may know them."""
        return [call.flow.info for call in self]

    def get(self, call: m.CallId) -> LiveCall | None:
        """Return a call, or None where it is gone."""
        return self._calls.get(call)

    def of_dialog(self, dialog: sip.DialogId) -> LiveCall | None:
        """Return the call that a dialog is a side of, or None where it is gone."""
        return self._of_dialog.get(dialog)

    def add(self, call: LiveCall) -> None:
        """Take a call in."""
        self._calls[call.flow.call] = call
        self.learn_dialogs(call)

    def learn_dialogs(self, call: LiveCall) -> None:
        """Find the call by the dialogs that it has now."""
        for dialog in call.flow.dialogs:
            self._of_dialog[dialog] = call

    def remove(self, call: LiveCall) -> None:
        """Forget a call that has ended."""
        del self._calls[call.flow.call]
        for dialog in call.flow.dialogs:
            self._of_dialog.pop(dialog, None)
