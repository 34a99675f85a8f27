"""Many calls through the media worker's own code: packets in at one end, what the agent's phone plays at the other.

Sockets are real (loopback), the clock is moved by hand. Audio is played out as it arrives: a packet that comes early
waits for the one before it, and while none comes there is silence.
"""

import socket
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from benchmarks.signals import FRAME, RATE_HZ, Pcm
from bridge.media import messages as m
from bridge.media.calls import WorkerCalls
from bridge.media.intake import MAX_FIRSTS
from bridge.media.line_masking import PLAIN_MASKING, LineMasking
from bridge.media.settings import WorkerSettings
from bridge.rtp.g711 import DECODE, LAW_OF_CODEC
from bridge.rtp.packet import RtpPacket
from dtmf.keys import HiddenKey

_HOST: Final = "127.0.0.1"
_STARTED_S: Final = 1000.0
_PAYLOAD_TYPES: Final = {"PCMU": 0, "PCMA": 8}
TELEPHONE_EVENT: Final = 101

TICK_SAMPLES: Final = 80
"The clock moves by 10 ms: every packet time in use is a multiple."

_TICKS: Final = 2
"Of the worker in that time."

_AUDIO_PACKET_BYTES: Final = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A datagram of the caller's at the bridge."""

    at: int
    "Samples since the call began."

    packet: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Info:
    """A SIP INFO request with a key."""

    at: int
    key: str
    duration_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """All that one caller sends."""

    arrivals: Sequence[Arrival]
    "In order of `at`."

    infos: Sequence[Info] = ()


@dataclass(slots=True)
class _Heard:
    """What one agent's phone has played."""

    audio: Pcm
    law: int
    played: int = 0
    "Samples until which the playout is filled."
    keys: str = ""

    def play(self, packet: RtpPacket, at: int) -> None:
        start = max(self.played, at)
        end = min(start + len(packet.payload), len(self.audio))
        samples = DECODE[self.law][np.frombuffer(packet.payload, np.uint8)]
        self.audio[start:end] = samples[: max(0, end - start)]
        self.played = end


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSide:
    """What came out of one call."""

    audio: Pcm
    "As the agent's phone plays it."

    keys: str = field(repr=False)
    "What the gateway was told, in order."


class SecureCalls:
    """Calls between two phones each, secured as `masking` says; None: not secured.

    `events`: telephone events are agreed on with the caller's side.
    """

    def __init__(
        self,
        calls: int,
        codec: str = "PCMU",
        *,
        masking: LineMasking | None = PLAIN_MASKING,
        events: bool = False,
    ) -> None:
        self._codec, self._events, self._stack = codec, events, ExitStack()
        self._reports: list[m.Report] = []
        settings = WorkerSettings(host=_HOST, first_port=0, last_port=0, calls=calls)
        self._worker = WorkerCalls(settings, self._reports.append)
        self._stack.callback(self._worker.close)
        self._worker.path.now = _STARTED_S
        self._ids = [m.CallId(f"call-{number}") for number in range(calls)]
        self._callers = [self._socket() for _ in self._ids]
        self._agents = [self._socket() for _ in self._ids]
        for call, caller, agent in zip(self._ids, self._callers, self._agents, strict=True):
            self._open(call, caller, agent)
            if masking is not None:
                self._worker.handle(m.SetSecure(call=call, secure=True, **asdict(masking)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def run(self, traffic: Sequence[Traffic], samples: int) -> list[AgentSide]:
        """Carry what the callers send for `samples`, and return what came out of each call."""
        law = LAW_OF_CODEC[self._codec]
        heard = [_Heard(np.zeros(samples, np.int16), law) for _ in self._ids]
        arrivals = [list(reversed(caller.arrivals)) for caller in traffic]
        infos = [list(reversed(caller.infos)) for caller in traffic]
        # all that begin at once are heard at once, however many that are
        ticks = _TICKS + len(self._ids) // MAX_FIRSTS
        for now in range(0, samples, TICK_SAMPLES):
            self._worker.path.now = _STARTED_S + now / RATE_HZ
            for row, waiting in enumerate(arrivals):
                while waiting and waiting[-1].at <= now:
                    self._callers[row].send(waiting.pop().packet)
                while infos[row] and infos[row][-1].at <= now:
                    self._tell(row, infos[row].pop())
            for _ in range(ticks):
                self._worker.intake.drain()
            self._worker.tick(self._worker.path.now)
            for row, phone in enumerate(heard):
                self._listen(self._agents[row], phone, now)
            self._note_keys(heard)
        return [AgentSide(audio=phone.audio, keys=phone.keys) for phone in heard]

    def _tell(self, row: int, info: Info) -> None:
        key = HiddenKey(info.key)
        self._worker.handle(m.InfoKey(call=self._ids[row], key=key, duration_ms=info.duration_ms))

    def _listen(self, agent: socket.socket, phone: _Heard, now: int) -> None:
        while True:
            try:
                packet = RtpPacket.parse(agent.recv(_AUDIO_PACKET_BYTES))
            except BlockingIOError:
                return
            assert packet.payload_type == _PAYLOAD_TYPES[self._codec], "an event came through"
            phone.play(packet, now)

    def _note_keys(self, heard: Sequence[_Heard]) -> None:
        for report in self._reports:
            if isinstance(report, m.KeyReported):
                heard[self._ids.index(report.call)].keys += report.key.reveal()
        self._reports.clear()

    def _open(self, call: m.CallId, caller: socket.socket, agent: socket.socket) -> None:
        self._worker.handle(m.OpenCall(call=call))
        opened = self._reports.pop()
        assert isinstance(opened, m.CallOpened), "no port or slot is free"
        # what goes to the RTCP port of one phone, or comes from elsewhere, may be the RTP port of another here
        caller.connect((_HOST, opened.caller_port))
        agent.connect((_HOST, opened.agent_port))
        for leg, phone in ((m.Leg.CALLER, caller), (m.Leg.AGENT, agent)):
            self._worker.handle(
                m.SetLeg(
                    call=call,
                    leg=leg,
                    host=_HOST,
                    port=phone.getsockname()[1],
                    codec=self._codec,
                    payload_type=_PAYLOAD_TYPES[self._codec],
                    telephone_event=TELEPHONE_EVENT if self._events else -1,
                    send=True,
                    receive=True,
                )
            )

    def _socket(self) -> socket.socket:
        phone = self._stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        phone.bind((_HOST, 0))
        phone.setblocking(False)
        return phone


def masked_frames(sent: Pcm, played: Pcm, delay: int) -> NDArray[np.bool_]:
    """Return which frames of `sent` did not come out `delay` samples later as they were."""
    count = (len(played) - delay) // FRAME
    count = min(count, len(sent) // FRAME)
    before = sent[: count * FRAME].reshape(count, FRAME)
    after = played[delay : delay + count * FRAME].reshape(count, FRAME)
    return np.asarray((before != after).any(axis=1))
