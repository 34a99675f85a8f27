"""A whole bridge on both loopback addresses: one side of a call on IPv4, the other on IPv6."""

import os
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bridge.config import Route, Trunk
from bridge.sdp.description import SessionDescription
from bridge.sip.events import Answered, ByeReceived, InviteReceived, Rejected
from tests.bridge.phone import Phone
from tests.bridge.test_node import Bridge, running
from tests.bridge.test_node_moves import MASKING, OFF, hears, moved, pid_of

V4, V6 = "127.0.0.1", "::1"
DIRECTIONS = pytest.mark.parametrize(("caller", "agent"), [(V6, V4), (V4, V6)])


@asynccontextmanager
async def between(caller: str, agent: str) -> AsyncIterator[tuple[Bridge, Phone, Phone]]:
    """Run a bridge with both addresses, and a phone at each of two."""
    async with Phone(caller) as alice, Phone(agent) as bob:
        trunk = Trunk(name="loop", sources=(V4, V6), destination=bob.address)
        route = Route(dialled=".*", to="trunk:loop")
        hosts = {"host": V4, "second_host": V6, "trunks": (trunk,), "routes": (route,)}
        async with running(bob, **hosts) as bridge:
            yield bridge, alice, bob


def sip_of(bridge: Bridge, phone: Phone) -> tuple[str, int]:
    """Return where a phone reaches the bridge."""
    return next(address for address in bridge.node.sip_addresses if address[0] == phone.host)


def port_at(host: str, body: bytes) -> int:
    """Return the port of a description, which must be at `host`."""
    session = SessionDescription.parse(body)
    assert (session.connection or "").split()[2] == host
    return session.media[0].port


@DIRECTIONS
async def test_both_sides_hear_each_other_are_secured_and_hang_up(caller: str, agent: str) -> None:
    async with between(caller, agent) as (bridge, alice, bob):
        dialog = alice.dial(sip_of(bridge, alice), "bob")
        offered = await bob.told(InviteReceived)
        towards_bob = port_at(agent, offered.body)
        assert offered.from_.uri.host == agent, "a phone calls back by what it was called with"
        bob.respond(offered.dialog)
        towards_alice = port_at(caller, (await alice.told(Answered)).body)
        (info,) = await bridge.talking(recorder=OFF)
        await hears(bob, alice, towards_alice)
        await hears(alice, bob, towards_bob)
        await bridge.node.secure(info.call)
        assert [call.secure for call in bridge.node.calls()] == [True]
        alice.hang_up(dialog)
        await bob.told(ByeReceived)
        assert await bridge.ended(info.call) == "the caller hung up"


@DIRECTIONS
async def test_a_secure_call_is_moved_with_both_its_addresses(caller: str, agent: str) -> None:
    async with between(caller, agent) as (bridge, alice, bob):
        await alice.talk_to(bob, sip_of(bridge, alice))
        (info,) = await bridge.talking(recorder=OFF)
        await bridge.node.secure(info.call, MASKING)
        os.kill(pid_of(bridge, info.call), signal.SIGKILL)
        await alice.answer_reinvite()
        towards_bob = await bob.answer_reinvite()
        await moved(bridge, info.call)
        assert [(c.secure, c.masking) for c in bridge.node.calls()] == [(True, MASKING)]
        await hears(alice, bob, towards_bob)


async def test_sound_may_be_on_the_other_version_than_the_signalling() -> None:
    async with between(V4, V4) as (bridge, alice, bob), Phone(V6) as ears:
        alice.dial(sip_of(bridge, alice), "bob", ears.media)
        await bob.answer()
        towards_ears = port_at(V6, (await alice.told(Answered)).body)
        await bridge.talking(recorder=OFF)
        await hears(bob, ears, towards_ears)


async def test_a_destination_that_no_address_reaches_is_503() -> None:
    async with Phone(V4) as alice, Phone(V6) as bob:
        trunk = Trunk(name="loop", sources=(V4,), destination=bob.address)
        async with running(bob, trunks=(trunk,)) as bridge:
            alice.dial(bridge.node.sip_address, "bob")
            assert (await alice.told(Rejected)).status == 503
            (ended,) = {event.info.call for event in bridge.told if hasattr(event, "info")}
            assert "no address of IPv6" in await bridge.ended(ended)


async def test_what_both_sockets_count_is_told_as_one() -> None:
    async with between(V4, V6) as (bridge, alice, bob):
        for phone in (alice, bob):
            phone.rtp.sendto(b"?", sip_of(bridge, phone))
        await alice.talk_to(bob, sip_of(bridge, alice))
        stats = bridge.node.statistics().sip
        assert stats.malformed == 2
        assert stats.datagrams > 2


async def test_where_one_address_cannot_be_had_neither_is_kept() -> None:
    """The fixtures of every test look for sockets that are left."""
    async with Phone(V6) as bob:
        port = bob.address[1]
        with pytest.raises(OSError, match=re.escape(f"SIP on {V6} port {port}")):
            async with running(bob, host=V4, second_host=V6, sip_port=port):
                pass
