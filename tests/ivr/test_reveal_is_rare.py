"""Secrets are revealed beside the processors, where requests are built, and nowhere else."""

from pathlib import Path

import ivr

ROOT = Path(ivr.__file__).parent
ALLOWED = ("payments/processors/", "secret.py")


def _calls(text: str) -> int:
    return text.count(".reveal(") + text.count('"reveal"') + text.count("'reveal'")


def test_reveal_is_called_in_processors_and_in_the_secret_types_only() -> None:
    callers = [
        path.relative_to(ROOT).as_posix()
        for path in sorted(ROOT.rglob("*.py"))
        if _calls(path.read_text("utf-8"))
    ]
    assert [caller for caller in callers if not caller.startswith(ALLOWED)] == []
    assert callers  # or the search itself is broken


def test_panel_and_links_never_reveal() -> None:
    for package in ("agent_panel", "sms_links"):
        for path in (ROOT.parent / package).rglob("*.py"):
            assert not _calls(path.read_text("utf-8")), path.name
