"""The log's last net: no card number gets out, whoever logs it and however."""

import io
import json
import logging
import sys
import threading
from collections.abc import Callable, Iterator

import pytest
import structlog

from ivr.log import configure_logging, log_uncaught_exceptions
from ivr.redaction import REMOVED

# Not the canary: the suite would find that one in the record before our handler has cleaned it.
CARD = "4111111111111111"
SPACED = "4111 1111-1111 1111"

Configure = Callable[..., io.StringIO]


@pytest.fixture
def configure() -> Iterator[Configure]:
    """Configure logging into a buffer; put back what was there."""
    root = logging.getLogger()
    handlers, level, hooks = list(root.handlers), root.level, (sys.excepthook, threading.excepthook)

    def into_buffer(*, level: str = "INFO", as_json: bool = True) -> io.StringIO:
        buffer = io.StringIO()
        configure_logging(level=level, json=as_json, stream=buffer)
        return buffer

    yield into_buffer
    root.handlers[:] = handlers
    root.setLevel(level)
    sys.excepthook, threading.excepthook = hooks
    structlog.reset_defaults()


def _lines(buffer: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in buffer.getvalue().splitlines()]


@pytest.mark.parametrize("as_json", [True, False])
def test_card_number_is_removed_from_message_and_values(
    configure: Configure, as_json: bool
) -> None:
    buffer = configure(as_json=as_json)
    structlog.get_logger("ours").info(
        f"got {SPACED}",
        text=CARD,
        number=int(CARD),
        nested={"deep": [CARD, {CARD: (int(CARD),)}]},
        **{f"key{CARD}": 1},
    )
    logging.getLogger("library").warning("got %s and %r", CARD, {"pan": SPACED})
    assert REMOVED in buffer.getvalue()
    assert "1111" not in buffer.getvalue()


@pytest.mark.parametrize("as_json", [True, False])
def test_card_number_is_removed_from_tracebacks(configure: Configure, as_json: bool) -> None:
    buffer = configure(as_json=as_json)
    for fail in (structlog.get_logger("ours").exception, logging.getLogger("library").exception):
        secret = SPACED
        try:
            raise ValueError(secret) from KeyError(CARD)
        except ValueError:
            fail("failed")
    assert buffer.getvalue().count("Traceback") == 2
    assert "1111" not in buffer.getvalue()


def test_local_variables_of_a_traceback_are_not_shown(configure: Configure) -> None:
    buffer = configure(as_json=False)
    code = "local-" + "security-code"
    try:
        raise ValueError(len(code))
    except ValueError:
        structlog.get_logger("ours").exception("failed")
    assert "ValueError" in buffer.getvalue()
    assert code not in buffer.getvalue()


def test_card_number_deeper_than_values_are_walked_is_removed(configure: Configure) -> None:
    buffer = configure()
    value: object = CARD
    for _ in range(20):
        value = [value]
    structlog.get_logger("ours").info("deep", value=value)
    assert REMOVED in buffer.getvalue()
    assert "1111" not in buffer.getvalue()


def test_line_is_json_with_time_level_logger_and_context(configure: Configure) -> None:
    buffer = configure()
    with structlog.contextvars.bound_contextvars(session="S1"):
        structlog.get_logger("ours").info("started", card=int(CARD), port=5060)
    (line,) = _lines(buffer)
    assert str(line.pop("timestamp")).endswith("Z")
    assert line == {
        "event": "started",
        "level": "info",
        "logger": "ours",
        "session": "S1",
        "card": REMOVED,
        "port": 5060,
    }


@pytest.mark.parametrize("name", ["aiosqlite", "stripe", "sqlalchemy.engine.Engine", "httpcore2"])
def test_libraries_that_print_payloads_stay_quiet_at_debug(configure: Configure, name: str) -> None:
    buffer = configure(level="debug")
    logging.getLogger("ours").debug("shown")
    logging.getLogger(name).info("payload")
    assert [line["event"] for line in _lines(buffer)] == ["shown"]


def test_configuring_again_replaces_our_handler_and_keeps_others(configure: Configure) -> None:
    first, other = configure(), logging.NullHandler()
    logging.getLogger().addHandler(other)
    second = configure()
    logging.getLogger("ours").info("once")
    assert (first.getvalue(), len(_lines(second))) == ("", 1)
    assert other in logging.getLogger().handlers


def test_unknown_level_is_refused(configure: Configure) -> None:
    with pytest.raises(ValueError, match="LOUD"):
        configure(level="loud")


def test_uncaught_exceptions_are_logged_redacted(
    configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    buffer = configure()
    log_uncaught_exceptions()
    error = ValueError(CARD)
    sys.excepthook(ValueError, error, None)
    thread = threading.Thread(target=int, args=(SPACED,))
    thread.start()
    thread.join()
    assert [line["level"] for line in _lines(buffer)] == ["critical", "critical"]
    assert "1111" not in buffer.getvalue()
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("level", "told"), [("DEBUG", ["info", "warning"]), ("INFO", ["warning"]), ("ERROR", [])]
)
def test_chatty_libraries_are_quiet_unless_all_is_asked_for(
    configure: Configure, level: str, told: list[str]
) -> None:
    buffer = configure(level=level)
    for library in ("alembic.runtime.migration", "uvicorn.error"):
        logging.getLogger(library).info("started")
        logging.getLogger(library).warning("slow")
    assert [line["level"] for line in _lines(buffer)] == told * 2
