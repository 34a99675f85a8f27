"""The session description of one side of a call, and what of it the media worker is told (RFC 3264).

Rules of this file: a description that cannot be read or answered changes nothing; whatever was agreed on goes to the
worker at once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bridge.errors import SdpError
from bridge.media import messages as m
from bridge.sdp.negotiate import Direction, MediaTerms, answer_offer, make_offer, read_answer

CodecOrder = tuple[str, str]

_PCMU_FIRST: Final[CodecOrder] = ("PCMU", "PCMA")
_PCMA_FIRST: Final[CodecOrder] = ("PCMA", "PCMU")
_NOWHERE: Final = ("0.0.0.0", 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SdpOrigin:
    """What all descriptions to one side of a call have in common."""

    call: m.CallId

    host: str
    "Our address towards this side."

    session_id: int


class MediaSide:
    """Offers and answers towards one side."""

    def __init__(self, origin: SdpOrigin, leg: m.Leg, command: Callable[[m.Command], None]) -> None:
        self._origin, self._leg, self._command = origin, leg, command
        self.port = 0
        "Our RTP port towards this side; 0 until the worker has opened it."
        self.terms: MediaTerms | None = None
        "What is agreed on; None until there is an answer."
        self.answer = b""
        "Our last answer; empty where we have made none."
        self._offer = b""
        "Our offer that waits for its answer."
        self._version = 0
        "Of our next description: it counts up with each (RFC 3264 section 8)."

    @property
    def awaits_answer(self) -> bool:
        """We have made an offer, and its answer has not come."""
        return bool(self._offer)

    @property
    def codec_order(self) -> CodecOrder:
        """Our codecs, the one that this side speaks now first: no codec changes without need."""
        speaks_pcma = self.terms is not None and self.terms.codec.name == "PCMA"
        return _PCMA_FIRST if speaks_pcma else _PCMU_FIRST

    @property
    def held(self) -> bool:
        """This side does not hear or does not speak: by its direction, or by an address of 0.0.0.0 (RFC 2543)."""
        terms = self.terms
        return terms is not None and (
            terms.direction is not Direction.SENDRECV or terms.remote is None
        )

    def accept_offer(self, offer: bytes) -> bytes:
        """Return our answer to this side's offer; raise SdpError, NoCommonCodecError."""
        self.answer, terms = answer_offer(
            offer,
            host=self._origin.host,
            port=self.port,
            session_id=self._origin.session_id,
            version=self._version,
            prefer=self.codec_order,
        )
        self._version += 1
        self._use(terms)
        return self.answer

    def make_offer(self, codecs: CodecOrder) -> bytes:
        """Return an offer to this side; :meth:`read_answer` takes what it says to it."""
        self._offer = make_offer(
            host=self._origin.host,
            port=self.port,
            session_id=self._origin.session_id,
            version=self._version,
            codecs=codecs,
        )
        self._version += 1
        return self._offer

    def withdraw_offer(self) -> None:
        """Forget our offer: it was refused, or never left. The session goes on as it was."""
        self._offer = b""

    def tell_again(self) -> None:
        """Tell a worker that knows nothing of this side what is agreed on."""
        if self.terms is not None:
            self._use(self.terms)

    def read_early_answer(self, answer: bytes) -> bool:
        """Use the answer in a provisional response; return whether there is one. The final one may still differ."""
        try:
            self._use(read_answer(answer, offered=self._offer))
        except SdpError:
            return False
        return True

    def read_answer(self, answer: bytes) -> None:
        """Use the answer to our offer; raise SdpError, NoCommonCodecError. Either way none is awaited any more."""
        offer, self._offer = self._offer, b""
        self._use(read_answer(answer, offered=offer))

    def _use(self, terms: MediaTerms) -> None:
        self.terms = terms
        host, port = terms.remote or _NOWHERE
        rtcp_host, rtcp_port = terms.rtcp or _NOWHERE
        sends = terms.direction in (Direction.SENDRECV, Direction.SENDONLY)
        self._command(
            m.SetLeg(
                call=self._origin.call,
                leg=self._leg,
                host=host,
                port=port,
                codec=terms.codec.name,
                payload_type=terms.codec.payload_type,
                telephone_event=_number(terms.telephone_event),
                telephone_event_in=_number(terms.telephone_event_in),
                send=sends and terms.remote is not None,
                rtcp_host=rtcp_host,
                rtcp_port=rtcp_port,
                rtcp_mux=terms.rtcp_mux,
                receive=terms.direction in (Direction.SENDRECV, Direction.RECVONLY),
            )
        )


def _number(payload_type: int | None) -> int:
    return -1 if payload_type is None else payload_type
