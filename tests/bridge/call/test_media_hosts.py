"""Which of our addresses each side of a call is told."""

import pytest

from bridge.call.media_hosts import media_hosts
from bridge.config import Address, BridgeConfig
from bridge.media.messages import Leg
from bridge.sip.events import DialogId, InviteReceived
from bridge.sip.name_addr import NameAddr
from bridge.sip.uri import Uri
from tests.bridge.phone import description

V4, V6 = "192.0.2.1", "2001:db8::1"
BOTH = BridgeConfig(host=V4, second_host=V6)
FAR_V4: Address = ("198.51.100.7", 5060)
FAR_V6: Address = ("2001:db8:7::7", 5060)


def invite(source: Address, body: bytes = b"") -> InviteReceived:
    return InviteReceived(
        dialog=DialogId("d"),
        request_uri=Uri(user="bob", host=V4),
        from_=NameAddr(uri=Uri(user="alice", host=source[0])),
        to=NameAddr(uri=Uri(user="bob", host=V4)),
        max_forwards=70,
        source=source,
        body=body,
    )


@pytest.mark.parametrize(
    ("source", "destination", "hosts"),
    [(FAR_V4, FAR_V4, (V4, V4)), (FAR_V6, FAR_V4, (V6, V4)), (FAR_V4, FAR_V6, (V4, V6))],
)
def test_each_side_has_the_version_of_ip_that_it_speaks(
    source: Address, destination: Address, hosts: tuple[str, str]
) -> None:
    body = description(4000, host=source[0])
    chosen = media_hosts(BOTH, invite(source, body), Leg.CALLER, destination)
    assert (chosen[Leg.CALLER], chosen[Leg.AGENT]) == hosts


def test_where_the_agent_dials_the_sides_are_the_other_way_round() -> None:
    chosen = media_hosts(BOTH, invite(FAR_V6, b""), Leg.AGENT, FAR_V4)
    assert (chosen[Leg.CALLER], chosen[Leg.AGENT]) == (V4, V6)


def test_sound_need_not_come_from_where_the_signalling_does() -> None:
    offer = description(4000, host=FAR_V6[0])
    assert media_hosts(BOTH, invite(FAR_V4, offer), Leg.CALLER, FAR_V4)[Leg.CALLER] == V6


@pytest.mark.parametrize(
    "body", [b"", b"nonsense", description(0, host=FAR_V4[0]), description(4000, host="0.0.0.0")]
)
def test_an_offer_that_does_not_say_leaves_it_to_the_signalling(body: bytes) -> None:
    assert media_hosts(BOTH, invite(FAR_V6, body), Leg.CALLER, FAR_V4)[Leg.CALLER] == V6


def test_one_address_is_told_to_everybody() -> None:
    config = BridgeConfig(host=V4)
    offer = description(4000, host=FAR_V6[0])
    assert set(media_hosts(config, invite(FAR_V6, offer), Leg.CALLER, FAR_V6).values()) == {V4}
