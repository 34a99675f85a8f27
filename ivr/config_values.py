"""Texts and numbers of the configuration that have a form: what each may be, and what is said where it is not."""

import re
from ipaddress import ip_address, ip_network
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from bridge.config import Address

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,40}", re.ASCII)

_TARGET: Final = re.compile(r"user:(\*|[^\s:]+)|trunk:[A-Za-z0-9_-]+", re.ASCII)


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError(f"{text!r} must be 1 to 40 letters, digits, - or _")
    return text


def _target(text: str) -> str:
    if not _TARGET.fullmatch(text):
        raise ValueError(f"{text!r} must be 'user:*', 'user:NAME' or 'trunk:NAME'")
    return text


def _advertised(text: str) -> str:
    """Check an address that goes into SIP and SDP: phones send to it."""
    try:
        wildcard = ip_address(text).is_unspecified
    except ValueError:
        raise ValueError(f"{text!r} must be an IP address: it is told to phones as it is") from None
    if wildcard:
        raise ValueError(
            f"{text!r} cannot be told to phones; give the address at which they reach this machine"
        )
    return text


def _network(text: str) -> str:
    try:
        ip_network(text, strict=False)
    except ValueError:
        raise ValueError(
            f"{text!r} is no IP address or network, for example '192.0.2.10' or '10.0.0.0/8'"
        ) from None
    return text


def _destination(text: str) -> str:
    try:
        _, port = address_of(text)
    except ValueError:
        port = 0
    if not 0 < port <= 65535:
        raise ValueError(
            f"{text!r} must be an IP address and a port, for example '192.0.2.10:5060'"
        )
    return text


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"{text!r} is not a regular expression: {error}") from None
    return text


def address_of(text: str) -> Address:
    """Return host and port of `192.0.2.10:5060` or `[2001:db8::1]:5060`; raise ValueError."""
    host, _, port = text.rpartition(":")
    host = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    return str(ip_address(host)), int(port)


Port = Annotated[int, Field(ge=0, le=65535)]
Name = Annotated[str, AfterValidator(_name)]
RouteTarget = Annotated[str, AfterValidator(_target)]
AdvertisedAddress = Annotated[str, AfterValidator(_advertised)]
Network = Annotated[str, AfterValidator(_network)]
Destination = Annotated[str, AfterValidator(_destination)]
Pattern = Annotated[str, AfterValidator(_pattern)]
