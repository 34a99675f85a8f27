"""Ten callers pay at once: each with a card of its own, to an agent of its own, and nobody hears another's keys."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from bridge.recording.keys_in_wav import read_channels
from ivr.app.gateway import Gateway
from ivr.session.words import Status
from tests.e2e.gateway_rig import (
    PASSWORD,
    Agent,
    config_for,
    dial_string,
    registered,
    running_gateway,
)
from tests.e2e.phones import keyed_then_spoken
from tests.support import spandsp
from tests.support.baresip import Baresip
from tests.support.wav import Pcm, silence, speech


@dataclass(frozen=True)
class Card:
    """One of docs/test-cards.md."""

    number: str
    code: str = "123"


CARDS: Final = (
    Card("4111111111111111"),
    Card("4242424242424242"),
    Card("5555555555554444"),
    Card("2223003122003222"),
    Card("378282246310005", code="1234"),
    Card("6011111111111117"),
    Card("3566002020360505"),
    Card("30569309025904"),
    Card("36227206271667"),
    Card("6200000000000005"),
)

EXPIRY: Final = "1239"

pytestmark = [pytest.mark.e2e, pytest.mark.peer("baresip")]


async def test_ten_payments_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    read_digits = spandsp.reader()
    names = tuple(f"agent{number}" for number in range(len(CARDS)))
    async with (
        running_gateway(config_for(tmp_path, agents=names, workers=2)) as gateway,
        AsyncExitStack() as stack,
    ):
        phones = agent_phones(tmp_path, gateway, names)
        await asyncio.gather(*(stack.enter_async_context(phone) for phone in phones))
        await registered(gateway, *names)
        pays = [
            pay(tmp_path, gateway, name, card, row)
            for row, (name, card) in enumerate(zip(names, CARDS, strict=True))
        ]
        await asyncio.gather(*pays)
        for phone in phones:
            await phone.wait_for("CALL_CLOSED")
    assert [read_digits(phone.heard()) for phone in phones] == [""] * len(CARDS)
    recordings = list((tmp_path / "var" / "recordings").glob("*.wav"))
    assert len(recordings) == len(CARDS)
    assert {read_digits(channel) for path in recordings for channel in read_channels(path)} == {""}


async def pay(tmp_path: Path, gateway: Gateway, name: str, card: Card, row: int) -> None:
    """Make one call from the first ring to the end, and look at its own payment only."""
    agent, amount_minor = Agent(gateway, name), 1000 + row
    async with Baresip(tmp_path, username=f"caller{row}", microphone=speech(3.0)) as caller:
        await caller.dial(dial_string(gateway, name))
        call = await agent.call()
        payment = await agent.take_payment(call, amount=f"{amount_minor / 100:.2f}")
        await caller.play(keying(card, row))
        collected = await agent.collected(payment)
        assert collected.fields[0].mask == "*" * (len(card.number) - 4) + card.number[-4:]
        paid = await agent.submit(collected)
        assert (paid.status, paid.amount.minor, paid.call) == (
            Status.SUCCEEDED,
            amount_minor,
            call.call,
        )
        await agent.released(call)
        await caller.hang_up()
        await caller.wait_for("CALL_CLOSED")


def agent_phones(tmp_path: Path, gateway: Gateway, names: tuple[str, ...]) -> list[Baresip]:
    return [
        Baresip(
            tmp_path,
            username=name,
            answers=True,
            registrar=gateway.node.sip_address,
            password=PASSWORD,
        )
        for name in names
    ]


def keying(card: Card, row: int) -> Pcm:
    """Each caller begins at another moment, so that keys of different calls fall everywhere in each other's."""
    keys = f"{card.number}#{EXPIRY}{card.code}"
    return np.concatenate([silence(0.137 * row), keyed_then_spoken(keys)])
