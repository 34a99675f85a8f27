"""Telephone events (RFC 4733): the payload, and a receiver that needs neither the first nor the last packet."""

import struct
from dataclasses import dataclass
from typing import Final, Self

from bridge.errors import RemoteProtocolError
from dtmf.keys import EVENT_KEYS, HiddenKey

_PAYLOAD: Final = struct.Struct("!BBH")

SOURCE_CHANGE_S: Final = 0.1
"""A press that goes on in a new stream goes on within two of the 50 ms that RFC 4733 section 2.5.1.2 has between
packets at the longest; later it is another press of the same key."""


class TelephoneEventError(RemoteProtocolError):
    """Bytes from outside that are no telephone event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TelephoneEvent:
    """The payload of one event packet (RFC 4733 section 2.3)."""

    event: int
    "Event code; 0-15 are keys (section 3.2)."

    end: bool

    volume: int
    "Power level in -dBm0, 0-63."

    duration_samples: int
    "So far, in timestamp units."

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Return the event in `payload`; raise :class:`TelephoneEventError` where it is too short."""
        if len(payload) < _PAYLOAD.size:
            raise TelephoneEventError(f"telephone event of {len(payload)} bytes, not 4")
        event, flags, duration = _PAYLOAD.unpack_from(payload)
        return cls(
            event=event, end=bool(flags & 0x80), volume=flags & 0x3F, duration_samples=duration
        )

    def __bytes__(self) -> bytes:
        return _PAYLOAD.pack(
            self.event, (0x80 if self.end else 0) | self.volume, self.duration_samples
        )

    def __repr__(self) -> str:
        # The event code is the key.
        return f"TelephoneEvent(*, end={self.end}, duration_samples={self.duration_samples})"


class EventReceiver:
    """One leg's telephone events: every packet in, each press out once.

    A press is one RTP timestamp (section 2.2.1: all packets of an event carry the timestamp of its start), so a lost
    first packet, a lost marker and the three copies of the last packet change nothing. Long events that are cut into
    segments (section 2.5.1.3) join on: the next segment starts where the last one ended, without an end packet.
    Where the stream gets another SSRC in the middle of a press, its timestamps say nothing: the key and the clock do.
    """

    def __init__(self) -> None:
        self._timestamp: int | None = None
        self._event = -1
        self._ended = True
        self._duration = 0
        self._received_s = 0.0
        self._source_changed = False

    def change_source(self) -> None:
        """Take what follows as another stream: its timestamps do not compare with those so far."""
        self._source_changed = True

    def receive(self, event: TelephoneEvent, timestamp: int, now: float) -> HiddenKey | None:
        """Return the key where this packet is the first one seen of a press, else None; `now` in monotonic seconds."""
        if event.event >= len(EVENT_KEYS):
            return None
        since_s, self._received_s = now - self._received_s, now
        if self._source_changed:
            self._source_changed = False
            continued = since_s <= SOURCE_CHANGE_S and self._goes_on(event)
        elif timestamp == self._timestamp and event.event == self._event:
            self._duration = max(self._duration, event.duration_samples)
            self._ended = self._ended or event.end
            return None
        elif self._is_late(timestamp):
            return None
        else:
            continued = self._continues(event, timestamp)
        self._timestamp, self._event = timestamp, event.event
        self._ended, self._duration = event.end, event.duration_samples
        return None if continued else HiddenKey(EVENT_KEYS[event.event])

    def _is_late(self, timestamp: int) -> bool:
        """Return whether a reordered packet belongs to a press before the newest one."""
        return self._timestamp is not None and 0 < (self._timestamp - timestamp) % 2**32 < 2**31

    def _goes_on(self, event: TelephoneEvent) -> bool:
        """Return whether a new stream's packet is of the press before: of one that lasts, or a copy of its end."""
        if event.event != self._event:
            return False
        return not self._ended or (event.end and event.duration_samples >= self._duration)

    def _continues(self, event: TelephoneEvent, timestamp: int) -> bool:
        if self._timestamp is None or self._ended or event.event != self._event:
            return False
        return timestamp == (self._timestamp + self._duration) % 2**32
