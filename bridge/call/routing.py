"""Which way a call goes: from whom it may come, and to which phone or trunk it is sent."""

from collections.abc import Callable
from dataclasses import dataclass

from bridge.config import Address, BridgeConfig, Trunk
from bridge.errors import RouteError
from bridge.media.masking import DETECTOR
from bridge.sip.registrar import Binding
from bridge.sip.uri import Uri
from dtmf.limits import DetectorLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where the first leg of a call comes from."""

    agent: str
    "User name where a registered phone calls, else empty."

    trunk: Trunk | None
    "The trunk where one calls, else None."


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where the second leg of a call goes."""

    uri: Uri

    destination: Address

    agent: str
    "User name where the target is a registered phone, else empty."

    trunk: Trunk | None
    "The trunk where the target is behind one, else None."


Locate = Callable[[str], Binding | None]
"Looks a user up in the registrar."


def admit(config: BridgeConfig, source: Address, from_user: str, locate: Locate) -> Origin:
    """Return who calls, a registered phone or a trunk; raise :class:`RouteError` 403 for all others."""
    binding = locate(from_user)
    if binding is not None and binding.destination == source:
        return Origin(agent=from_user, trunk=None)
    trunk = next((trunk for trunk in config.trunks if trunk.covers(source[0])), None)
    if trunk is not None:
        return Origin(agent="", trunk=trunk)
    raise RouteError(403, "Not a trunk and not a registered phone")


def find_target(config: BridgeConfig, dialled: str, locate: Locate) -> Target:
    """Return where `dialled` goes; raise :class:`RouteError` 404 or 480."""
    route = next((route for route in config.routes if route.matches(dialled)), None)
    if route is None:
        raise RouteError(404, "No route for this number")
    kind, _, name = route.to.partition(":")
    if kind == "trunk":
        return _trunk_target(config, name, dialled)
    user = dialled if name == "*" else name
    binding = locate(user)
    if binding is None:
        raise RouteError(480, "The phone is not registered")
    return Target(uri=binding.contact, destination=binding.destination, agent=user, trunk=None)


def limits_of_caller(origin: Origin, target: Target) -> DetectorLimits:
    """Return by which limits the caller's keys are read: those of the trunk that the caller, not the agent, is behind.

    Where both sides are trunks the caller is the one who dialled; where neither is, the defaults hold.
    """
    trunk = origin.trunk or target.trunk
    return DETECTOR if trunk is None else trunk.detector


def _trunk_target(config: BridgeConfig, name: str, dialled: str) -> Target:
    trunk = next((trunk for trunk in config.trunks if trunk.name == name), None)
    if trunk is None or trunk.destination is None:
        raise RouteError(404, "The route's trunk takes no calls")
    host, port = trunk.destination
    return Target(
        uri=Uri(user=dialled, host=host, port=port),
        destination=trunk.destination,
        agent="",
        trunk=trunk,
    )
