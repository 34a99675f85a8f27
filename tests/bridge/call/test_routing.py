"""From whom calls may come, and where they go."""

import pytest

from bridge.call.routing import Origin, Target, admit, find_target, limits_of_caller
from bridge.config import Address, BridgeConfig, DetectorLimits, Route, Trunk
from bridge.errors import RouteError
from bridge.sip.registrar import Binding
from bridge.sip.uri import Uri

PHONE: Address = ("192.0.2.9", 5070)
CARRIER = Trunk(
    name="carrier", sources=("198.51.100.0/24", "2001:db8::/32"), destination=("198.51.100.1", 5060)
)
INWARD = Trunk(name="inward", sources=("203.0.113.7",))


def locate(user: str) -> Binding | None:
    """One phone is registered: ann's."""
    if user != "ann":
        return None
    return Binding(
        contact=Uri(user="ann-phone", host=PHONE[0], port=PHONE[1]),
        destination=PHONE,
        expires_at=100.0,
    )


def config(*routes: Route) -> BridgeConfig:
    return BridgeConfig(trunks=(CARRIER, INWARD), routes=routes or BridgeConfig().routes)


class TestAdmit:
    @pytest.mark.parametrize(
        ("source", "trunk"),
        [
            (("198.51.100.200", 5060), CARRIER),
            (("203.0.113.7", 9), INWARD),
            (("2001:db8::5", 5060), CARRIER),
        ],
    )
    def test_a_trunks_addresses_are_let_in_as_that_trunk(
        self, source: Address, trunk: Trunk
    ) -> None:
        assert admit(config(), source, "5551234", locate) == Origin(agent="", trunk=trunk)

    def test_a_registered_phone_is_let_in_as_its_agent(self) -> None:
        assert admit(config(), PHONE, "ann", locate) == Origin(agent="ann", trunk=None)

    @pytest.mark.parametrize(
        ("source", "user"),
        [
            (("192.0.2.10", 5070), "ann"),  # ann's name from somewhere else
            ((PHONE[0], 5071), "ann"),  # and from another port of her address
            (PHONE, "ben"),  # her address under a name that is not registered
            (("203.0.113.8", 5060), "5551234"),
            (("2001:db9::5", 5060), ""),
        ],
    )
    def test_everybody_else_is_forbidden(self, source: Address, user: str) -> None:
        with pytest.raises(RouteError) as caught:
            admit(config(), source, user, locate)
        assert caught.value.status == 403

    def test_a_trunk_address_under_a_registered_name_is_still_the_trunk(self) -> None:
        origin = admit(config(), ("198.51.100.7", 5060), "ann", locate)
        assert origin == Origin(agent="", trunk=CARRIER)


class TestFindTarget:
    def test_the_default_route_rings_the_phone_that_was_dialled(self) -> None:
        target = find_target(config(), "ann", locate)
        assert (target.destination, target.uri.user, target.agent) == (PHONE, "ann-phone", "ann")
        assert target.trunk is None

    def test_a_number_rings_the_phone_that_its_route_names(self) -> None:
        target = find_target(config(Route(dialled="0800.*", to="user:ann")), "0800123", locate)
        assert target.agent == "ann"

    def test_a_number_goes_to_a_trunk_as_it_was_dialled(self) -> None:
        target = find_target(config(Route(dialled="[0-9]+", to="trunk:carrier")), "5551234", locate)
        assert str(target.uri) == "sip:5551234@198.51.100.1:5060"
        assert (target.destination, target.agent) == (("198.51.100.1", 5060), "")
        assert target.trunk == CARRIER

    def test_the_first_route_that_matches_the_whole_number_is_taken(self) -> None:
        routes = (
            Route(dialled="1", to="trunk:inward"),
            Route(dialled="1.", to="user:ann"),
            Route(dialled=".*", to="trunk:carrier"),
        )
        assert find_target(config(*routes), "12", locate).agent == "ann"

    @pytest.mark.parametrize(
        ("route", "status"),
        [
            (Route(dialled="9", to="user:ann"), 404),
            (Route(dialled=".*", to="trunk:inward"), 404),
            (Route(dialled=".*", to="trunk:unknown"), 404),
            (Route(dialled=".*", to="user:ben"), 480),
            (Route(dialled=".*", to="user:*"), 480),
        ],
    )
    def test_no_way(self, route: Route, status: int) -> None:
        with pytest.raises(RouteError) as caught:
            find_target(config(route), "ben", locate)
        assert caught.value.status == status

    def test_nothing_dialled_is_no_phone(self) -> None:
        with pytest.raises(RouteError, match="480"):
            find_target(config(), "", locate)


class TestLimitsOfCaller:
    OURS, THEIRS = DetectorLimits(positive_twist_db=5.0), DetectorLimits(positive_twist_db=6.0)

    def limits(self, origin: Trunk | None, target: Trunk | None) -> DetectorLimits:
        uri = Uri(user="x", host=PHONE[0])
        return limits_of_caller(
            Origin(agent="" if origin else "ann", trunk=origin),
            Target(uri=uri, destination=PHONE, agent="" if target else "ben", trunk=target),
        )

    def test_a_caller_from_a_trunk_is_read_by_its_limits(self) -> None:
        trunk = Trunk(name="in", detector=self.OURS)
        assert self.limits(trunk, None) == self.OURS

    def test_a_caller_whom_an_agent_dialled_is_read_by_those_of_the_trunk_to_them(self) -> None:
        trunk = Trunk(name="out", detector=self.THEIRS)
        assert self.limits(None, trunk) == self.THEIRS

    def test_between_two_trunks_it_is_the_one_that_dialled(self) -> None:
        trunks = Trunk(name="in", detector=self.OURS), Trunk(name="out", detector=self.THEIRS)
        assert self.limits(*trunks) == self.OURS

    def test_two_phones_have_the_defaults(self) -> None:
        assert self.limits(None, None) == DetectorLimits()
