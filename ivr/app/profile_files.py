"""Payment profiles from files: the configured one, or those that come with Tonewall."""

from collections.abc import Collection
from importlib.resources import files
from pathlib import Path
from typing import Final

from ivr.app.processor_accounts import processor_accounts
from ivr.config import Config
from ivr.session.profile import PaymentProfile
from ivr.session.profile_toml import ProfileError, read_profiles

BUILT_IN: Final = "built-in profiles"
"What a complaint calls the file that comes with Tonewall."


def configured_profiles(config: Config) -> list[PaymentProfile]:
    """Return the profiles of the configured file, or those that come with Tonewall; raise ProfileError."""
    if config.profiles is not None:
        return read_profile_file(config.profiles)
    text = (files("ivr.app") / "profiles.toml").read_text("utf-8")
    return _checked(read_profiles(text, source=BUILT_IN), BUILT_IN)


def read_profile_file(path: Path) -> list[PaymentProfile]:
    """Return the payment profiles of a TOML file; raise ProfileError that names the file, the profile and the key."""
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise ProfileError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ProfileError(f"{path}: not valid TOML: {error}") from None
    return _checked(read_profiles(text, source=str(path)), str(path))


def _checked(profiles: list[PaymentProfile], source: str) -> list[PaymentProfile]:
    known: Collection[str] = processor_accounts()
    for profile in profiles:
        if profile.processor not in known:
            raise ProfileError(
                f"{source}: profile {profile.name!r}: processor: {profile.processor!r} is not configured; "
                f"known: {', '.join(sorted(known))}"
            )
    return profiles
