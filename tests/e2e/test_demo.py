"""`tonewall demo` as whoever clones the project runs it: what it prints and writes, and that nothing outlives it."""

import asyncio
import json
import os
import re
import signal
import struct
from pathlib import Path

import pytest

from bridge.recording.keys_in_wav import read_channels
from ivr.demo.panel_client import PanelClient
from ivr.session.view import StartPayment
from ivr.session.words import FieldState, InteractionType, Status
from tests.e2e.demo_rig import started_demo
from tests.support import spandsp

TEST_CARD = "4111111111111111"

KEYED = re.compile(rf"{TEST_CARD}#12\d\d123")
"Card number, expiry date, security code, as the demo's caller keys them."

PROMPTLY_S = 20.0
"Hanging up, signing off and closing the database takes one second on an idle machine."

pytestmark = pytest.mark.e2e


@pytest.mark.peer("spandsp")
async def test_a_payment_is_shown_and_proved(tmp_path: Path) -> None:
    read_digits = spandsp.reader()
    output = tmp_path / "demo-output"
    output.mkdir()
    (output / "summary.json").write_text("of an earlier demo")
    (output / "notes.txt").write_text("somebody's own")
    async with started_demo(output) as demo:
        await demo.line_with("panel: http://127.0.0.1:")
        code = await demo.ended()
        assert demo.left_behind() == []
    assert (code, "approved: £12.50, visa ************1111" in demo.printed) == (0, True), (
        demo.printed
    )
    summary = json.loads((output / "summary.json").read_text())
    assert summary["payment"] == {
        "status": "succeeded",
        "card": "************1111",
        "brand": "visa",
        "amount_minor": 1250,
        "currency": "GBP",
    }
    assert set(summary["detectors"]) == {"tonewall", "spandsp"}
    headline = ("digits_keyed", "digits_heard_by_agent", "digits_in_recording")
    assert [summary[name] for name in headline] == [23, 0, 0]
    assert summary["latency_packets"] > 50
    (caller,), (agent,) = (read_channels(output / name) for name in ("caller.wav", "agent.wav"))
    left, right = read_channels(output / "recording.wav")
    assert KEYED.fullmatch(read_digits(caller))
    assert [read_digits(sound) for sound in (agent, left, right)] == ["", "", ""]
    assert size_of_png(output / "spectrogram.png") == (1500, 825)
    assert (output / "notes.txt").read_text() == "somebody's own"
    texts = [
        demo.printed,
        *((output / name).read_text() for name in ("gateway.log", "summary.json")),
    ]
    assert [text for text in texts if TEST_CARD in re.sub(r"[\s-]", "", text)] == []


async def test_the_caller_keys_what_a_person_asks_for_until_ctrl_c(tmp_path: Path) -> None:
    async with started_demo(tmp_path, "--keep-open") as demo:
        address = await demo.line_with("panel: ")
        found = re.search(r"(http://\S+)  sign in as (\S+) / (\S+)", address)
        assert found is not None
        await demo.line_with("Ctrl-C ends it")
        url, username, password = found.groups()
        async with PanelClient.signed_in(url, username, password, lambda view: None) as panel:
            for profile in ("bills", "orders"):
                await pay(panel, profile)
        demo.interrupt()
        assert await demo.ended(limit_s=PROMPTLY_S) == 0
        assert demo.left_behind() == []
    assert TEST_CARD not in demo.printed + (tmp_path / "gateway.log").read_text()


async def pay(panel: PanelClient, profile: str) -> None:
    call = await panel.call_in("talking")
    request = StartPayment(
        call=call,
        payee="Ada Example",
        interaction_type=InteractionType.ORDER,
        profile=profile,
        amount="3.99",
        reason="",
    )
    payment = await panel.start(request)
    async for view in panel.views():
        if view.session == payment.session and view.status is not Status.COLLECTING:
            break
    assert {field.state for field in view.fields} == {FieldState.VALID}
    assert (await panel.submit(payment.session)).status is Status.SUCCEEDED
    await panel.released(payment.session)


async def test_a_phone_that_dies_ends_the_demo_with_its_name(tmp_path: Path) -> None:
    await asyncio.gather(*(phone_dies(tmp_path / role, role) for role in ("caller", "agent")))


async def phone_dies(output: Path, role: str) -> None:
    async with started_demo(output) as demo:
        await demo.line_with("caller keys the card number")
        os.kill(demo.softphone(role), signal.SIGKILL)
        assert await demo.ended(limit_s=PROMPTLY_S) == 1
        assert demo.left_behind() == []
    assert f"demo: the {role}'s softphone: its process has ended" in demo.printed
    assert not (output / "summary.json").exists()


async def test_ctrl_c_ends_the_scripted_call_in_order(tmp_path: Path) -> None:
    async with started_demo(tmp_path) as demo:
        await demo.line_with("agent answers")
        demo.interrupt()
        assert await demo.ended(limit_s=PROMPTLY_S) == 130
        assert demo.left_behind() == []
    assert "Traceback" not in demo.printed


def size_of_png(path: Path) -> tuple[int, int]:
    """Return width and height in pixels, from the IHDR chunk (PNG, section 11.2.1)."""
    head = path.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", head[16:])
    return width, height
