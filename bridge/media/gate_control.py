"""When each line's gate closes and opens, and what the gateway is told of it.

Rules of this file: a gate closes at once; it opens when the caller has let go of the key that may be down. Every
change is confirmed, and every wish for what is so already.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict

from bridge.media import messages as m
from bridge.media.line_masking import LineMasking
from bridge.media.path import MediaPath


class GateControl:
    """The gates of all call slots. `ids`: which call has a slot."""

    def __init__(
        self, path: MediaPath, ids: Mapping[int, m.CallId], report: Callable[[m.Report], None]
    ) -> None:
        self._path, self._ids, self._report = path, ids, report
        self._opening: dict[int, float] = {}
        "Call slots whose gate is to open, and since when."

    def set_secure(self, slot: int, command: m.SetSecure) -> None:
        """Carry out a command."""
        path = self._path
        if not command.secure:
            if path.lines.secure[slot]:
                self._opening.setdefault(slot, path.now)
            else:
                self._tell(slot)
            return
        self._opening.pop(slot, None)
        if path.lines.secure[slot]:
            path.lines.change_masking(slot, LineMasking.of(command))
        else:
            path.close_gate(slot, LineMasking.of(command))
        self._tell(slot)

    def tick(self) -> None:
        """Open those that may open by now."""
        for slot, asked_s in list(self._opening.items()):
            if self._path.may_open(slot, asked_s):
                self.end(slot)
                self._tell(slot)

    def end(self, slot: int) -> None:
        """Open the gate whatever is heard, and tell what was counted where it was closed."""
        self._opening.pop(slot, None)
        if self._path.lines.secure[slot]:
            totals = self._path.lines.totals(slot)
            self._report(m.SecureSpanCounted(call=self._ids[slot], **asdict(totals)))
        self._path.open_gate(slot)

    def _tell(self, slot: int) -> None:
        lines = self._path.lines
        secure, masking = bool(lines.secure[slot]), asdict(lines.masking(slot))
        self._report(m.SecureChanged(call=self._ids[slot], secure=secure, **masking))
