"""At which of our addresses each side of a call finds its sound: one of the version of IP that the side speaks."""

from collections.abc import Mapping

from bridge.config import Address, BridgeConfig
from bridge.media import messages as m
from bridge.sdp.audio import is_ipv6
from bridge.sdp.negotiate import audio_is_ipv6
from bridge.sip import events as sip


def media_hosts(
    config: BridgeConfig, invite: sip.InviteReceived, first: m.Leg, destination: Address
) -> Mapping[m.Leg, str]:
    """Return our address for each side; `first` dialled, the other is rung at `destination`.

    The one who dialled says in the offer where the sound is. Who makes no offer, and who is rung, is taken to have
    it where the signalling is. Where we have one address only it is that: the other version of IP is refused later.
    """
    second = m.Leg.AGENT if first is m.Leg.CALLER else m.Leg.CALLER
    if len(config.hosts) == 1:
        return dict.fromkeys(m.Leg, config.host)
    offered = audio_is_ipv6(invite.body) if invite.body else None
    first_is_ipv6 = is_ipv6(invite.source[0]) if offered is None else offered
    return {
        first: _host(config, ipv6=first_is_ipv6),
        second: _host(config, ipv6=is_ipv6(destination[0])),
    }


def _host(config: BridgeConfig, *, ipv6: bool) -> str:
    return next(host for host in config.hosts if is_ipv6(host) is ipv6)
