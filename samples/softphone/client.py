"""pyVoIP with its media taped and fed at packet level.

Licence: this file imports pyVoIP, which is GPLv3; it runs in a process of its own and no package imports it.

Why not pyVoIP's own audio calls: they carry 8-bit linear samples, which cost speech 13 dB of signal to noise.
Overriding the encoder hands it finished mu-law, and everything on the wire is still sent by pyVoIP.
"""

import socket
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any, Final

warnings.simplefilter("ignore")  # pyVoIP imports audioop, and resets the filters whenever it warns

from pyVoIP.VoIP import CallState, VoIPCall, VoIPPhone  # isort: skip  # noqa: E402  # first: pyVoIP imports itself in a circle
from pyVoIP import RTP, SIP  # noqa: E402
from pyVoIP.VoIP.status import PhoneStatus  # noqa: E402
from pyVoIP.VoIP.VoIP import InvalidStateError  # noqa: E402

from samples.softphone.tape import Tape  # noqa: E402

_RECEIVE_LIMIT_S: Final = 0.2
"How long the receiver blocks before it looks whether the call has ended."

_REGISTER_LIMIT_S: Final = 8.0
"pyVoIP tries three times, two seconds each."

_POLL_S: Final = 0.02

__all__ = ["CallState", "Client", "InvalidStateError", "VoIPCall"]


class _TapedSocket(socket.socket):
    """A UDP socket that keeps a copy of every packet with the time at which it crossed."""

    def __init__(self, sent: Tape, heard: Tape) -> None:
        super().__init__(socket.AF_INET, socket.SOCK_DGRAM)
        self._sent = sent
        self._heard = heard

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        datagram = super().recv(bufsize, flags)
        self._heard.append(datagram, time.monotonic_ns())
        return datagram

    def sendto(self, data: Any, *rest: Any) -> int:
        self._sent.append(bytes(data), time.monotonic_ns())
        return super().sendto(data, *rest)


def _taped_rtp_client(sent: Tape, heard: Tape, payload: Callable[[], bytes]) -> type[Any]:
    """Return pyVoIP's RTP client with a taped socket and a source of finished mu-law payloads."""

    class TapedRtpClient(RTP.RTPClient):
        _started = False

        def start(self) -> None:
            if self._started:  # a re-INVITE would start a second pair of threads
                return
            self._started = True
            self.preference = RTP.PayloadType.PCMU
            self.sin = self.sout = _TapedSocket(sent, heard)
            self.sin.bind((self.inIP, self.inPort))
            # Blocking, so that the time of arrival is not rounded up to pyVoIP's 10 ms poll;
            # the TimeoutError is an OSError, which its receive loop passes over.
            self.sin.settimeout(_RECEIVE_LIMIT_S)
            for loop in (self.recv, self.trans):
                threading.Thread(target=loop, daemon=True).start()

        def encode_packet(self, payload_: bytes) -> bytes:
            return payload()

    return TapedRtpClient


class Client:
    """One phone with one call: registers, places or answers it. Blocking; callbacks come from pyVoIP's threads."""

    def __init__(
        self,
        *,
        server: tuple[str, int],
        local: tuple[str, int],
        rtp_ports: tuple[int, int],
        username: str,
        password: str,
        sent: Tape,
        heard: Tape,
        payload: Callable[[], bytes],
        on_incoming: Callable[[VoIPCall], None],
        on_refused: Callable[[int, str], None],
    ) -> None:
        # pyVoIP has no seam for its media: the names it looks up are replaced.
        setattr(RTP, "RTPClient", _taped_rtp_client(sent, heard, payload))  # noqa: B010
        self._on_refused = on_refused
        self._phone = VoIPPhone(
            *server,
            username,
            password,
            myIP=local[0],
            sipPort=local[1],
            rtpPortLow=rtp_ports[0],
            rtpPortHigh=rtp_ports[1],
            callCallback=on_incoming,
        )
        self._parse = self._phone.sip.parse_message
        setattr(self._phone.sip, "parse_message", self._watch_refusals)  # noqa: B010
        self._phone.sip.register_timeout = 2  # its own 30 s would outlive whoever waits

    def register(self) -> bool:
        """Open the SIP port and register with digest; return whether the registrar agreed in time."""
        self._phone.start()
        deadline = time.monotonic() + _REGISTER_LIMIT_S
        while time.monotonic() < deadline:
            status = self._phone.get_status()
            if status in (PhoneStatus.REGISTERED, PhoneStatus.FAILED):
                return bool(status == PhoneStatus.REGISTERED)
            time.sleep(_POLL_S)
        return False

    def open(self) -> None:
        """Open the SIP port without registering, as a trunk does."""
        setattr(self._phone.sip, "register", lambda: True)  # noqa: B010
        self._phone.start()

    def call(self, number: str) -> VoIPCall:
        """Send the INVITE; block until the far end has said 100 or 180."""
        return self._phone.call(number)

    def close(self) -> None:
        """Hang up, deregister, close the SIP port; may block for some seconds."""
        self._phone.stop()

    def _watch_refusals(self, message: SIP.SIPMessage) -> None:
        """Tell of a final refusal of our INVITE, which pyVoIP passes over in silence."""
        if message.type == SIP.SIPMessageType.RESPONSE:
            status = int(message.status)
            if status >= 300 and status != 401 and message.headers["CSeq"]["method"] == "INVITE":
                self._on_refused(status, message.status.phrase)
        self._parse(message)
