"""Rules of this file: what was keyed lives here, shows itself nowhere, and is overwritten when it is done with.

Only processors call `reveal` (a test searches the package); everybody else asks a question with `inspect`
and gets a yes, a no or a word, never digits.
"""

from collections.abc import Callable
from enum import Enum
from typing import Final, NoReturn, Protocol, Self, TypeVar

from ivr.luhn import LONGEST_CARD_NUMBER, luhn_valid

LAST_FOUR: Final = 4
"Digits that may be shown of a complete card number (PCI DSS 3.4.1 allows more, nobody needs more)."

_SHORTEST_FOR_LAST_FOUR: Final = 12
"Shortest card number there is (Maestro); of anything shorter four digits would tell too much."

Answer = TypeVar("Answer", bound=bool | Enum | None)


class SecretError(Exception):
    """A secret was used wrongly. The text never holds any of it."""


class Revealable(Protocol):
    """One pressed key that hides itself, as the bridge hands it over."""

    def reveal(self) -> str:
        """Return the key, one of `0-9*#A-D`."""
        ...


def is_digit_key(key: Revealable) -> bool:
    """Return whether `key` is one of 0 to 9, without telling which."""
    return key.reveal() in _DIGITS


def is_control_key(key: Revealable, symbol: str) -> bool:
    """Return whether `key` is `symbol`, which may be `*` or `#`; raise SecretError for any other symbol.

    Digits cannot be compared, or sixteen questions would tell any key.
    """
    if symbol not in CONTROL_KEYS:
        raise SecretError("only * and # can be compared")
    return key.reveal() == symbol


CONTROL_KEYS: Final = ("*", "#")
"Keys that are no secret."

_DIGITS: Final = tuple("0123456789")


class _Hidden:
    """What hides a value from `repr`, `str`, `format`, `pickle`, `copy`, `asdict` and `vars`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(hidden)"

    def __str__(self) -> str:
        return "(hidden)"

    def __format__(self, spec: str) -> str:
        return "(hidden)"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret cannot be pickled")

    def __getstate__(self) -> NoReturn:
        raise TypeError("a secret has no state to show")


class SecretDigits(_Hidden):
    """Digits keyed by a caller, in one buffer that never moves and is zeroed when wiped.

    The buffer has its full size from the start: growing it would leave copies behind.
    """

    __slots__ = ("_buffer", "_length")

    def __init__(self, capacity: int = LONGEST_CARD_NUMBER) -> None:
        """Make an empty buffer for `capacity` digits (the default holds the longest card number)."""
        self._buffer = bytearray(capacity)
        self._length = 0

    def append(self, key: Revealable) -> None:
        """Add one digit; raise SecretError for a key that is no digit, or when the buffer is full."""
        value = key.reveal()
        if value not in _DIGITS:
            raise SecretError("not a digit")
        if self._length == len(self._buffer):
            raise SecretError("no room for another digit")
        self._buffer[self._length] = int(value)
        self._length += 1

    def wipe(self) -> None:
        """Overwrite the digits and forget how many there were."""
        for index in range(len(self._buffer)):
            self._buffer[index] = 0
        self._length = 0

    def inspect(self, question: Callable[[memoryview], Answer]) -> Answer:
        """Return what `question` answers about the digits (values 0 to 9): a bool, a word or None.

        Raise SecretError where the question fails or answers with anything that could hold digits.
        What failed is not chained: its text could quote what it read.
        """
        failed = False
        answer: Answer | None = None
        with memoryview(self._buffer) as whole, whole[: self._length].toreadonly() as view:
            try:
                answer = question(view)
            except Exception:
                failed = True
        if failed or not isinstance(answer, bool | Enum | None):
            raise SecretError(
                "a question about secret digits failed or answered with more than a word"
            )
        return answer  # type: ignore[return-value]  # checked above; the TypeVar's bound says the same

    def last_four(self) -> str:
        """Return the last four digits of a complete valid card number; raise SecretError for anything else."""
        if self._length < _SHORTEST_FOR_LAST_FOUR or not self.inspect(luhn_valid):
            raise SecretError("not a complete card number")
        return self._text(self._length - LAST_FOUR)

    def reveal(self) -> str:
        """Return the digits; for processors, which put them into a request, and nobody else."""
        return self._text(0)

    def _text(self, start: int) -> str:
        return "".join(str(value) for value in self._buffer[start : self._length])

    def __len__(self) -> int:
        return self._length

    def __bool__(self) -> bool:
        return self._length > 0

    def __del__(self) -> None:
        # __init__ may have failed before there was a buffer.
        if hasattr(self, "_length"):
            self.wipe()


class SecretBytes(_Hidden):
    """A request body that holds card data; zeroed once it has been sent."""

    __slots__ = ("_buffer",)

    def __init__(self, content: bytes = b"") -> None:
        self._buffer = bytearray(content)

    def wipe(self) -> None:
        """Overwrite and empty the content."""
        for index in range(len(self._buffer)):
            self._buffer[index] = 0
        self._buffer.clear()

    def reveal(self) -> bytes:
        """Return the content; for transports of processors, and nobody else."""
        return bytes(self._buffer)

    def __len__(self) -> int:
        return len(self._buffer)

    def __del__(self) -> None:
        if hasattr(self, "_buffer"):
            self.wipe()
