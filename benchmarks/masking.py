"""Rows about masking, as data: how keys are pressed and carried, and what the agent's leg may give away of them."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import numpy as np
from numpy.random import Generator

from benchmarks import lines
from benchmarks.attacker import attack, spans
from benchmarks.phones import Keys, Network, stubs, traffic
from benchmarks.reading import edits
from benchmarks.receivers import MULTIMON, SPANDSP, Line, Receiver
from benchmarks.rows import Case, Figure, Limit, Row, count, share
from benchmarks.secure_calls import AgentSide, SecureCalls, Traffic
from benchmarks.signals import (
    DIGITS,
    FRAME,
    Keyed,
    Keying,
    Pcm,
    Press,
    coded,
    samples_of_ms,
)
from bridge.media.line_masking import PLAIN_MASKING, LineMasking
from bridge.media.masking import EVENT_HOLD_FRAMES
from bridge.rtp.g711 import LAW_OF_CODEC

ATTACKER: Final = "attacker"
COUNTED: Final = "keys told"
"How many of the keys the gateway was told, once each and in order: a gate that masks all could not do that."

PRESSES_A_CALL: Final = 60

_LEAST_PRESSES: Final = 3000
_TAIL_MS: Final = 300

_CHANCE: Final = Limit(at_most=0.115, least_base=_LEAST_PRESSES, text="≤ 11.5 %")
_LOUD_VOICE: Final = Limit(at_most=0.13, least_base=_LEAST_PRESSES, text="≤ 13 %")
_READS: Final = Limit(at_least=0.85, text="≥ 85 %")
_NOTHING: Final = Limit(at_most=0, text="0")


def _digits(rng: Generator) -> str:
    return "".join(rng.choice(list(DIGITS), PRESSES_A_CALL))


def _keying(
    *,
    dbm0: float = -8.0,
    twist_db: float = 0.0,
    on_ms: tuple[float, float] = (45, 180),
    off_ms: tuple[float, float] = (120, 400),
    random_error: float = 0.0,
) -> Keying:
    return Keying(
        keys=_digits,
        on_ms=on_ms,
        off_ms=off_ms,
        lead_ms=(100, 300),
        low_dbm0=dbm0 - twist_db / 2,
        high_dbm0=dbm0 + twist_db / 2,
        random_error=random_error,
    )


_CLEAN: Final = _keying()


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """How keys are pressed, what is heard with them, and how packets carry both."""

    name: str
    keying: Keying = _CLEAN
    way: lines.Way = lines.nothing
    codec: str = "PCMU"
    keys: Keys = Keys.IN_BAND
    network: Network = field(default_factory=Network)
    stub_ms: tuple[float, float] = (10, 40)
    "Of tone before an event, with EVENTS_AND_STUB."
    masking: LineMasking | None = PLAIN_MASKING
    "None: the call is not secure."
    limit: Limit = _CHANCE
    detectors: Limit | None = _NOTHING
    """None under a voice louder than the tones: a key that a detector reads there is one that the attacker guesses, and
    it is the attacker's share that has a limit; how many it reads is told."""

    @property
    def events(self) -> bool:
        """Whether the phone agreed on telephone events; those that send none did not, which leaves least delay."""
        return self.keys in (Keys.BOTH, Keys.EVENTS_AND_STUB)

    @property
    def delay(self) -> int:
        """Samples from a sound at the caller's to the same sound at the agent's."""
        held = 0 if self.masking is None else self.masking.hold_frames
        held = max(held, EVENT_HOLD_FRAMES) if self.events else held
        return samples_of_ms(self.network.packet_ms) + held * FRAME

    def case(self, listeners: Sequence[Receiver], n: int, seed: int) -> Case:
        """Return how the row is asked with at least `n` presses."""
        limits = {ATTACKER: self.limit}
        if self.masking and self.detectors:
            limits |= dict.fromkeys((SPANDSP, MULTIMON), self.detectors)
        row = Row(group="mask" if self.masking else "open", name=self.name, limits=limits)
        return Case(row=row, ask=partial(self._ask, listeners, n, seed))

    def _ask(self, listeners: Sequence[Receiver], n: int, seed: int) -> Mapping[str, Figure]:
        rng = np.random.default_rng([seed, zlib.crc32(self.name.encode())])
        played = [self.keying.play(rng) for _ in range(-(-n // PRESSES_A_CALL))]
        sides = self._carry(played, rng)
        heard = [side.audio for side in sides]
        presses = [keyed.presses for keyed in played]
        figures = {ATTACKER: attack(heard, presses, self.delay, rng)}
        for listener in listeners:
            figures[listener.name] = read_presses(listener, heard, presses, self.delay)
        if self.masking:
            wrong = sum(
                edits(keyed.keys, side.keys) for keyed, side in zip(played, sides, strict=True)
            )
            total = sum(len(keyed.presses) for keyed in played)
            figures[COUNTED] = share(max(0, total - wrong), total)
        return figures

    def _carry(self, played: Sequence[Keyed], rng: Generator) -> list[AgentSide]:
        """Take what was keyed through secure calls."""
        sent = [self._sent(keyed, rng) for keyed in played]
        longest = max(len(keyed.signal) for keyed in played) + samples_of_ms(_TAIL_MS)
        with SecureCalls(
            len(played), self.codec, masking=self.masking, events=self.events
        ) as calls:
            return calls.run(sent, longest)

    def _sent(self, keyed: Keyed, rng: Generator) -> Traffic:
        told = list(keyed.presses)
        if self.keys is Keys.EVENTS_AND_STUB:
            signal, told = stubs(keyed, rng, self.stub_ms)
            keyed = Keyed(signal=signal, presses=told)
        signal = np.concatenate([self.way(keyed, rng), np.zeros(samples_of_ms(_TAIL_MS))])
        pcm: Pcm = coded(signal, LAW_OF_CODEC[self.codec])
        return traffic(pcm, told, codec=self.codec, keys=self.keys, network=self.network, rng=rng)


def read_presses(
    listener: Receiver, calls: Sequence[Pcm], presses: Sequence[Sequence[Press]], delay: int
) -> Figure:
    """Return how many presses a listener reads in `calls`, which come `delay` samples after the presses.

    A key that it makes of speech, where none or another was pressed, is told, but is no leak.
    """
    told = listener.read([Line(pcm=audio) for audio in calls])
    right = 0
    for audio, known, keys in zip(calls, presses, told, strict=True):
        if keys == "".join(press.key for press in known):
            right += len(keys)
        elif keys:
            around = [Line(pcm=audio[a + delay : b + delay]) for a, b in spans(known, len(audio))]
            read = listener.read(around)
            right += sum(press.key in one for press, one in zip(known, read, strict=True))
    total = sum(map(len, presses))
    figure, others = count(right, total, "presses"), sum(map(len, told)) - right
    text = f"{figure.text}, {others} more" if others else figure.text
    return Figure(value=figure.value, text=text, base=figure.base)


OPEN: Final = Condition(name="clean -8 dBm0, not secure", masking=None, limit=_READS)

_TWO_HELD: Final = LineMasking(hold_frames=2)
_MUTED: Final = LineMasking(muted=True)

CONDITIONS: Final[Sequence[Condition]] = (
    OPEN,
    Condition(name="clean -8 dBm0"),
    Condition(name="-25 dBm0", keying=_keying(dbm0=-25)),
    Condition(name="-30 dBm0", keying=_keying(dbm0=-30)),
    Condition(name="twist +8 dB", keying=_keying(twist_db=8)),
    Condition(name="twist -8 dB", keying=_keying(twist_db=-8)),
    Condition(name="frequency ±1.8 %", keying=_keying(random_error=0.018)),
    Condition(name="40 ms, 40 ms apart", keying=_keying(on_ms=(40, 40), off_ms=(40, 40))),
    Condition(name="white noise, SNR 6 dB", way=lines.noise(-14)),
    Condition(name="recorded speech 6 dB under", way=lines.recorded_speech(-14)),
    Condition(name="made speech 6 dB under", way=lines.made_speech(-14)),
    Condition(name="A-law", codec="PCMA"),
    Condition(name="1 % of packets lost", network=Network(lost=0.01)),
    Condition(name="5 % of packets after the next", network=Network(swapped=0.05)),
    Condition(name="5 % of packets 40 ms late", network=Network(late=0.05)),
    *(
        Condition(name=f"packets of {packet_ms} ms", network=Network(packet_ms=packet_ms))
        for packet_ms in (10, 20, 30, 40, 60)
    ),
    *(
        Condition(name=str(keys), keys=keys)
        for keys in (Keys.BOTH, Keys.EVENTS_AND_STUB, Keys.INFO_AND_IN_BAND)
    ),
    Condition(
        name="RFC 4733, with 10 to 16 ms of the tone before it, noise at -26 dBm0",
        keys=Keys.EVENTS_AND_STUB,
        stub_ms=(10, 16),
        way=lines.noise(-26),
    ),
    *(
        Condition(
            name=f"{voice} 3 dB over{how}",
            way=way(-5),
            masking=masking,
            limit=limit,
            detectors=detectors,
        )
        for masking, how, limit, detectors in (
            (PLAIN_MASKING, "", _LOUD_VOICE, None),
            (_TWO_HELD, ", hold_frames = 2", _CHANCE, None),
            (_MUTED, ", caller muted while keying", _CHANCE, _NOTHING),
        )
        for voice, way in (
            ("recorded speech", lines.recorded_speech),
            ("made speech", lines.made_speech),
        )
    ),
)
