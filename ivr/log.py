"""Logging: one set-up for our own log and that of the libraries, with card numbers removed at the very end.

Every line passes the same chain and then :func:`ivr.redaction.redact`, so a traceback, a library's
message or a bound value is cleaned like any other text. Lines go to standard error: JSON for machines,
aligned text for a terminal.
"""

import logging
import sys
import threading
from collections.abc import Callable, MutableMapping
from types import TracebackType
from typing import Any, Final, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from ivr.redaction import redact

_LOUD_LIBRARIES: Final = (
    "aiosqlite",  # at DEBUG it prints the bound parameters of every statement
    "httpcore2",
    "httpx2",
    "sqlalchemy.engine",
    "stripe",  # at DEBUG it prints the request body: the card
)
"Loggers that print payloads below WARNING; they are held there whatever our own level is."

_CHATTY_LIBRARIES: Final = ("alembic", "uvicorn")
"Loggers whose INFO lines only a developer asks for: shown where our own level is DEBUG."

_DEEPEST_CLEANED: Final = 6
"Levels of nested values that are cleaned one by one; what is deeper is cleaned as text."


class _OurHandler(logging.StreamHandler[TextIO]):
    """The handler :func:`configure_logging` installs, so that it replaces its own and no other."""


def configure_logging(
    *, level: str = "INFO", json: bool = False, stream: TextIO | None = None
) -> None:
    """Send our log and every library's to `stream` (standard error), from `level` on, redacted.

    May be called again: the last call wins. Raise ValueError for a level that does not exist.
    """
    stream = sys.stderr if stream is None else stream
    structlog.configure(
        processors=[*_COMMON, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,  # module-level loggers follow a later call
    )
    handler = _OurHandler(stream)
    handler.setFormatter(_formatter(json=json, colors=stream.isatty()))
    root = logging.getLogger()
    root.setLevel(level.upper())
    for old in [old for old in root.handlers if isinstance(old, _OurHandler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    for name in _LOUD_LIBRARIES:
        logging.getLogger(name).setLevel(max(root.level, logging.WARNING))
    verbose = root.level <= logging.DEBUG
    for name in _CHATTY_LIBRARIES:
        logging.getLogger(name).setLevel(
            logging.INFO if verbose else max(root.level, logging.WARNING)
        )


def log_uncaught_exceptions() -> None:
    """Write what nobody caught, in any thread, to the log: Python would print it unredacted."""
    log = structlog.stdlib.get_logger("tonewall.uncaught")

    def uncaught(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
        else:
            log.critical("uncaught exception", exc_info=(kind, error, trace))

    def uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            uncaught(args.exc_type, args.exc_value, args.exc_traceback)

    sys.excepthook = uncaught
    threading.excepthook = uncaught_in_thread


def remove_card_numbers(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Clean every key and value of a log event; a number that reads as a card number becomes text."""
    return {redact(str(key)): _cleaned(value, depth=0) for key, value in event.items()}


def _cleaned(value: object, *, depth: int) -> object:
    match value:
        case None | bool() | float():
            return value
        case str():
            return redact(value)
        case int():
            text = str(value)
            return value if redact(text) == text else redact(text)
        case dict() if depth < _DEEPEST_CLEANED:
            return {
                redact(str(key)): _cleaned(item, depth=depth + 1) for key, item in value.items()
            }
        case list() | tuple() | set() | frozenset() if depth < _DEEPEST_CLEANED:
            return [_cleaned(item, depth=depth + 1) for item in value]
        case _:
            return redact(str(value))


def _formatter(*, json: bool, colors: bool) -> logging.Formatter:
    renderer: Processor
    if json:
        renderer = structlog.processors.JSONRenderer()
    else:
        # the plain formatter: the pretty ones print local variables
        renderer = structlog.dev.ConsoleRenderer(
            colors=colors, exception_formatter=structlog.dev.plain_traceback
        )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_COMMON,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            remove_card_numbers,
            _RedactedLine(renderer),
        ],
    )


class _RedactedLine:
    """Render, then clean the finished line: what several values spell together is seen only here."""

    def __init__(self, renderer: Callable[[Any, str, MutableMapping[str, Any]], Any]) -> None:
        self._renderer = renderer

    def __call__(self, logger: WrappedLogger, method: str, event: EventDict) -> str:
        return redact(str(self._renderer(logger, method, event)))


_COMMON: Final[list[Processor]] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
]
