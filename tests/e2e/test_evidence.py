"""Evidence of a real payment: it counts what was keyed, can be verified, and holds nothing of the card."""

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from structlog.testing import capture_logs

from bridge.media.masking import GATE
from bridge.media.messages import CallId
from ivr.cli import main
from ivr.config_detector import DetectorTable
from ivr.session.words import Status
from tests.e2e.gateway_rig import (
    Agent,
    config_for,
    dial_string,
    registered,
    running_gateway,
    worker_replaced,
)
from tests.e2e.key_rig import KEYED
from tests.e2e.phones import agent_phone, pay
from tests.support.baresip import Baresip
from tests.support.browser import launched_chromium
from tests.support.canary import CANARY_CARD, holds_canary
from tests.support.wav import speech

pytestmark = [pytest.mark.e2e, pytest.mark.peer("baresip")]


async def paid_call(folder: Path) -> str:
    """Let a caller pay; return the call, once the gateway has stopped."""
    config = config_for(folder, detector=DetectorTable(lowest_level_dbm0=-30))
    async with (
        running_gateway(config) as gateway,
        agent_phone(folder, gateway) as phone,
        Baresip(folder, username="caller", microphone=speech(3.0)) as caller,
    ):
        call = await pay(gateway, phone, caller, KEYED)
        await caller.hang_up()
        await phone.wait_for("CALL_CLOSED")
    return call.call


async def tonewall(folder: Path, *arguments: str | Path) -> Result:
    """Run a command beside the gateway's data; commands have an event loop of their own."""
    config = folder / "tonewall.toml"
    config.write_text(f'data = "{folder}/var"\n')
    words = ["evidence", *map(str, arguments), "--config", str(config)]
    return await asyncio.to_thread(CliRunner().invoke, main, words)


async def test_a_payment_leaves_evidence_that_counts_verifies_and_tells_no_digit(
    tmp_path: Path,
) -> None:
    with capture_logs() as logged:
        call = await paid_call(tmp_path)
    written = await tonewall(tmp_path, call, "--output", tmp_path / "out")
    assert written.exit_code == 0, written.output
    signed, page = (tmp_path / "out" / f"{call}.evidence.{kind}" for kind in ("json", "html"))

    document: dict[str, Any] = json.loads(signed.read_bytes())["document"]
    (span,) = document["secure_spans"]
    assert (span["masking"]["caller_voice"], span["masking"]["even_beeps"]) == ("pass", False)
    counters = span["counters"]
    assert counters["presses"] == {"in-band": len(KEYED), "rfc4733": 0, "sip-info": 0}
    # A tone of 90 ms touches at least five frames.
    assert counters["frames"]["masked"] >= 5 * len(KEYED)
    assert counters["frames"]["passed"] > 0
    highest = counters["highest_passed_score"]
    assert highest is None or float(highest) <= GATE.threshold
    assert {found["name"]: found["verdict"] for found in document["findings"]} == {
        "spans-complete": "holds",
        "nothing-suspect-passed": "holds",
        "recorder-paused": "holds",
        "recording-holds-no-key": "holds",
    }
    line = document["line"]
    assert (line["lowest_twist_db"], line["highest_twist_db"]) == (0, 0)
    assert (line["frequency_error_percent"], line["near_limits"]) == ("0.0", [])
    (told,) = [entry for entry in logged if entry["event"] == "line measured"]
    assert (told["call"], told["log_level"]) == (call, "info")
    assert told["lowest_level_dbm0"] == line["lowest_level_dbm0"]
    assert document["masking"]["detector"]["lowest_level_dbm0"] == "-30.0"
    assert [payment["card_last_four"] for payment in document["payments"]] == [CANARY_CARD[-4:]]
    assert not any(holds_canary(path.read_bytes()) for path in (signed, page))

    verified = await tonewall(tmp_path, "--verify", signed)
    assert (verified.exit_code, "the signature is good" in verified.output) == (0, True)
    changed = tmp_path / "changed.json"
    changed.write_bytes(signed.read_bytes().replace(b'"masked":', b'"masked":1', 1))
    refused = await tonewall(tmp_path, "--verify", changed)
    assert refused.exit_code == 1
    assert "the signature does not fit" in refused.output
    await page_is_one_sheet(page)


async def test_a_worker_killed_while_secure_leaves_evidence_that_says_so(tmp_path: Path) -> None:
    async with running_gateway(config_for(tmp_path)) as gateway:
        agent = Agent(gateway)
        async with (
            agent_phone(tmp_path, gateway) as phone,
            Baresip(tmp_path, username="caller", microphone=speech(60.0)) as caller,
        ):
            await registered(gateway, "agent")
            await caller.dial(dial_string(gateway))
            call = await agent.call()
            payment = await agent.take_payment(call)
            # baresip takes a second stream for late packets of the first where it has heard only one of that
            await phone.heard_more(0.5)
            worker = gateway.node.worker_pid_of(CallId(call.call))
            assert worker is not None
            os.kill(worker, signal.SIGKILL)
            await agent.call_where(lambda now: not now.secure)
            await agent.call_where(lambda now: now.secure)
            await worker_replaced(gateway, worker, workers=1)
            await phone.heard_more(1.0)
            await caller.hang_up()
            await agent.session(payment, lambda view: view.status is Status.FAILED)
            await phone.wait_for("CALL_CLOSED")
    await tonewall(tmp_path, call.call, "--output", tmp_path / "out")
    signed = tmp_path / "out" / f"{call.call}.evidence.json"
    lost, regained = json.loads(signed.read_bytes())["document"]["secure_spans"]
    assert (lost["ended_by"], lost["counters"]) == ("worker-lost", None)
    assert regained["ended_by"] == "call-ended"
    assert regained["counters"]["frames"]["passed"] > 0
    assert lost["ended_at"] <= regained["secured_at"]
    verified = await tonewall(tmp_path, "--verify", signed)
    assert "does not hold: spans-complete, nothing-suspect-passed" in verified.output
    assert "no counters: worker lost" in signed.with_suffix(".html").read_text("utf-8")


async def page_is_one_sheet(page: Path) -> None:
    """Print the page on A4 and count the sheets; a script would be stopped by the page's own policy."""
    async with launched_chromium() as browser:
        sheet = await browser.new_page(viewport={"width": 900, "height": 1200})
        await sheet.goto(page.as_uri())
        await sheet.screenshot(path=page.with_suffix(".png"), full_page=True)
        printed = await sheet.pdf(format="A4", prefer_css_page_size=True)
        assert await sheet.locator("script").count() == 0
    assert printed.count(b"/Type /Page\n") == 1
