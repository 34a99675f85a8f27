"""What a phone that nobody here wrote says of our sound: its own RTCP statistics of a call with keys and beeps."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ivr.app.gateway import Gateway
from tests.e2e.gateway_rig import (
    Agent,
    config_for,
    dial_string,
    registered,
    running_gateway,
)
from tests.e2e.phones import agent_phone
from tests.support.baresip import Baresip
from tests.support.wav import keyed, speech

pytestmark = [pytest.mark.e2e, pytest.mark.peer("baresip")]


def told(phone: Baresip) -> Iterator[dict[str, Any]]:
    """Yield what the phone made of each of our reports: `sent` and `lost` of both ways, round trip in microseconds."""
    for event in phone.events:
        if event.get("type") == "CALL_RTCP":
            yield event["rtcp_stats"]


async def test_the_agents_phone_misses_nothing_while_keys_are_masked(tmp_path: Path) -> None:
    """One phone has a port of its own for RTCP, the other shares that of the sound."""
    async with running_gateway(config_for(tmp_path, agents=("own", "shared"))) as gateway:
        phones = (
            agent_phone(tmp_path, gateway, "own"),
            agent_phone(tmp_path, gateway, "shared", rtcp_mux=True),
        )
        await asyncio.gather(*(masked_call(tmp_path, gateway, phone) for phone in phones))
    for phone in phones:
        *_, last = told(phone)
        assert (last["tx"]["lost"], last["rx"]["lost"]) == (0, 0), phone.username
        assert last["tx"]["sent"] > 200
        assert last["rx"]["sent"] > 200
        assert any(report["rtt"] > 0 for report in told(phone)), phone.username


async def masked_call(folder: Path, gateway: Gateway, phone: Baresip) -> None:
    """Call this phone, key on the secure line, and hang up when the phone has told of a round trip."""
    agent = Agent(gateway, phone.username)
    async with (
        phone,
        Baresip(folder, username=f"calls-{phone.username}", microphone=speech(3.0)) as caller,
    ):
        await registered(gateway, phone.username)
        await caller.dial(dial_string(gateway, phone.username))
        call = await agent.call()
        await phone.heard_for(1.5)
        await agent.take_payment(call)
        await caller.say(keyed("411111", on_ms=90, off_ms=90))
        await round_trip_told(phone)
        await caller.hang_up()
        await phone.wait_for("CALL_CLOSED")


async def round_trip_told(phone: Baresip) -> None:
    """Return once a report held one: the first never does, and the next where ours and the phone's did not cross."""
    for count in range(1, 6):
        report = await phone.wait_for("CALL_RTCP", count=count)
        if report["rtcp_stats"]["rtt"] > 0:
            return
