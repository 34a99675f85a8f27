"""What the gate lets out is worth nothing to an attacker who knows when each key was pressed."""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.random import Generator

from dtmf.frames import FRAME_SAMPLES, Bools, Pcm
from tests.dtmf.attacker import DIGITS, KnownPress, share_right
from tests.dtmf.drive import mask
from tests.dtmf.signals import Signal, pair, silence, ulaw, voice, white_noise
from tests.support import spandsp

_CALLS, _PRESSES = 15, 20

_CHANCE_LIMIT = 0.16
"Of 300 guesses at one in ten, about one run in a thousand gets 16 % by chance."


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """How the keys of a test are pressed and what they are heard through."""

    level_dbm0: float = -8.0
    twist_db: float = 0.0
    error: float = 0.0
    noise_snr_db: float | None = None
    voice_below_db: float | None = None
    on_ms: tuple[float, float] = (45, 180)
    off_ms: tuple[float, float] = (120, 400)
    loss: float = 0.0


_CONDITIONS = {
    "clean": Condition(),
    "-25 dBm0": Condition(level_dbm0=-25),
    "-30 dBm0": Condition(level_dbm0=-30),
    "twist +8 dB": Condition(twist_db=8),
    "twist -8 dB": Condition(twist_db=-8),
    "1.8 % off": Condition(error=0.018),
    "40 ms every 80 ms": Condition(on_ms=(40, 40), off_ms=(40, 40)),
    "noise 6 dB below": Condition(noise_snr_db=6),
    "voice 6 dB below": Condition(voice_below_db=6),
    "1 % lost": Condition(loss=0.01),
    "5 % lost, noise 6 dB below": Condition(loss=0.05, noise_snr_db=6),
}

_ONLY_WITH_TWO_HELD = {"voice 3 dB above": Condition(voice_below_db=-3)}


def _call(condition: Condition, rng: Generator) -> tuple[Pcm, list[KnownPress]]:
    parts: list[Signal] = [silence(rng.uniform(100, 200))]
    place = len(parts[0])
    presses = []
    for digit in rng.choice(list(DIGITS), _PRESSES):
        tones = pair(
            str(digit),
            rng.uniform(*condition.on_ms),
            rng,
            low_dbm0=condition.level_dbm0 - condition.twist_db / 2,
            high_dbm0=condition.level_dbm0 + condition.twist_db / 2,
            low_error=rng.uniform(-condition.error, condition.error),
            high_error=rng.uniform(-condition.error, condition.error),
        )
        pause = silence(rng.uniform(*condition.off_ms))
        presses.append(KnownPress(digit=str(digit), start=place, end=place + len(tones)))
        parts += [tones, pause]
        place += len(tones) + len(pause)
    call = np.concatenate([*parts, silence(200)])
    if condition.noise_snr_db is not None:
        call += white_noise(len(call), condition.level_dbm0 - condition.noise_snr_db, rng)
    if condition.voice_below_db is not None:
        call += voice(len(call), condition.level_dbm0 - condition.voice_below_db, rng)
    return ulaw(call), presses


def _calls(condition: Condition) -> tuple[list[Pcm], list[list[KnownPress]], Bools]:
    rng = np.random.default_rng(2026)
    made = [_call(condition, rng) for _ in range(_CALLS)]
    frames = max(len(call) for call, _ in made) // FRAME_SAMPLES
    lost = rng.random((_CALLS, frames)) < condition.loss
    return [call for call, _ in made], [presses for _, presses in made], lost


def test_the_attacker_reads_what_is_not_masked() -> None:
    calls, presses, _ = _calls(_CONDITIONS["noise 6 dB below"])
    longest = max(len(call) for call in calls)
    audio = np.stack([np.pad(call, (0, longest - len(call))) for call in calls])
    assert share_right(audio, presses, 0, np.random.default_rng(1)) > 0.8


@pytest.mark.parametrize(
    ("name", "hold"), [*((name, 1) for name in _CONDITIONS), ("voice 3 dB above", 2)]
)
def test_the_attacker_is_left_to_chance(name: str, hold: int) -> None:
    calls, presses, lost = _calls((_CONDITIONS | _ONLY_WITH_TWO_HELD)[name])
    audio, masked = mask(calls, lost, hold=hold)
    added = hold * FRAME_SAMPLES
    assert share_right(audio, presses, added, np.random.default_rng(1)) < _CHANCE_LIMIT
    assert masked.mean() < 0.95, "a gate that is always shut proves nothing"


@pytest.mark.peer("libspandsp2")
@pytest.mark.parametrize("name", ["clean", "-25 dBm0", "voice 6 dB below", "1 % lost"])
def test_spandsp_reads_nothing_from_the_gate(name: str) -> None:
    calls, presses, lost = _calls(_CONDITIONS[name])
    audio, _ = mask(calls, lost)
    assert "".join(spandsp.read_digits(call) for call in audio) == ""
    if name == "clean":
        read = [spandsp.read_digits(call) for call in calls]
        assert read == ["".join(press.digit for press in known) for known in presses]
