"""Reading payment profiles from TOML: every complaint names file, profile and key."""

from collections.abc import Mapping

from ivr.session.profile import PaymentProfile


class ProfileError(ValueError):
    """A profile cannot be used; the text names the file, the profile and the key."""


def read_profile(name: str, table: Mapping[str, object], *, source: str) -> PaymentProfile:
    """Return the profile of one table; raise :class:`ProfileError`."""
    raise NotImplementedError
