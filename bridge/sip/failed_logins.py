"""How often an address gave a wrong password lately, so that guessing stays slow."""

from bridge.sip.config import SipLimits


class FailedLogins:
    """Counts wrong passwords by address in a window that begins with the first of them."""

    def __init__(self, limits: SipLimits) -> None:
        self._limits = limits
        self._windows: dict[str, tuple[float, int]] = {}
        "Start and count of each address's window, oldest first."

    def is_barred(self, host: str, now: float) -> bool:
        """Tell whether `host` has used up its attempts of this window."""
        return self._recent(host, now)[1] >= self._limits.failed_logins

    def count(self, host: str, now: float) -> None:
        """Take note of one wrong password."""
        started_at, failures = self._recent(host, now)
        self._windows.pop(host, None)
        self._windows[host] = (started_at, failures + 1)
        if len(self._windows) > self._limits.failed_login_sources:
            del self._windows[next(iter(self._windows))]

    def _recent(self, host: str, now: float) -> tuple[float, int]:
        started_at, failures = self._windows.get(host, (now, 0))
        if now - started_at >= self._limits.failed_login_window_s:
            return now, 0
        return started_at, failures
