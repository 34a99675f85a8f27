"""What a phone that nobody here wrote says of our sound: its own RTCP statistics of a call with keys and beeps."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.e2e.gateway_rig import (
    Agent,
    config_for,
    dial_string,
    registered,
    running_gateway,
)
from tests.e2e.phones import agent_phone
from tests.support.baresip import Baresip
from tests.support.wav import keyed, silence, speech

pytestmark = [pytest.mark.e2e, pytest.mark.peer("baresip")]


def told(phone: Baresip) -> Iterator[dict[str, Any]]:
    """Yield what the phone made of each of our reports: `sent` and `lost` of both ways, round trip in microseconds."""
    for event in phone.events:
        if event.get("type") == "CALL_RTCP":
            yield event["rtcp_stats"]


@pytest.mark.parametrize("shares_port", [False, True], ids=["own port", "shared port"])
async def test_the_agents_phone_misses_nothing_while_keys_are_masked(
    tmp_path: Path, shares_port: bool
) -> None:
    microphone = np.concatenate([speech(4.0), keyed("411111", on_ms=90, off_ms=90), silence(6.0)])
    async with running_gateway(config_for(tmp_path)) as gateway:
        agent = Agent(gateway)
        async with (
            agent_phone(tmp_path, gateway, rtcp_mux=shares_port) as phone,
            Baresip(tmp_path, username="caller", microphone=microphone) as caller,
        ):
            await registered(gateway, "agent")
            await caller.dial(dial_string(gateway))
            call = await agent.call()
            await phone.heard_for(1.5)
            await agent.take_payment(call)
            await phone.heard_for(len(microphone) / 8000 - 1.0)
            await phone.wait_for("CALL_RTCP", count=2)
            await caller.hang_up()
            await phone.wait_for("CALL_CLOSED")
    *_, last = told(phone)
    assert (last["tx"]["lost"], last["rx"]["lost"]) == (0, 0)
    assert last["tx"]["sent"] > 200
    assert last["rx"]["sent"] > 200
    assert any(report["rtt"] > 0 for report in told(phone))
