"""The SIP socket's shell: feed, drain, re-arm."""

import asyncio
from typing import Any

from bridge.sip.endpoint import SipEndpoint
from bridge.sip.events import InviteReceived, Rejected, SipEvent
from bridge.udp_shell import UdpShell
from tests.bridge.phone import HOST, LIMIT_S, Phone
from tests.bridge.sip.loopback import make_endpoint


async def open_shell(endpoint: SipEndpoint, take: "Take") -> tuple[UdpShell, tuple[str, int]]:
    transport, shell = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: UdpShell(endpoint, take), local_addr=(HOST, 0)
    )
    return shell, transport.get_extra_info("sockname")


class Take:
    """Takes events; raises for the first so many."""

    def __init__(self, failures: int = 0) -> None:
        self.events: list[SipEvent] = []
        self.enough = asyncio.Event()
        self._failures = failures

    def __call__(self, event: SipEvent) -> None:
        self.events.append(event)
        if len(self.events) <= self._failures:
            raise ValueError("a bug in one call")
        self.enough.set()


async def test_a_bug_in_one_call_does_not_keep_the_others_waiting() -> None:
    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    take = Take(failures=1)
    endpoint = make_endpoint((HOST, 5060))
    shell, address = await open_shell(endpoint, take)
    async with Phone() as phone, asyncio.timeout(LIMIT_S):
        for _ in range(2):
            phone.dial(address, "bob")
        await take.enough.wait()
    assert [type(event) for event in take.events] == [InviteReceived, InviteReceived]
    (context,) = reported
    assert isinstance(context["exception"], ValueError)
    assert endpoint.datagrams_to_send() == []  # the 100s went out, that of the first call too
    shell.close()
    await asyncio.sleep(0)


async def test_a_timer_is_armed_for_what_the_endpoint_waits_for() -> None:
    """Nobody answers the INVITE: it is sent again, by the timer alone."""
    async with Phone() as silent, asyncio.timeout(LIMIT_S):
        silent.dial(silent.rtp.getsockname(), "bob", b"v=0\r\n")
        loop = asyncio.get_running_loop()
        first, again = [await loop.sock_recv(silent.rtp, 4096) for _ in range(2)]
    assert first == again


async def test_a_command_while_events_are_delivered_is_sent_by_the_running_pump() -> None:
    endpoint = make_endpoint((HOST, 5060))
    shells: list[UdpShell] = []

    class Refuse(Take):
        def __call__(self, event: SipEvent) -> None:
            assert isinstance(event, InviteReceived)
            endpoint.respond(event.dialog, 486, now=asyncio.get_running_loop().time())
            shells[0].pump()
            super().__call__(event)

    shell, address = await open_shell(endpoint, Refuse())
    shells.append(shell)
    async with Phone() as phone:
        phone.dial(address, "bob")
        assert (await phone.told(Rejected)).status == 486
    shell.close()
    await asyncio.sleep(0)
