"""Where the panel lives."""

from typing import Final

PANEL_PATH: Final = "/panel"
SIGN_IN_PATH: Final = "/panel/sign-in"
SIGN_OUT_PATH: Final = "/panel/sign-out"
CHANNEL_PATH: Final = "/panel/channel"
STATIC_PATH: Final = "/panel/static"
