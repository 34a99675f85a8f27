"""A card number that every test may key and no test may find again: not in a log, a file or an output.

It passes the Luhn check and the built-in test processor approves it, but nobody's test data holds it by chance.
"""

from base64 import b64encode
from typing import Final

CANARY_CARD: Final = "4000001234567899"
"What a test keys where the digits themselves do not matter."

CANARY_SPACED: Final = "4000 0012 3456 7899"

CANARY_DASHED: Final = "4000-0012-3456-7899"

_SEPARATORS: Final = b" -.,\t"

_RUN_DIGITS: Final = 8
"A shorter run is what a receipt may show (first six, last four: PCI DSS 3.4.1) or too likely by chance."

_COUNTING: Final = b"00000123456789"
"Runs inside it are what counters and test strings look like (`12345678`); they prove nothing."


def _runs() -> tuple[bytes, ...]:
    digits = CANARY_CARD.encode()
    windows = (digits[at : at + _RUN_DIGITS] for at in range(len(digits) - _RUN_DIGITS + 1))
    return tuple(window for window in windows if window not in _COUNTING)


def _base64_cores() -> tuple[bytes, ...]:
    """Return the part of the number's base64 text that does not depend on its neighbours, for the three alignments."""
    cores = []
    for before in range(3):
        first = -(-before * 4 // 3)
        encoded = b64encode(b"x" * before + CANARY_CARD.encode())
        whole = (before + len(CANARY_CARD)) // 3 * 4
        cores.append(encoded[first:whole])
    return tuple(cores)


_SQUEEZED_FORMS: Final = _runs()
_RAW_FORMS: Final = (
    *_base64_cores(),
    CANARY_CARD.encode().hex().encode(),
    bytes.fromhex(CANARY_CARD),
)


def holds_canary(data: bytes | str) -> bool:
    """Return whether `data` holds the test card number, or a telling run of eight of its digits.

    Found in plain digits (however spaced, dashed or comma-separated), base64, hexadecimal text and packed decimal.
    """
    raw = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
    squeezed = raw.translate(None, _SEPARATORS)
    return any(form in squeezed for form in _SQUEEZED_FORMS) or any(
        form in raw for form in _RAW_FORMS
    )
