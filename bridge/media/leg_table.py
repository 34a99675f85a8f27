"""All legs of a worker as columns: one row a leg, so that a tick treats every packet of every call at once.

Row `2 * call` is the caller's leg of a call slot and row `2 * call + 1` the agent's; `leg ^ 1` is the other side.
What a leg receives is written `in_`, what is sent to its far end `out_`.
"""

import socket
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bridge.rtp.telephone_event import EventReceiver

FRAME: Final = 160
"Samples, and G.711 bytes, of 20 ms."

SAMPLES_PER_S: Final = 8000
FRAME_S: Final = FRAME / SAMPLES_PER_S

MAX_PENDING_FRAMES: Final = 16
"Frames that one odd packet may leave to treat (120 ms of sound and a bridged loss); more are dropped."

Legs = NDArray[np.intp]
Address = tuple[str, int]


@dataclass(slots=True)
class LegState:
    """What of a leg is not a column: touched once in a while, not for each packet."""

    sock: socket.socket
    send: Callable[[memoryview], int]
    "Sends one packet to the far end: `sendto` until the leg has latched, then `send`."
    source: Address | None = None
    "Where the far end's packets come from; None until the leg has latched."
    events: EventReceiver = field(default_factory=EventReceiver)
    pending: deque[tuple[bytes | None, int]] = field(
        default_factory=lambda: deque(maxlen=MAX_PENDING_FRAMES)
    )
    "Frames (None: lost) and their timestamps that the next rounds treat."
    partial: bytearray = field(default_factory=bytearray)
    "Sound that does not fill a frame yet (packet times that are no multiple of 20 ms)."
    silent: bool = False
    "The far end has said what its pause sounds like, and sends no sound until the pause is over (RFC 3389)."
    bad_sequence: int = -1
    "What the next packet must have to prove that the sequence numbers have jumped (RFC 3550 appendix A.1)."
    unknown: int = 0
    "Bytes at the front of `partial` up to which something was lost; a frame that has any of them is lost."
    former: Address | None = None
    "Where the far end sent from before its SDP named another address, and until when that is not latched to."
    former_until_s: float = 0.0

    @property
    def latched(self) -> bool:
        """The socket is connected to the far end's source."""
        return self.source is not None

    def clear_sound(self) -> None:
        """Forget what has not become a frame, or has not been treated."""
        self.partial.clear()
        self.pending.clear()
        self.unknown = 0
        self.silent = False


LEG: Final = np.dtype(
    [
        ("socket", np.int64),
        ("in_started", np.bool_),
        ("receives", np.bool_),
        ("sends", np.bool_),
        ("out_marker", np.bool_),
        ("payload_type", np.int32),
        ("law", np.int64),
        ("in_sequence", np.int64),
        ("in_timestamp", np.int64),
        ("in_ssrc", np.int64),
        ("in_due_s", np.float64),
        ("in_came_s", np.float64),
        ("in_jitter_s", np.float64),
        ("out_sequence", np.int64),
        ("out_timestamp", np.int64),
        ("out_offset", np.int64),
        ("out_ssrc", np.int64),
        ("out_produced_s", np.float64),
        ("out_filled_s", np.float64),
    ]
)
"""What the compiled loops need of a leg, side by side in two cache lines; :class:`LegTable` says what each is."""

NO_SOCKET: Final = -1


class LegTable:
    """Columns of `2 * calls` legs."""

    def __init__(self, calls: int, chance: np.random.Generator) -> None:
        """`chance` draws what is to be random of each stream (RFC 3550 section 5.1)."""
        count = 2 * calls
        self._chance = chance
        self.state: list[LegState | None] = [None] * count
        self.rows: NDArray[np.void] = np.zeros(count, LEG)
        "The columns from `socket` to `out_filled_s`, one row a leg."
        self.socket: NDArray[np.int64] = self.rows["socket"]
        "Descriptor of the leg's socket once that is connected to the far end's source; NO_SOCKET until then."
        self.in_started: NDArray[np.bool_] = self.rows["in_started"]
        "The next packet may take the short way: stream known, nothing partial, source latched."
        self.receives: NDArray[np.bool_] = self.rows["receives"]
        "What arrives is taken (not while the far end is inactive)."
        self.sends: NDArray[np.bool_] = self.rows["sends"]
        "The far end is known and wants to hear."
        self.out_marker: NDArray[np.bool_] = self.rows["out_marker"]
        "The next packet starts a talkspurt (RFC 3551 section 4.1)."
        self.payload_type: NDArray[np.int32] = self.rows["payload_type"]
        "Both directions: an answerer uses the offerer's numbers."
        self.law: NDArray[np.int64] = self.rows["law"]
        "Row of the G.711 tables."
        self.in_sequence: NDArray[np.int64] = self.rows["in_sequence"]
        "Sequence number the next packet must have to be in order, extended by its cycles (RFC 3550 appendix A.1)."
        self.in_timestamp: NDArray[np.int64] = self.rows["in_timestamp"]
        "Timestamp the next packet must have to join on."
        self.in_ssrc: NDArray[np.int64] = self.rows["in_ssrc"]
        "-1 until a stream has begun."
        self.in_due_s: NDArray[np.float64] = self.rows["in_due_s"]
        "When the next packet comes if it takes as long as the last one did."
        self.in_came_s: NDArray[np.float64] = self.rows["in_came_s"]
        "When the last packet came, or earlier: as the earliest of those before it let expect."
        self.in_jitter_s: NDArray[np.float64] = self.rows["in_jitter_s"]
        "Interarrival jitter of the present stream (RFC 3550 section 6.4.1)."
        self.out_sequence: NDArray[np.int64] = self.rows["out_sequence"]
        "Of the next packet, extended by its cycles."
        self.out_timestamp: NDArray[np.int64] = self.rows["out_timestamp"]
        "Of the frame that was produced last."
        self.out_offset: NDArray[np.int64] = self.rows["out_offset"]
        "Added to the other leg's incoming timestamps; keeps this stream's timestamps rising whatever happens there."
        self.out_ssrc: NDArray[np.int64] = self.rows["out_ssrc"]
        self.out_produced_s: NDArray[np.float64] = self.rows["out_produced_s"]
        "When the last frame was produced, monotonic seconds."
        self.out_filled_s: NDArray[np.float64] = self.rows["out_filled_s"]
        "`out_produced_s` of the last frame that was produced because none came from the other side."
        self.in_late: NDArray[np.int64] = np.zeros(count, np.int64)
        "Packets that came after their turn, or twice, since the leg was opened."
        self.telephone_event: NDArray[np.int64] = np.full(count, -1, np.int64)
        "Payload type; -1 where none is agreed on."
        self.telephone_event_in: NDArray[np.int64] = np.full(count, -1, np.int64)
        "What its far end may write instead: our offer's number."
        self.out_first_sequence: NDArray[np.int64] = np.zeros(count, np.int64)
        self.out_events: NDArray[np.int64] = np.zeros(count, np.int64)
        "Telephone event packets among those sent, and the octets of their payload."
        self.out_event_octets: NDArray[np.int64] = np.zeros(count, np.int64)
        self._late_before = self._sent_before = 0
        "Of the legs that had the rows before."
        self.socket[:] = NO_SOCKET
        self.in_ssrc[:] = self.payload_type[:] = -1

    def open(self, leg: int, sock: socket.socket, now: float) -> None:
        """Start a row afresh on `sock`; nothing is sent or taken before :meth:`describe`."""
        self._late_before += int(self.in_late[leg])
        self._sent_before += int(self.out_sequence[leg] - self.out_first_sequence[leg])
        self.state[leg] = LegState(sock, _send_nowhere)
        for column in (self.in_started, self.receives, self.sends):
            column[leg] = False
        self.socket[leg] = NO_SOCKET
        self.in_ssrc[leg] = self.payload_type[leg] = -1
        self.telephone_event[leg] = self.telephone_event_in[leg] = -1
        self.out_ssrc[leg], self.out_timestamp[leg] = self._chance.integers(0, 2**32, 2)
        self.out_sequence[leg] = self.out_first_sequence[leg] = self._chance.integers(0, 2**16)
        self.in_late[leg] = self.out_events[leg] = self.out_event_octets[leg] = 0
        self.out_marker[leg] = True
        self.out_produced_s[leg] = now
        self.out_filled_s[leg] = -np.inf

    def describe(
        self,
        leg: int,
        *,
        payload_type: int,
        telephone_events: tuple[int, int],
        law: int,
        receives: bool,
    ) -> None:
        """Set what the far end speaks; `telephone_events`: payload types of what is sent, and may come too."""
        self.payload_type[leg] = payload_type
        self.telephone_event[leg], self.telephone_event_in[leg] = telephone_events
        self.law[leg] = law
        self.receives[leg] = receives

    def is_event(self, leg: int, payload_type: int) -> bool:
        """Return whether packets of this payload type are the far end's telephone events."""
        known = (self.telephone_event[leg], self.telephone_event_in[leg])
        return payload_type in known and payload_type != self.payload_type[leg]

    def takes_events(self, leg: int) -> bool:
        """Return whether telephone events of the far end are agreed on."""
        return bool(self.telephone_event[leg] >= 0 or self.telephone_event_in[leg] >= 0)

    def latch(self, leg: int, source: Address) -> None:
        """The leg's socket is connected to its far end's source now."""
        state = self.state_of(leg)
        state.source, state.send = source, state.sock.send
        self.socket[leg] = state.sock.fileno()

    def unlatch(self, leg: int, send: Callable[[memoryview], int]) -> None:
        """The leg's socket is connected no longer, or not yet; `send` is how to reach the far end meanwhile."""
        state = self.state_of(leg)
        state.source, state.send = None, send
        self.socket[leg] = NO_SOCKET

    def close(self, leg: int) -> None:
        """Forget a row."""
        self.state[leg] = None
        self.socket[leg] = NO_SOCKET
        for column in (self.in_started, self.receives, self.sends):
            column[leg] = False

    def totals(self) -> tuple[int, int]:
        """Return the packets that came late and those sent, by all legs that ever had the rows; neither ever falls."""
        sent = int((self.out_sequence - self.out_first_sequence).sum())
        return self._late_before + int(self.in_late.sum()), self._sent_before + sent

    def state_of(self, leg: int) -> LegState:
        """Return the open row's state."""
        state = self.state[leg]
        assert state is not None, "a leg without a socket was touched"
        return state


def _send_nowhere(_: memoryview) -> int:
    return 0
