"""The errors of the bridge.

::

    BridgeError
    ├── ProtocolError
    │   ├── LocalProtocolError         our side asked for what the protocol does not allow
    │   └── RemoteProtocolError        the other side sent what the protocol does not allow
    │       └── SdpError               a session description that cannot be read or answered
    │           ├── NoCommonCodecError nothing in the offer that we speak
    │           └── AddressFamilyError IPv4 there and IPv6 here, or the other way round
    ├── RouteError                     no way for a call, with the SIP answer
    └── MediaError                     sockets, ports and workers
        ├── NoPortError                every media port is in use
        ├── PromptError                a prompt that cannot be played
        └── NotConfirmedError          the gate or the recorder did not do what was asked

Bytes from outside raise :class:`RemoteProtocolError` and nothing else; any other exception is a bug.
No message carries a body or a raw line: a body may hold a digit.
"""


class BridgeError(Exception):
    """Anything that the bridge raises on purpose."""


class ProtocolError(BridgeError):
    """A rule of SIP, SDP or RTP was broken."""


class LocalProtocolError(ProtocolError):
    """Our own side asked for something that the protocol does not allow now, or the dialog is gone."""


class RemoteProtocolError(ProtocolError):
    """The other side sent something that cannot be read."""


class SdpError(RemoteProtocolError):
    """A session description is malformed, or no answer to its offer (RFC 8866, RFC 3264)."""


class NoCommonCodecError(SdpError):
    """The offer has no audio codec that we speak; answer 488 (RFC 3261 section 21.4.26)."""

    def __init__(self, offered: tuple[str, ...]) -> None:
        self.offered = offered
        "Encoding names (or `RTP/...` profiles, or payload types) as they were offered."
        super().__init__(f"no common codec; offered: {', '.join(offered) or 'nothing'}")


class AddressFamilyError(SdpError):
    """The other side's sound is on the other version of IP, which our sockets cannot reach; answer 488."""


class RouteError(BridgeError):
    """No way for this call."""

    def __init__(self, status: int, reason: str) -> None:
        self.status = status
        "The SIP answer."
        self.reason = reason
        super().__init__(f"{status} {reason}")


class MediaError(BridgeError):
    """Something is wrong with media sockets, ports or workers."""


class NoPortError(MediaError):
    """Every port of the media range is in use or in quarantine."""


class PromptError(MediaError):
    """A prompt cannot be played; the text names what is wrong with it, or with the call."""


class NotConfirmedError(MediaError):
    """The gate or the recorder did not confirm what it was told; the call must be taken as not secure."""
