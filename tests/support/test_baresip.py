"""The baresip driver makes a real call, and what one end keys the other end has."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support import spandsp
from tests.support.baresip import Baresip, BaresipError
from tests.support.ports import LOOPBACK
from tests.support.registrar import Registrar
from tests.support.wav import caller_audio


@pytest.mark.e2e
@pytest.mark.peer("baresip")
async def test_in_band_digits_are_in_what_the_far_end_heard(tmp_path: Path) -> None:
    read_digits = spandsp.reader()
    audio = caller_audio("4019#", before_s=0.5, after_s=0.5)
    async with (
        Baresip(tmp_path, username="bob", answers=True) as bob,
        Baresip(tmp_path, username="alice", microphone=audio) as alice,
    ):
        await alice.dial(bob.uri)
        await alice.wait_for("CALL_ESTABLISHED")
        await bob.wait_for("CALL_ESTABLISHED")
        await alice.press("7#")
        await bob.wait_for("CALL_DTMF_START", count=2)
        await bob.heard_for(len(audio) / 8000)
        await alice.hang_up()
        await bob.wait_for("CALL_CLOSED")
    assert read_digits(bob.heard()) == "4019#"
    assert bob.keys_received() == "7#"


@pytest.mark.e2e
@pytest.mark.peer("baresip")
async def test_hold_and_resume_keep_the_call(tmp_path: Path) -> None:
    async with (
        Baresip(tmp_path, username="bob", answers=False) as bob,
        Baresip(tmp_path, username="alice") as alice,
    ):
        await alice.dial(bob.uri)
        await bob.wait_for("CALL_INCOMING")
        await bob.answer()
        await alice.wait_for("CALL_ESTABLISHED")
        await alice.hold()
        await alice.resume()
        await alice.hang_up()
        closed = await bob.wait_for("CALL_CLOSED")
    assert closed["class"] == "call"


@pytest.fixture
async def registrar() -> AsyncIterator[Registrar]:
    """A registrar that knows bob by the password `right`."""
    registrar = Registrar("bob", "right")
    await registrar.open()
    yield registrar
    registrar.close()


@pytest.mark.e2e
@pytest.mark.peer("baresip")
async def test_it_registers_with_digest(tmp_path: Path, registrar: Registrar) -> None:
    there = (LOOPBACK, registrar.port)
    async with Baresip(tmp_path, username="bob", password="right", registrar=there) as bob:
        await bob.registered()


@pytest.mark.e2e
@pytest.mark.peer("baresip")
async def test_a_refused_registration_is_told(tmp_path: Path, registrar: Registrar) -> None:
    there = (LOOPBACK, registrar.port)
    async with Baresip(tmp_path, username="bob", password="wrong", registrar=there) as bob:
        with pytest.raises(BaresipError, match="refused"):
            await bob.registered()
