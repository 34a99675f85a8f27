"""The softphone makes real calls with phones nobody here wrote, and its tapes are what crossed the wire."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ivr.demo.evidence import measure_latency
from ivr.demo.softphone import Softphone, SoftphoneError, SoftphoneOptions
from samples.softphone import mulaw
from tests.support import spandsp
from tests.support.baresip import Baresip
from tests.support.ports import LOOPBACK, free_rtp_ports, free_sip_port
from tests.support.registrar import Registrar, RtpSender
from tests.support.sipp import SippAnswerer
from tests.support.wav import read_wav, speech

_LIMIT_S = 20.0

_DIGITS = "4019280077350019#"
"Keyed in these tests; no card number."


def _options(tmp_path: Path, role: str, port: int, deadline_s: float = 60.0) -> SoftphoneOptions:
    return SoftphoneOptions(
        role=role,
        server=(LOOPBACK, port),
        sip_port=free_sip_port(),
        rtp_ports=free_rtp_ports(4),
        username=role,
        sent_wav=tmp_path / f"{role}-sent.wav",
        heard_wav=tmp_path / f"{role}-heard.wav",
        log=tmp_path / f"{role}.log",
        deadline_s=deadline_s,
    )


@pytest.mark.e2e
@pytest.mark.peer("sipp")
async def test_what_the_caller_keys_is_read_from_its_tape_and_from_its_echo(tmp_path: Path) -> None:
    read_digits = spandsp.reader()
    async with (
        SippAnswerer(tmp_path) as far_end,
        Softphone(_options(tmp_path, "caller", far_end.port)) as caller,
    ):
        await caller.wait_for("ready", limit_s=_LIMIT_S)
        await caller.tell("call", number="5000")
        await caller.wait_for("answered", limit_s=_LIMIT_S)
        await caller.tell("speak", seconds=1)
        await caller.tell("key", digits=_DIGITS, on_ms=80, off_ms=70, level_dbm0=-13)
        await caller.tell("speak", seconds=0.5)
        keyed = await caller.wait_for("keyed", limit_s=_LIMIT_S)
        await caller.wait_for("spoken", count=2, limit_s=_LIMIT_S)
        await caller.tell("hangup")
        ended = await caller.wait_for("ended", limit_s=_LIMIT_S)
        result = await far_end.finished()
    assert result.ok, result.errors
    assert ended["by"] == "this phone"
    sent = read_wav(tmp_path / "caller-sent.wav")
    assert read_digits(sent) == _DIGITS
    assert read_digits(read_wav(tmp_path / "caller-heard.wav")) == _DIGITS
    presses = keyed["presses"]
    assert len(presses) == len(_DIGITS)
    start, end = presses[3]
    assert read_digits(sent[start - 80 : end + 80]) == _DIGITS[3]
    latency = measure_latency(tmp_path / "caller-sent.npz", tmp_path / "caller-heard.npz")
    assert latency.packets > 30


@pytest.mark.e2e
@pytest.mark.peer("baresip")
async def test_an_unregistered_caller_reaches_baresip(tmp_path: Path) -> None:
    read_digits = spandsp.reader()
    async with (
        Baresip(tmp_path, username="bob", answers=True) as bob,
        Softphone(_options(tmp_path, "caller", bob.sip_port)) as caller,
    ):
        await caller.wait_for("ready", limit_s=_LIMIT_S)
        await caller.tell("call", number="bob")
        await caller.wait_for("answered", limit_s=_LIMIT_S)
        await caller.tell("key", digits="7391#", on_ms=60, off_ms=60, level_dbm0=-8)
        await caller.wait_for("keyed", limit_s=_LIMIT_S)
        await bob.heard_for(1.0)
        await caller.tell("hangup")
        await caller.wait_for("ended", limit_s=_LIMIT_S)
        await bob.wait_for("CALL_CLOSED")
    assert read_digits(bob.heard()) == "7391#"


@pytest.mark.e2e
@pytest.mark.peer("baresip")
async def test_a_refused_call_ends_with_its_reason(tmp_path: Path) -> None:
    async with (
        Baresip(tmp_path, username="bob") as bob,
        Softphone(_options(tmp_path, "caller", bob.sip_port)) as caller,
    ):
        await caller.wait_for("ready", limit_s=_LIMIT_S)
        await caller.tell("call", number="nobody")
        ended = await caller.wait_for("ended", limit_s=_LIMIT_S)
    assert ended["by"] == "far end"
    assert ended["reason"].startswith("404")


@pytest.fixture
async def registrar() -> AsyncIterator[Registrar]:
    """A registrar that knows the agent by the password `right`."""
    registrar = Registrar("agent", "right")
    await registrar.open()
    yield registrar
    registrar.close()


@pytest.fixture
async def far_audio() -> AsyncIterator[RtpSender]:
    sender = RtpSender()
    await sender.open()
    yield sender
    sender.close()


@pytest.mark.e2e
async def test_an_agent_registers_answers_and_tapes_what_it_hears(
    tmp_path: Path, registrar: Registrar, far_audio: RtpSender
) -> None:
    options = replace(_options(tmp_path, "agent", registrar.port), password="right")
    audio = speech(1.0)
    async with Softphone(options) as agent:
        await agent.wait_for("registered", limit_s=_LIMIT_S)
        port = await registrar.call(far_audio.port)
        await agent.wait_for("answered", limit_s=_LIMIT_S)
        await agent.tell("speak", seconds=0.5)
        await far_audio.play(audio, port)
        await agent.wait_for("spoken", limit_s=_LIMIT_S)
        await registrar.hang_up()
        ended = await agent.wait_for("ended", limit_s=_LIMIT_S)
    assert ended["by"] == "far end"
    heard = read_wav(tmp_path / "agent-heard.wav")
    assert np.array_equal(heard, mulaw.decode(mulaw.encode(audio)))
    assert ended["payload_types_heard"] == {"0": 50}
    assert far_audio.received >= 25
    assert np.abs(read_wav(tmp_path / "agent-sent.wav")).max() > 2000


@pytest.mark.e2e
async def test_a_wrong_password_is_reported_as_not_registered(
    tmp_path: Path, registrar: Registrar
) -> None:
    options = replace(_options(tmp_path, "agent", registrar.port), password="wrong")
    async with Softphone(options) as agent:
        with pytest.raises(SoftphoneError, match="registrar"):
            await agent.wait_for("registered", limit_s=_LIMIT_S)


@pytest.mark.e2e
async def test_a_phone_without_a_registrar_says_so_and_ends(tmp_path: Path) -> None:
    async with Softphone(_options(tmp_path, "agent", free_sip_port())) as agent:
        with pytest.raises(SoftphoneError, match="registrar"):
            await agent.wait_for("registered", limit_s=_LIMIT_S)


@pytest.mark.e2e
async def test_a_phone_ends_at_its_deadline(tmp_path: Path) -> None:
    options = _options(tmp_path, "caller", free_sip_port(), deadline_s=0.5)
    async with Softphone(options) as caller:
        ended = await caller.wait_for("ended", limit_s=_LIMIT_S)
    assert ended["by"] == "deadline"
    assert len(read_wav(tmp_path / "caller-sent.wav")) == 0


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("verb", "parameters", "reason"),
    [
        ("key", {"digits": "12x"}, "a key is one of"),
        ("key", {"digits": "12", "on_ms": 1}, "between 20 and 5000"),
        ("key", {"digits": "12", "on_ms": "long"}, "wrong type"),
        ("key", {"keys": "12"}, "not a command"),
        ("dance", {"digits": "12"}, "not a command"),
        ("speak", {"seconds": 0}, "more than nothing"),
    ],
)
async def test_a_wrong_command_is_answered_without_repeating_it(
    tmp_path: Path, verb: str, parameters: dict[str, object], reason: str
) -> None:
    async with Softphone(_options(tmp_path, "caller", free_sip_port())) as caller:
        await caller.wait_for("ready", limit_s=_LIMIT_S)
        await caller.tell(verb, **parameters)
        with pytest.raises(SoftphoneError, match=reason):
            await caller.wait_for("keyed", limit_s=_LIMIT_S)
    assert not any("12x" in str(event.get("message")) for event in caller.events)


@pytest.mark.e2e
async def test_a_phone_never_outlives_its_parent(tmp_path: Path) -> None:
    arguments = _options(tmp_path, "caller", free_sip_port()).arguments()
    script = (
        "import subprocess, sys, time\n"
        "phone = subprocess.Popen([sys.executable, '-m', 'samples.softphone.phone', *sys.argv[1:]],"
        " stdin=subprocess.PIPE)\n"
        "print(phone.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, *arguments, stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    pid = int(await asyncio.wait_for(parent.stdout.readline(), _LIMIT_S))
    ready = await asyncio.wait_for(parent.stdout.readline(), _LIMIT_S)
    assert json.loads(ready)["event"] == "ready"
    os.kill(parent.pid, signal.SIGKILL)
    # The phone holds the other end of this pipe: it is read to its end only once the phone is gone.
    await asyncio.wait_for(parent.stdout.read(), _LIMIT_S)
    await parent.wait()
    assert not _runs(pid)


def _runs(pid: int) -> bool:
    """Return whether process `pid` is there and is more than an entry that nobody has collected."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False
