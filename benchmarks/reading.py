"""Rows about reading keys: ITU-T Q.24, noise, impairments, loss and counting, each as data.

A row plays `n` entries of its own seed, the same for every receiver, and counts by its score.
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.random import Generator

from benchmarks import lines
from benchmarks.receivers import Line, Receiver
from benchmarks.rows import OURS, Case, Figure, Limit, Row, share
from benchmarks.signals import (
    FRAME,
    Bools,
    Keyed,
    Keying,
    coded,
    sixteen_digits,
)
from bridge.rtp.g711 import A_LAW, MU_LAW


class Score(StrEnum):
    """How an entry counts."""

    EXACT = "entries exact"
    NOTHING_READ = "keys rejected"
    DIGITS = "digits right"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """Frames that never arrive."""

    share: float = 0.0
    "Of all frames, each on its own."

    in_each_press: int = 0
    "Frames in a row lost from the middle of each press."

    def of(self, keyed: Keyed, rng: Generator) -> Bools:
        """Return which frames are lost."""
        lost = rng.random(len(keyed.signal) // FRAME) < self.share
        if self.in_each_press:
            for press in keyed.presses:
                first = (press.start + press.end) // (2 * FRAME) - self.in_each_press // 2
                lost[first : first + self.in_each_press] = True
        return np.asarray(lost, np.bool_)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingRow:
    """One way of keying over one line, and what must come of it."""

    group: str
    name: str
    keying: Keying
    limit: Limit
    way: lines.Way = lines.nothing
    laws: tuple[int, ...] = (MU_LAW,)
    loss: Loss = field(default_factory=Loss)
    score: Score = Score.EXACT

    def case(self, receivers: Sequence[Receiver], n: int, seed: int) -> Case:
        """Return how the row is asked of `receivers` with `n` entries."""
        row = Row(group=self.group, name=self.name, limits={OURS: self.limit})
        return Case(row=row, ask=lambda: self._ask(receivers, n, seed))

    def entries(self, n: int, seed: int) -> tuple[list[str], list[Line]]:
        """Return `n` entries: their keys and what arrives of them."""
        rng = np.random.default_rng([seed, zlib.crc32(f"{self.group} {self.name}".encode())])
        made = [self._entry(rng) for _ in range(n)]
        return [keys for keys, _ in made], [line for _, line in made]

    def _entry(self, rng: Generator) -> tuple[str, Line]:
        keyed = self.keying.play(rng)
        pcm = coded(self.way(keyed, rng), *self.laws)
        if self.loss == Loss():
            return keyed.keys, Line(pcm=pcm)
        lost = self.loss.of(keyed, rng)
        whole = pcm[: len(lost) * FRAME].reshape(-1, FRAME)
        whole[lost] = 0
        return keyed.keys, Line(pcm=pcm, lost=lost)

    def _ask(self, receivers: Sequence[Receiver], n: int, seed: int) -> Mapping[str, Figure]:
        keys, calls = self.entries(n, seed)
        return {
            receiver.name: scored(self.score, keys, receiver.read(calls)) for receiver in receivers
        }


def scored(score: Score, keys: Sequence[str], read: Sequence[str]) -> Figure:
    """Return the share of entries, or of keys, that came out as they should."""
    total = sum(map(len, keys))
    match score:
        case Score.EXACT:
            exact = sum(a == b for a, b in zip(keys, read, strict=True))
            figure = share(exact, len(keys))
            wrong = sum(edits(a, b) for a, b in zip(keys, read, strict=True))
            digits = 100 * max(0.0, 1 - wrong / total)
            text = f"{figure.text} ({digits:.2f} % of keys)" if exact < len(keys) else figure.text
            return Figure(value=figure.value, text=text, base=figure.base)
        case Score.NOTHING_READ:
            return share(total - min(total, sum(map(len, read))), total)
        case Score.DIGITS:
            wrong = sum(edits(a, b) for a, b in zip(keys, read, strict=True))
            return share(max(0, total - wrong), total)


def edits(a: str, b: str) -> int:
    """Return the fewest insertions, deletions and changes that make `b` of `a`."""
    row = list(range(len(b) + 1))
    for x in a:
        diagonal, row[0] = row[0], row[0] + 1
        for j, y in enumerate(b, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (x != y))
    return row[-1]


_ALL: Final = Limit(at_least=1.0, text="100 %")
_PEER: Final = Limit(at_least=0.99, as_good_as_peers=True, text="≥ 99 % and no peer better")
_PEER_90: Final = Limit(at_least=0.90, as_good_as_peers=True, text="≥ 90 % and no peer better")
_DIGITS_99: Final = Limit(at_least=0.99, text="≥ 99 %")

_FREE: Final = Keying(keys=sixteen_digits, on_ms=(55, 180), off_ms=(60, 350))
"Somebody who keys a card number."

_OPERATE: Final[Mapping[str, tuple[Keying, lines.Way]]] = {
    "frequency -1.5 % both": (Keying(low_error=-0.015, high_error=-0.015), lines.nothing),
    "frequency -1.5 % low, +1.5 % high": (
        Keying(low_error=-0.015, high_error=0.015),
        lines.nothing,
    ),
    "frequency +1.5 % both": (Keying(low_error=0.015, high_error=0.015), lines.nothing),
    "frequency +1.5 % low, -1.5 % high": (
        Keying(low_error=0.015, high_error=-0.015),
        lines.nothing,
    ),
    "level 0 dBm0": (Keying(low_dbm0=0, high_dbm0=0), lines.nothing),
    "level -25 dBm0": (Keying(low_dbm0=-25, high_dbm0=-25), lines.nothing),
    "twist +4 dB": (Keying(low_dbm0=-12, high_dbm0=-8), lines.nothing),
    "twist -8 dB": (Keying(low_dbm0=-6, high_dbm0=-14), lines.nothing),
    "40 ms on, 40 ms off": (Keying(on_ms=(40, 40), off_ms=(40, 40)), lines.nothing),
    "93 ms a digit": (Keying(off_ms=(43, 43)), lines.nothing),
    "10 ms interruption": (Keying(on_ms=(120, 120), off_ms=(60, 60)), lines.interruption),
    "echo of up to 20 ms, -10 dB": (Keying(), lines.echo),
    "dial tone at -22 dBm0": (
        Keying(on_ms=(60, 60), off_ms=(60, 60), low_dbm0=-12, high_dbm0=-12),
        lines.dial_tone,
    ),
}

_REJECT: Final[Mapping[str, Keying]] = {
    "frequency -3.5 % low": Keying(low_error=-0.035),
    "frequency -3.5 % high": Keying(high_error=-0.035),
    "frequency +3.5 % low": Keying(low_error=0.035),
    "frequency +3.5 % high": Keying(high_error=0.035),
    "level -55 dBm0": Keying(low_dbm0=-55, high_dbm0=-55),
    "23 ms": Keying(on_ms=(23, 23), off_ms=(60, 60)),
    "low tone only": Keying(high_dbm0=-60),
    "high tone only": Keying(low_dbm0=-60),
}

TONE_MS: Final = (40, 50, 70, 100)
SNR_DB: Final = (0, 3, 6, 9, 12, 15, 20)


def noise_name(tone_ms: float, snr_db: float) -> str:
    """Return a noise row's name; the picture looks its figures up by it."""
    return f"{tone_ms:g} ms, SNR {snr_db:g} dB"


def _noise_row(tone_ms: float, snr_db: float) -> ReadingRow:
    limit = _ALL if snr_db >= 3 else Limit(at_least=0.95, text="≥ 95 %")
    return ReadingRow(
        group="white noise",
        name=noise_name(tone_ms, snr_db),
        keying=Keying(
            keys=sixteen_digits,
            on_ms=(tone_ms, tone_ms),
            off_ms=(tone_ms, tone_ms),
            low_dbm0=-13,
            high_dbm0=-13,
        ),
        way=lines.noise(-13 - snr_db),
        limit=limit,
    )


_SLOW: Final = Keying(keys=sixteen_digits, on_ms=(80, 180), off_ms=(80, 300))

_IMPAIRED: Final = (
    ReadingRow(group="line", name="GSM 06.10", keying=_SLOW, way=lines.gsm, limit=_PEER),
    ReadingRow(
        group="line",
        name="clipped 6 dB over full scale",
        keying=Keying(
            keys=sixteen_digits, on_ms=(55, 180), off_ms=(60, 350), low_dbm0=2, high_dbm0=2
        ),
        way=lines.clipping,
        limit=_PEER,
    ),
    ReadingRow(
        group="line",
        name="50 Hz hum and DC",
        keying=Keying(
            keys=sixteen_digits, on_ms=(55, 180), off_ms=(60, 350), low_dbm0=-18, high_dbm0=-18
        ),
        way=lines.hum,
        limit=_PEER,
    ),
    ReadingRow(group="line", name="A-law", keying=_FREE, laws=(A_LAW,), limit=_PEER),
    ReadingRow(group="line", name="mu-law", keying=_FREE, laws=(MU_LAW,), limit=_PEER),
    ReadingRow(
        group="line",
        name="mu-law to A-law to mu-law",
        keying=_FREE,
        laws=(MU_LAW, A_LAW, MU_LAW),
        limit=_PEER,
    ),
    ReadingRow(
        group="speech", name="12 dB under", keying=_FREE, way=lines.speech(-22), limit=_PEER
    ),
    ReadingRow(
        group="speech", name="6 dB under", keying=_FREE, way=lines.speech(-16), limit=_PEER_90
    ),
    ReadingRow(
        group="loss",
        name="1 % of packets",
        keying=_SLOW,
        loss=Loss(share=0.01),
        score=Score.DIGITS,
        limit=_DIGITS_99,
    ),
    ReadingRow(
        group="loss",
        name="3 % of packets",
        keying=_SLOW,
        loss=Loss(share=0.03),
        score=Score.DIGITS,
        limit=_DIGITS_99,
    ),
    ReadingRow(
        group="loss",
        name="the middle of each press",
        keying=Keying(keys=sixteen_digits, on_ms=(140, 180), off_ms=(80, 300)),
        loss=Loss(in_each_press=1),
        limit=_ALL,
    ),
    ReadingRow(
        group="counting",
        name="a key held for 2 s",
        keying=Keying(keys=lambda rng: sixteen_digits(rng)[:1], on_ms=(2000, 2000)),
        limit=_ALL,
    ),
    ReadingRow(
        group="counting",
        name="the same key 20 times at 50/50 ms",
        keying=Keying(keys=lambda rng: 20 * sixteen_digits(rng)[0]),
        limit=_ALL,
    ),
    ReadingRow(
        group="counting",
        name="16 digits at 93 ms a digit",
        keying=Keying(keys=sixteen_digits, off_ms=(43, 43)),
        limit=_ALL,
    ),
)

ROWS: Final[Sequence[ReadingRow]] = (
    *(
        ReadingRow(group="Q.24 operate", name=name, keying=keying, way=way, limit=_ALL)
        for name, (keying, way) in _OPERATE.items()
    ),
    *(
        ReadingRow(
            group="Q.24 reject", name=name, keying=keying, score=Score.NOTHING_READ, limit=_ALL
        )
        for name, keying in _REJECT.items()
    ),
    *(_noise_row(tone_ms, snr_db) for tone_ms in TONE_MS for snr_db in SNR_DB),
    *_IMPAIRED,
)
