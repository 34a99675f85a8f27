"""Pressed keys for tests of the payment application."""

from collections.abc import Iterator

from ivr.secret import SecretDigits


class PressedKey:
    """One key as the bridge hands it over."""

    def __init__(self, key: str) -> None:
        self._key = key

    def reveal(self) -> str:
        """Return the key."""
        return self._key


def pressed(keys: str) -> Iterator[PressedKey]:
    """Yield the keys of a text one by one."""
    return (PressedKey(key) for key in keys)


def secret(digits: str, capacity: int = 19) -> SecretDigits:
    """Return digits as a caller keyed them."""
    hidden = SecretDigits(capacity)
    for key in pressed(digits):
        hidden.append(key)
    return hidden


def values(digits: str) -> list[int]:
    """Return digits as card rules take them: values 0 to 9."""
    return [int(digit) for digit in digits]
