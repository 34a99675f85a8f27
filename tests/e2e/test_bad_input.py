"""Whatever comes in or goes wrong underneath: a clear answer that names the thing, and everything else goes on."""

import random
import resource
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest

from ivr.app.gateway import Gateway
from ivr.config import RtpTable, SipTable, TrunkTable
from ivr.session.ports import SessionError
from ivr.session.view import StartPayment
from ivr.session.words import InteractionType, RecorderState, Status
from tests.e2e.gateway_rig import (
    PASSWORD,
    Agent,
    config_for,
    dial_string,
    registered,
    running_gateway,
)
from tests.e2e.phones import agent_phone
from tests.e2e.raw_caller import OPUS, RawCaller, raw_caller, rtp_packet
from tests.support.baresip import Baresip
from tests.support.canary import CANARY_CARD
from tests.support.ports import LOOPBACK, free_rtp_ports
from tests.support.wav import Pcm, speech

pytestmark = [pytest.mark.e2e, pytest.mark.peer("baresip")]

STRANGER: Final = "127.0.0.2"

WRONG_PASSWORD: Final = "letmein-letmein"

LARGEST_DATAGRAM: Final = 65507
"Bytes of UDP payload over IPv4."


def sip_garbage() -> list[bytes]:
    """Return datagrams that no parser should like; none of them holds anything that is answered with 200."""
    chance = random.Random(17)
    start = b"INVITE sip:agent@127.0.0.1 SIP/2.0\r\n"
    via = b"Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKx\r\n"
    return [
        b"",
        b"\0" * 16,
        b"\r\n\r\n",
        *(chance.randbytes(size) for size in (1, 20, 500, 8000, LARGEST_DATAGRAM)),
        start,
        start + b"\r\n",
        start + via + b"Content-Length: 99999999999999999999\r\n\r\n",
        start + via + b"CSeq: x INVITE\r\nCall-ID: 1\r\nFrom: <<<>\r\nTo: \xff\xfe\r\n\r\n",
        start + via + b"X: y\r\n" * 9000,
        b"INVITE sip:agent@127.0.0.1 SIP/9.9\r\n" + via + b"\r\n",
        b"SIP/2.0 200 OK\r\n" + via + b"CSeq: 1 INVITE\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: tonewall\r\n\r\n",
    ]


def rtp_garbage() -> list[bytes]:
    """Return packets that break RFC 3550 or RFC 4733 in one way each."""
    chance = random.Random(29)
    silence = b"\xff" * 160
    return [
        b"",
        b"\x80",
        b"\x80\x00" * 5,
        *(chance.randbytes(size) for size in (13, 172, 1400, 9000, LARGEST_DATAGRAM)),
        rtp_packet(1, silence, first=0x00),  # version 0
        rtp_packet(2, b"", first=0x8F),  # fifteen contributing sources that are not there
        rtp_packet(3, b"\xbe\xde\xff\xff", first=0x90),  # an extension longer than the packet
        rtp_packet(4, b"\xff" * 10 + b"\xfa", first=0xA0),  # more padding than packet
        rtp_packet(5, silence, payload_type=99),
        rtp_packet(6, b"\x05", payload_type=101),  # a telephone event cut short
        rtp_packet(7, silence * 50),
        rtp_packet(8, b""),
    ]


class TestDuringACall:
    """One call between a raw caller and the agent's phone, on the only four ports there are."""

    @pytest.fixture
    async def gateway(self, tmp_path: Path) -> AsyncIterator[Gateway]:
        first, last = free_rtp_ports(4)
        config = config_for(tmp_path, rtp=RtpTable(first_port=first, last_port=last))
        async with running_gateway(config) as gateway:
            yield gateway

    @pytest.fixture
    async def phone(self, tmp_path: Path, gateway: Gateway) -> AsyncIterator[Baresip]:
        async with agent_phone(tmp_path, gateway) as phone:
            await registered(gateway, "agent")
            yield phone

    @pytest.fixture
    async def caller(self, gateway: Gateway, phone: Baresip) -> AsyncIterator[RawCaller]:
        async with raw_caller(gateway.node.sip_address) as caller:
            assert (await caller.call("agent")).startswith("SIP/2.0 200 ")
            yield caller
            assert (await caller.hang_up("agent")).startswith("SIP/2.0 200 ")

    async def test_garbage_on_every_port_does_not_disturb_it(
        self, gateway: Gateway, phone: Baresip, caller: RawCaller
    ) -> None:
        workers = gateway.node.worker_pids()
        agent = Agent(gateway)
        call = await agent.call()
        number = await caller.say(speech(0.4))
        for data in sip_garbage():
            caller.datagram(data)
        for packet in rtp_garbage():
            caller.rtp.send(packet)
        assert (await caller.options()).startswith("SIP/2.0 200 ")
        await caller.say(speech(1.0), first=number)
        await phone.heard_for(1.2)
        payment = await agent.take_payment(call)
        for packet in rtp_garbage():
            caller.rtp.send(packet)
        await caller.say(speech(0.2), first=number + 50)
        now = await agent.session(payment, lambda view: view.secure)
        assert (now.status, now.fields[0].mask) == (Status.COLLECTING, "")
        assert gateway.node.worker_pids() == workers

    async def test_a_full_range_of_ports_refuses_the_next_call_with_503(
        self, gateway: Gateway, phone: Baresip, caller: RawCaller
    ) -> None:
        async with raw_caller(gateway.node.sip_address) as next_caller:
            answer = await next_caller.call("agent")
        assert answer.startswith("SIP/2.0 503 Service Unavailable\r\n")
        assert "Retry-After: " in answer
        assert len(gateway.node.calls()) == 1
        await caller.say(speech(0.6))
        await phone.heard_for(0.5)

    async def test_what_the_agent_types_is_checked_and_a_right_payment_starts_all_the_same(
        self, gateway: Gateway, caller: RawCaller
    ) -> None:
        agent = Agent(gateway)
        call = await agent.call()
        for changes, code, field, message in (
            (
                {"amount": "5000.01"},
                "invalid-amount",
                "amount",
                "The amount must be from £1.00 to £5,000.00.",
            ),
            (
                {"amount": "0.99"},
                "invalid-amount",
                "amount",
                "The amount must be from £1.00 to £5,000.00.",
            ),
            (
                {"amount": "12.345"},
                "invalid-amount",
                "amount",
                "GBP has 2 decimal places.",
            ),
            (
                {"payee": f"Water {CANARY_CARD}"},
                "invalid-payee",
                "payee",
                "The payee looks like a card number. Never type card numbers: the caller keys them.",
            ),
            (
                {"reason": "x" * 201},
                "invalid-reason",
                "reason",
                "The reason can have 200 characters at most.",
            ),
        ):
            request = {"payee": "Water", "amount": "10.00", "reason": ""} | changes
            with pytest.raises(SessionError) as caught:
                await gateway.desk.start(
                    call.agent,
                    StartPayment(
                        call=call.call,
                        interaction_type=InteractionType.BILL,
                        profile="bills",
                        **request,
                    ),
                )
            assert (caught.value.code, caught.value.field) == (code, field)
            assert caught.value.message == message
        assert (await agent.take_payment(call)).secure
        entries = await gateway.audit.recent(limit=6)
        assert [entry.success for entry in entries] == [True] + [False] * 5


class TestRefusedCalls:
    @pytest.fixture
    async def gateway(self, tmp_path: Path) -> AsyncIterator[Gateway]:
        sip = SipTable(
            port=0,
            phones={"agent": PASSWORD},
            trunks=[TrunkTable(name="loopback", sources=[LOOPBACK])],
            routes=[{"dialled": "[a-z]+", "to": "user:*"}],  # type: ignore[list-item]  # as from a file
        )
        async with running_gateway(config_for(tmp_path, sip=sip)) as gateway:
            yield gateway

    @pytest.mark.parametrize(
        ("dialled", "answer"),
        [("agent", "480 The phone is not registered"), ("5000", "404 No route for this number")],
    )
    async def test_a_number_that_nobody_has_is_named_as_such(
        self, gateway: Gateway, dialled: str, answer: str
    ) -> None:
        async with raw_caller(gateway.node.sip_address) as caller:
            assert (await caller.call(dialled)).startswith(f"SIP/2.0 {answer}\r\n")
        assert gateway.node.calls() == []

    async def test_a_stranger_is_forbidden_to_call(self, gateway: Gateway) -> None:
        async with raw_caller(gateway.node.sip_address, host=STRANGER) as caller:
            answer = await caller.call("agent")
        assert answer.startswith("SIP/2.0 403 Not a trunk and not a registered phone\r\n")

    async def test_a_wrong_password_registers_nobody_and_is_logged_without_itself(
        self, gateway: Gateway, capfd: pytest.CaptureFixture[str]
    ) -> None:
        async with raw_caller(gateway.node.sip_address, host=STRANGER) as phone:
            answer = await phone.register("agent", WRONG_PASSWORD)
            unknown = await phone.register(WRONG_PASSWORD, WRONG_PASSWORD)
        assert [text[:11] for text in (answer, unknown)] == ["SIP/2.0 403"] * 2
        assert gateway.node.location_of("agent") is None
        log = "".join(capfd.readouterr())
        assert log.count("phone refused: wrong user name or password") == 2
        assert STRANGER in log
        assert [secret in log for secret in (WRONG_PASSWORD, PASSWORD)] == [False, False]

    async def test_an_unknown_codec_is_refused_by_its_name(
        self, tmp_path: Path, gateway: Gateway
    ) -> None:
        async with (
            agent_phone(tmp_path, gateway),
            raw_caller(gateway.node.sip_address) as caller,
        ):
            await registered(gateway, "agent")
            answer = await caller.call("agent", OPUS)
        assert answer.startswith("SIP/2.0 488 no common codec; offered: opus")
        assert gateway.node.calls() == []


class TestRecordingsFolder:
    """It was writable at the start and is not any more. Without a recorder that confirms, no card is asked for."""

    @pytest.fixture
    async def gateway(self, tmp_path: Path) -> AsyncIterator[Gateway]:
        async with running_gateway(config_for(tmp_path)) as gateway:
            yield gateway

    async def test_a_folder_that_is_gone_refuses_payments_and_no_calls(
        self, tmp_path: Path, gateway: Gateway, capfd: pytest.CaptureFixture[str]
    ) -> None:
        folder = tmp_path / "var" / "recordings"
        folder.rmdir()
        folder.write_text("a file in its place")
        await self._payment_is_refused_and_the_call_goes_on(tmp_path, gateway, speech(8.0))
        log = "".join(capfd.readouterr())
        assert "recording failed" in log
        assert f"({folder}" in log

    async def test_a_disk_that_fills_up_during_the_call_refuses_payments(
        self, tmp_path: Path, gateway: Gateway, capfd: pytest.CaptureFixture[str]
    ) -> None:
        (worker,) = gateway.node.worker_pids()
        resource.prlimit(worker, resource.RLIMIT_FSIZE, (8000, 8000))  # a quarter of a second
        await self._payment_is_refused_and_the_call_goes_on(tmp_path, gateway, speech(8.0))
        assert "cannot write the recording: File too large" in "".join(capfd.readouterr())

    async def _payment_is_refused_and_the_call_goes_on(
        self, tmp_path: Path, gateway: Gateway, microphone: Pcm
    ) -> None:
        agent = Agent(gateway)
        async with (
            agent_phone(tmp_path, gateway) as phone,
            Baresip(tmp_path, username="caller", microphone=microphone) as caller,
        ):
            await registered(gateway, "agent")
            await caller.dial(dial_string(gateway))
            call = await agent.call()
            failed = await agent.call_where(lambda now: now.recorder is RecorderState.FAILED)
            with pytest.raises(SessionError) as caught:
                await agent.take_payment(call)
            assert caught.value.code == "call-not-secured"
            assert "The recording of this call has failed" in caught.value.message
            await phone.heard_more(0.5)
            assert (await agent.call()).secure is False
            assert failed.call == call.call
            await caller.hang_up()
            await phone.wait_for("CALL_CLOSED")
