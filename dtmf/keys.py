"""The sixteen keys: their tones (ITU-T Q.23), their event codes (RFC 4733 section 3.2), and a type that hides one."""

from typing import Final, NoReturn, Self

LOW_HZ: Final = (697, 770, 852, 941)
"Row tones."

HIGH_HZ: Final = (1209, 1336, 1477, 1633)
"Column tones."

KEYS: Final = "123A456B789C*0#D"
"Key of row r and column c is `KEYS[4 * r + c]`."

NO_KEY: Final = -1
"Index where there is no key."

EVENT_KEYS: Final = "0123456789*#ABCD"
"Key of RFC 4733 event code n is `EVENT_KEYS[n]`; codes from 16 on are no keys."


def tones_hz(key: str) -> tuple[int, int]:
    """Return (row, column) tone of `key` in Hz; raise ValueError for anything that is no key."""
    index = KEYS.index(key)
    return LOW_HZ[index // 4], HIGH_HZ[index % 4]


class HiddenKey:
    """One pressed key that does not show itself: not in `repr`, `str`, `format`, `pickle`, `copy` or a traceback."""

    __slots__ = ("_key",)

    def __init__(self, key: str) -> None:
        if len(key) != 1 or key not in KEYS:
            raise ValueError("not a DTMF key")
        self._key = key

    def reveal(self) -> str:
        """Return the key, one of `0-9*#A-D`; for the code that fills a field, and nobody else."""
        return self._key

    def same_as(self, other: "HiddenKey") -> bool:
        """Return whether both are the same key, without showing either."""
        return self._key == other._key

    def __repr__(self) -> str:
        return "HiddenKey(*)"

    def __str__(self) -> str:
        return "*"

    def __format__(self, spec: str) -> str:
        return format("*", spec)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a pressed key cannot be pickled")
