"""The E-model of ITU-T G.107 (06/2015) for G.711 over IP: how people would judge what a network does to speech.

Rules of this file: what cannot be known of a telephone (loudness, noise in the room, echo) has the default of G.107
table 2, for which its noise and simultaneous impairments come to the constants below. What remains are packet loss,
its burstiness and delay: R = Ro - Is - Id - Ie,eff (equation 7-1; the advantage factor A is 0).
"""

import math
from typing import Final

RO: Final = 94.769
"Basic signal-to-noise ratio with all defaults (equation 7-2)."

IS: Final = 1.414
"Simultaneous impairment with all defaults (equation 7-8); Ro - Is, less what is heard at no delay, is R = 93.2."

TELR_DB: Final = 65.0
"Talker echo loudness rating, default: echo is cancelled."

WEPL_DB: Final = 110.0
"Weighted echo path loss, default."

NOTICED_MS: Final = 100.0
"Delay that people notice in a conversation, default of mT."

IE: Final = 0.0
BPL_WITH_CONCEALMENT: Final = 25.1
"""G.711 with concealment as of its appendix I (ITU-T G.113 appendix I): its impairment without loss, and its
robustness against loss. Every telephone of today conceals; without it is 4.3."""

BPL_WITHOUT_CONCEALMENT: Final = 4.3

MAX_BURST_RATIO: Final = 8.0
"Above it G.107 makes no statement."


def rating(*, loss: float, burst_ratio: float = 1.0, delay_ms: float = 0.0) -> float:
    """Return the transmission rating R of one direction, 0 (unusable) to 93.2.

    `loss` 0 to 1; `burst_ratio`: mean length of losses over that of random loss, 1 where it is random; `delay_ms`:
    from mouth to ear.
    """
    impaired = delay_impairment(delay_ms) + equipment_impairment(loss, burst_ratio)
    return max(0.0, RO - IS - impaired)


def mos_of(r: float) -> float:
    """Return the mean opinion score, 1 (bad) to 4.5, of a rating (annex B)."""
    if r <= 0:
        return 1.0
    if r >= 100:
        return 4.5
    # The polynomial is below 1 for ratings under 6.5, where nobody could tell the difference.
    return max(1.0, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6)


def equipment_impairment(
    loss: float, burst_ratio: float = 1.0, *, bpl: float = BPL_WITH_CONCEALMENT
) -> float:
    """Return Ie,eff of equation 7-29: what lost packets cost."""
    percent = 100 * loss
    return IE + (95 - IE) * percent / (percent / min(burst_ratio, MAX_BURST_RATIO) + bpl)


def delay_impairment(delay_ms: float) -> float:
    """Return Id = Idte + Idle + Idd (section 7.4): talker echo, listener echo, and delay as such."""
    return _talker_echo(delay_ms) + _listener_echo(2 * delay_ms) + _delay_alone(delay_ms)


def _talker_echo(t_ms: float) -> float:
    fade_db = 40 * math.log10((1 + t_ms / 10) / (1 + t_ms / 150))
    terv = TELR_DB - fade_db + 6 * math.exp(-0.3 * t_ms**2)
    half = (RO - (80 + 2.5 * (terv - 14))) / 2
    # The formula falls below 0 at 1 or 2 ms, where no delay helps anybody.
    return max(0.0, (half + math.sqrt(half**2 + 100) - 1) * (1 - math.exp(-t_ms)))


def _listener_echo(round_trip_ms: float) -> float:
    half = (RO - 10.5 * (WEPL_DB + 7) / math.sqrt(math.sqrt(round_trip_ms + 1))) / 2
    return half + math.sqrt(half**2 + 169)


def _delay_alone(t_ms: float) -> float:
    if t_ms <= NOTICED_MS:
        return 0.0
    x = math.log2(t_ms / NOTICED_MS)
    return 25 * (math.pow(1 + x**6, 1 / 6) - 3 * math.pow(1 + (x / 3) ** 6, 1 / 6) + 2)
