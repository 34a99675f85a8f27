"""The documents: every link leads somewhere, every file they name is there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("docs", "samples")
    for path in (ROOT / folder).rglob("*.md")
) + ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"]

_LINK = re.compile(r"\]\(([^)#:]+)\)")

_NAMED = re.compile(r"`((?:ivr|bridge|dtmf|agent_panel|tests|samples|docs)/[\w/.-]+)`")


def named_in(document: str) -> Iterator[Path]:
    """Yield what a document links to or names as a path."""
    text = (ROOT / document).read_text("utf-8")
    for link in _LINK.findall(text):
        yield (ROOT / document).parent / link
    for name in _NAMED.findall(text):
        yield ROOT / name


@pytest.mark.parametrize("document", DOCUMENTS)
def test_what_a_document_names_is_there(document: str) -> None:
    missing = [path.relative_to(ROOT) for path in named_in(document) if not path.resolve().exists()]
    assert missing == []


def test_the_index_has_every_document() -> None:
    index = (ROOT / "docs" / "README.md").read_text("utf-8")
    pages = [path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")]
    assert [page for page in pages if page != "README.md" and f"({page})" not in index] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_no_document_claims_compliance(document: str) -> None:
    # That is for an assessor to say, about somebody's network; software cannot have it.
    assert not re.search("complian(t|ce)", (ROOT / document).read_text("utf-8"), re.IGNORECASE)
