"""A worker's calls driven by hand: real sockets on loopback, a clock that moves when told."""

import socket
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bridge.media import messages as m
from bridge.media.calls import WorkerCalls
from bridge.media.line_masking import PLAIN_MASKING, LineMasking
from bridge.media.settings import WorkerSettings
from bridge.rtp.g711 import decode, encode
from bridge.rtp.packet import RtpPacket

CALL: Final = m.CallId("call-1")
FRAME: Final = 160
HOST: Final = "127.0.0.1"

_TICKS: Final = 8
"Of the worker in what is one to a test: packets that it sends at once are treated, as they are within 40 ms."

Pcm = NDArray[np.int16]


class Phone:
    """One far end: sends what it is told, keeps what it hears."""

    def __init__(
        self,
        *,
        codec: str = "PCMU",
        telephone_event: int = 101,
        first_timestamp: int = 1000,
        host: str = HOST,
    ) -> None:
        """`telephone_event`: payload type; -1 where none is agreed on."""
        self.codec, self.telephone_event, self.host = codec, telephone_event, host
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_DGRAM)
        self.sock.bind((host, 0))
        self.sock.setblocking(False)
        self.sequence_number, self.timestamp, self.ssrc = 65_530, first_timestamp, 0xABCD
        self.heard: list[RtpPacket] = []
        self.to = 0
        "The bridge's port."

    @property
    def payload_type(self) -> int:
        """Static payload type of the codec (RFC 3551)."""
        return {"PCMU": 0, "PCMA": 8}[self.codec]

    def frame(self, pcm: Pcm, **changes: object) -> RtpPacket:
        """Return the next audio packet."""
        packet = self._next(self.payload_type, self.timestamp, encode(pcm, self.codec), changes)
        self.timestamp = (self.timestamp + len(pcm)) % 2**32
        return packet

    def event(self, payload: bytes, timestamp: int, **changes: object) -> RtpPacket:
        """Return the next telephone event packet."""
        return self._next(self.telephone_event, timestamp, payload, changes)

    def comfort_noise(self, level: int) -> RtpPacket:
        """Return a packet that begins a pause with noise of `level` -dBov (RFC 3389)."""
        return self._next(13, self.timestamp, bytes([level]), {})

    def send(self, packet: RtpPacket | bytes) -> None:
        """Send one packet to the bridge."""
        self.sock.sendto(bytes(packet), (self.host, self.to))

    def skip(self, packets: int = 1) -> None:
        """Lose packets on the way: sequence numbers and timestamps go on."""
        self.sequence_number = (self.sequence_number + packets) % 2**16
        self.timestamp = (self.timestamp + packets * FRAME) % 2**32

    def listen(self) -> list[RtpPacket]:
        """Take what has arrived."""
        new = []
        while True:
            try:
                new.append(RtpPacket.parse(self.sock.recv(2048)))
            except BlockingIOError:
                self.heard += new
                return new

    def sound(self) -> Pcm:
        """Return the audio heard so far, packets joined."""
        audio = [
            decode(packet.payload, self.codec)
            for packet in self.heard
            if packet.payload_type in (0, 8)
        ]
        return np.concatenate([np.zeros(0, np.int16), *audio])

    def _next(
        self, payload_type: int, timestamp: int, payload: bytes, changes: dict[str, object]
    ) -> RtpPacket:
        values: dict[str, object] = {
            "payload_type": payload_type,
            "sequence_number": self.sequence_number,
            "timestamp": timestamp,
            "ssrc": self.ssrc,
            "payload": payload,
        }
        self.sequence_number = (self.sequence_number + 1) % 2**16
        return RtpPacket(**(values | changes))  # type: ignore[arg-type]  # any field may be bent by a test


@dataclass
class Rig:
    """One worker with one call between two phones."""

    caller: Phone = field(default_factory=Phone)
    agent: Phone = field(default_factory=Phone)
    settings: WorkerSettings = WorkerSettings(host=HOST, first_port=0, last_port=0, calls=4)

    def __post_init__(self) -> None:
        self.reports: list[m.Report] = []
        self.calls = WorkerCalls(self.settings, self.reports.append)
        self.calls.path.now = 1000.0
        self.calls.handle(m.OpenCall(call=CALL))
        (opened,) = self.reports
        assert isinstance(opened, m.CallOpened)
        self.caller.to, self.agent.to = opened.caller_port, opened.agent_port
        self.describe(m.Leg.CALLER, self.caller)
        self.describe(m.Leg.AGENT, self.agent)

    def describe(
        self,
        leg: m.Leg,
        phone: Phone,
        *,
        send: bool = True,
        receive: bool = True,
        rtcp_port: int = 0,
        rtcp_mux: bool = False,
    ) -> None:
        """Tell the worker about a phone; RTCP only where it has a port."""
        self.calls.handle(
            m.SetLeg(
                call=CALL,
                leg=leg,
                host=phone.host,
                port=phone.sock.getsockname()[1],
                codec=phone.codec,
                payload_type=phone.payload_type,
                telephone_event=phone.telephone_event,
                telephone_event_in=101 if phone.telephone_event >= 0 else -1,
                send=send,
                receive=receive,
                rtcp_host=phone.host,
                rtcp_port=rtcp_port,
                rtcp_mux=rtcp_mux,
            )
        )

    def secure(self, masking: LineMasking = PLAIN_MASKING, *, secure: bool = True) -> None:
        """Close or open the gate, or change how the call is masked."""
        self.calls.handle(m.SetSecure(call=CALL, secure=secure, **asdict(masking)))

    def tick(self, elapsed_s: float = 0.02) -> None:
        """Let time pass and the worker do its ticks, at once: what has come is taken, up to a packet a tick."""
        self.calls.path.now += elapsed_s
        for _ in range(_TICKS):
            self.calls.intake.drain()
        self.calls.tick(self.calls.path.now)

    def play(self, pcm: Pcm, phone: Phone | None = None) -> None:
        """Send `pcm` frame by frame from a phone (the caller), a tick each; both phones listen."""
        phone = phone or self.caller
        for frame in frames(pcm):
            phone.send(phone.frame(frame))
            self.tick()
            self.caller.listen()
            self.agent.listen()

    def presses(self) -> list[tuple[str, m.Transport]]:
        """Return the presses told so far."""
        return [
            (report.key.reveal(), report.transport)
            for report in self.reports
            if isinstance(report, m.KeyReported)
        ]

    def close(self) -> None:
        """Close everything."""
        self.calls.close()
        self.caller.sock.close()
        self.agent.sock.close()


def frames(pcm: Pcm) -> Iterator[Pcm]:
    """Yield whole frames of `pcm`."""
    for at in range(0, len(pcm) - FRAME + 1, FRAME):
        yield pcm[at : at + FRAME]


def murmur(n: int, seed: int = 1) -> Pcm:
    """Return quiet noise, so that no frame is mistaken for another."""
    return np.random.default_rng(seed).normal(0, 300, n).astype(np.int16)


def pressed(keys: str, on: int = 800, off: int = 800) -> Pcm:
    """Return `keys` as tones of `on` samples between pauses of `off` samples, in quiet noise."""
    from dtmf.tones import tone

    parts = [murmur(off)]
    for index, key in enumerate(keys):
        parts += [tone(key, on), murmur(off, seed=index)]
    return np.concatenate(parts)
