"""Metrics and quality of a real payment: the numbers are those of the call, and nothing else of it is in them."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from ivr.app.gateway import Gateway
from ivr.config import MetricsTable
from tests.e2e.gateway_rig import (
    LIMIT_S,
    config_for,
    running_gateway,
)
from tests.e2e.key_rig import KEYED
from tests.e2e.phones import agent_phone, pay
from tests.support.baresip import Baresip
from tests.support.canary import holds_canary
from tests.support.wav import speech

pytestmark = [pytest.mark.e2e, pytest.mark.peer("baresip")]


async def scraped(gateway: Gateway) -> str:
    assert gateway.metrics_url is not None
    async with httpx2.AsyncClient() as client:
        answer = await client.get(gateway.metrics_url)
    assert answer.status_code == 200
    return answer.text


def totals(text: str) -> dict[str, float]:
    """Return what is scraped, all labels of a name added up."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, 0) + sample.value
    return found


async def test_a_payment_is_in_the_numbers_and_tells_nothing_else(tmp_path: Path) -> None:
    with capture_logs() as logged:
        call, during, after = await paid_call(tmp_path)
    numbers = totals(during)
    assert numbers["tonewall_presses_total"] == len(KEYED)
    # A tone of 90 ms touches at least five frames.
    assert numbers["tonewall_frames_masked_total"] >= 5 * len(KEYED)
    assert (numbers["tonewall_calls"], numbers["tonewall_calls_started_total"]) == (1, 1)
    assert (numbers["tonewall_calls_secured_total"], numbers["tonewall_secure_calls"]) == (1, 0)
    assert numbers["tonewall_rtp_packets_received_total"] > 300
    assert numbers["tonewall_tick_seconds_count"] > 500
    numbers = totals(after)
    assert (numbers["tonewall_calls"], numbers["tonewall_calls_ended_total"]) == (0, 1)
    assert (numbers["tonewall_call_mos_count"], numbers["tonewall_leg_loss_ratio_count"]) == (2, 2)

    told = quality_of(logged, call)
    assert told["caller_packets_received"] > 300
    assert told["agent_heard_mos"] > 3.6
    assert told["caller_heard_mos"] > 3.6
    for text in (during, after):
        assert not holds_canary(text.encode())
        assert not any(word in text for word in (call, "sip:", "baresip"))


def quality_of(logged: list[Any], call: str) -> Mapping[str, Any]:
    (told,) = [entry for entry in logged if entry["event"] == "call measured"]
    assert told["call"] == call
    fields: Mapping[str, Any] = told
    return fields


async def paid_call(folder: Path) -> tuple[str, str, str]:
    """Let a caller pay; return the call, and what was scraped before and after its end."""
    async with running_gateway(config_for(folder, metrics=MetricsTable(port=0))) as gateway:
        async with (
            agent_phone(folder, gateway) as phone,
            Baresip(folder, username="caller", microphone=speech(3.0)) as caller,
        ):
            call = await pay(gateway, phone, caller, KEYED)
            during = await scraped(gateway)
            await caller.hang_up()
            await phone.wait_for("CALL_CLOSED")
        async with asyncio.timeout(LIMIT_S):
            while totals(after := await scraped(gateway))["tonewall_call_mos_count"] < 2:
                pass  # the worker's last word is on its way
    return call.call, during, after
