"""What is written for people agrees with the code."""

from pathlib import Path

import pytest

from ivr.payments.decline import DECLINE_ADVICE, DeclineCode
from ivr.payments.processors.test_cards import TEST_CARDS

PAGE = Path(__file__).parents[3] / "docs" / "test-cards.md"


def test_page_lists_exactly_the_test_cards() -> None:
    rows = [
        tuple(cell.strip() for cell in line.strip("|").split("|"))
        for line in PAGE.read_text("utf-8").splitlines()
        if line.startswith("| ") and line[2].isdigit()
    ]
    assert rows == [(card.number, card.brand, str(card.does)) for card in TEST_CARDS]


def test_page_explains_every_behaviour() -> None:
    page = PAGE.read_text("utf-8").rpartition("| word | meaning |")[2]
    assert [str(card.does) for card in TEST_CARDS if str(card.does) not in page] == []


@pytest.mark.parametrize("code", DeclineCode)
def test_every_decline_has_a_sentence(code: DeclineCode) -> None:
    words = DECLINE_ADVICE[code].words
    assert words[0].isupper()
    assert words.endswith(".")


def test_lost_and_stolen_cards_sound_like_any_refusal() -> None:
    assert (
        DECLINE_ADVICE[DeclineCode.LOST_OR_STOLEN].words
        == DECLINE_ADVICE[DeclineCode.DO_NOT_HONOUR].words
    )
