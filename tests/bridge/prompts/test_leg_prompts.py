"""Prompts in a call: who hears them, exactly what, and what becomes of everything else meanwhile."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bridge.media import messages as m
from bridge.media.beeper import Beeper
from bridge.prompts.prompter import prompt_frames
from bridge.recording.keys_in_wav import read_channels
from bridge.rtp.g711 import decode, encode
from bridge.rtp.telephone_event import TelephoneEvent
from dtmf import decode as read_digits
from dtmf.keys import HiddenKey
from dtmf.tones import tone
from tests.bridge.media.call_rig import CALL, FRAME, Pcm, Phone, Rig, murmur, pressed
from tests.support.wav import speech, write_wav

PROMPT = speech(0.5)[: 20 * FRAME - 50]
"Twenty frames, the last not whole."

CALLER, AGENT = m.Leg.CALLER, m.Leg.AGENT


@pytest.fixture
def rig() -> Iterator[Rig]:
    rig = Rig()
    yield rig
    rig.close()


def prompt(rig: Rig, leg: m.Leg, pcm: Pcm = PROMPT, number: int = 1) -> None:
    """Play samples to one side, from the next frame on."""
    rig.calls.path.fillers.prompter.play(0 if leg is CALLER else 1, number, prompt_frames(pcm))
    rig.calls.path.fill()


def prompt_file(rig: Rig, path: Path, leg: m.Leg = CALLER, number: int = 1) -> None:
    """Play a file to one side, as the gateway does."""
    rig.calls.handle(m.PlayPrompt(call=CALL, leg=leg, prompt=number, path=str(path)))


def until_ended(rig: Rig, number: int = 1) -> m.PromptEnded:
    """Let the worker tick, without sound from either side, until a prompt has ended."""
    for _ in range(1_000_000):  # a file is read by a thread: how many ticks that takes is not known
        rig.tick(0.005)
        rig.caller.listen()
        rig.agent.listen()
        for report in ended(rig):
            if report.prompt == number:
                return report
    raise AssertionError("the prompt has not ended")


def ended(rig: Rig) -> list[m.PromptEnded]:
    return [report for report in rig.reports if isinstance(report, m.PromptEnded)]


def coded(pcm: Pcm = PROMPT, codec: str = "PCMU") -> list[bytes]:
    """Return the payloads of a prompt."""
    return [encode(frame, codec) for frame in prompt_frames(pcm)]


def payloads(phone: Phone) -> list[bytes]:
    return [packet.payload for packet in phone.heard]


def both_talk(rig: Rig, frames: int, seed: int = 1) -> None:
    """Let both sides send so much murmur."""
    sound = murmur(frames * FRAME, seed)
    for at in range(0, len(sound), FRAME):
        for phone in (rig.caller, rig.agent):
            phone.send(phone.frame(sound[at : at + FRAME]))
        rig.tick()
        rig.caller.listen()
        rig.agent.listen()


def is_steady(phone: Phone) -> bool:
    """Return whether sequence numbers and timestamps of what was heard went on without gap or jump."""
    numbers = {
        ((b.sequence_number - a.sequence_number) % 2**16, (b.timestamp - a.timestamp) % 2**32)
        for a, b in zip(phone.heard, phone.heard[1:], strict=False)
    }
    return numbers == {(1, FRAME)}


class TestWhatIsHeard:
    @pytest.mark.parametrize("codec", ["PCMU", "PCMA"])
    @pytest.mark.parametrize("leg", m.Leg)
    def test_the_prompt_to_the_bit_in_the_place_of_the_other_side(
        self, codec: str, leg: m.Leg
    ) -> None:
        rig = Rig(Phone(codec=codec), Phone(codec=codec))
        both_talk(rig, 10)
        prompt(rig, leg)
        both_talk(rig, 40)
        listener, other = (rig.caller, rig.agent) if leg is CALLER else (rig.agent, rig.caller)
        talk = [encode(frame, codec) for frame in murmur(40 * FRAME).reshape(-1, FRAME)]
        assert payloads(listener) == talk[:10] + coded(codec=codec) + talk[20:]
        assert payloads(other) == talk[:10] + talk
        assert is_steady(listener)
        assert is_steady(other)
        assert ended(rig) == [m.PromptEnded(call=CALL, leg=leg, prompt=1, why=m.PromptEnd.FINISHED)]
        rig.close()

    @pytest.mark.parametrize("secure", [False, True])
    def test_a_side_whose_other_side_sends_nothing_hears_a_frame_every_20_ms(
        self, rig: Rig, secure: bool
    ) -> None:
        both_talk(rig, 10)
        if secure:
            rig.secure()
        prompt(rig, AGENT)
        times = []
        for tick in range(120):
            rig.tick(0.005)
            times += [tick] * len(rig.agent.listen())
        assert payloads(rig.agent)[10:] == coded()
        assert is_steady(rig.agent)
        assert set(np.diff(times).tolist()) == {4}

    def test_after_a_pause_the_stream_counts_it_and_marks_the_prompt(self, rig: Rig) -> None:
        both_talk(rig, 10)
        rig.tick(1.0)
        rig.caller.listen()
        rig.caller.heard = rig.caller.heard[-1:]
        prompt(rig, CALLER)
        for _ in range(120):
            rig.tick(0.005)
        rig.caller.listen()
        before, first, *rest = rig.caller.heard
        assert (first.timestamp - before.timestamp) % 2**32 == 8000
        assert (first.marker, any(packet.marker for packet in rest)) == (True, False)
        rig.caller.heard = [first, *rest]
        assert is_steady(rig.caller)

    def test_a_call_that_has_not_had_a_sound_can_be_prompted(self, rig: Rig) -> None:
        prompt(rig, CALLER)
        until_ended(rig)
        assert payloads(rig.caller) == coded()
        both_talk(rig, 5)
        assert is_steady(rig.caller)

    def test_on_hold_the_prompt_plays_unheard_to_its_end(self, rig: Rig) -> None:
        both_talk(rig, 10)
        rig.describe(CALLER, rig.caller, send=False)
        prompt(rig, CALLER)
        assert until_ended(rig).why is m.PromptEnd.FINISHED
        assert len(rig.caller.heard) == 10

    def test_noise_of_a_pause_is_not_heard_under_it(self, rig: Rig) -> None:
        both_talk(rig, 10)
        rig.agent.send(rig.agent.comfort_noise(30))
        rig.tick()
        rig.caller.listen()
        prompt(rig, CALLER)
        before = len(rig.caller.heard)
        for _ in range(120):
            rig.tick(0.005)
        rig.caller.listen()
        assert payloads(rig.caller)[before : before + 20] == coded()
        assert len(rig.caller.heard) > before + 20
        assert is_steady(rig.caller)

    def test_a_late_tick_delays_the_prompt_and_costs_none_of_it(self, rig: Rig) -> None:
        both_talk(rig, 10)
        prompt(rig, CALLER)
        both_talk(rig, 8)
        rig.calls.path.withholds = True
        both_talk(rig, 3)
        rig.calls.path.withholds = False
        both_talk(rig, 20)
        assert [sound for sound in payloads(rig.caller) if sound in coded()] == coded()

    def test_another_source_that_begins_meanwhile_is_no_jump(self, rig: Rig) -> None:
        both_talk(rig, 10)
        prompt(rig, CALLER)
        both_talk(rig, 5)
        for _ in range(7):  # nothing for 35 ms, then a clock of its own
            rig.tick(0.005)
        rig.agent.ssrc, rig.agent.timestamp, rig.agent.sequence_number = 99, 5, 7
        both_talk(rig, 30)
        assert payloads(rig.caller)[10:30] == coded()
        assert is_steady(rig.caller)

    def test_a_talkspurt_that_begins_meanwhile_is_no_jump(self, rig: Rig) -> None:
        """Its timestamps have counted the pause, a little otherwise than our clock has."""
        both_talk(rig, 10)
        prompt(rig, CALLER)
        for _ in range(40):
            rig.tick(0.005)
        rig.agent.timestamp += 10 * FRAME + 37
        both_talk(rig, 30)
        assert payloads(rig.caller)[10:30] == coded()
        assert is_steady(rig.caller)

    def test_telephone_events_are_signals_and_pass(self, rig: Rig) -> None:
        both_talk(rig, 10)
        prompt(rig, CALLER)
        event = TelephoneEvent(event=5, end=False, volume=10, duration_samples=FRAME)
        rig.agent.send(rig.agent.event(bytes(event), rig.agent.timestamp, marker=True))
        until_ended(rig)
        assert [p.payload for p in rig.caller.heard if p.payload_type == 101] == [bytes(event)]
        assert [p.payload for p in rig.caller.heard[10:] if p.payload_type == 0] == coded()

    def test_the_recording_has_it_where_the_other_side_would_be(
        self, rig: Rig, tmp_path: Path
    ) -> None:
        rig.calls.handle(m.StartRecording(call=CALL, path=str(tmp_path / "call.wav")))
        both_talk(rig, 10)
        prompt(rig, CALLER)
        both_talk(rig, 60)
        rig.calls.handle(m.CloseCall(call=CALL))
        rig.calls.flush_recordings(rig.calls.path.now)
        rig.calls.close()
        caller, agent = read_channels(tmp_path / "call.wav")
        sound = prompt_frames(PROMPT).reshape(-1)
        at = int(np.argmax(np.correlate(agent.astype(float), sound.astype(float), "valid")))
        assert (agent[at : at + len(sound)] == sound).all()
        assert not np.correlate(caller.astype(float), sound.astype(float), "valid").max() > 1e9


class TestSecure:
    def test_keys_are_read_and_masked_while_either_side_hears_a_prompt(self, rig: Rig) -> None:
        both_talk(rig, 10)
        rig.secure()
        sound = pressed("4111")
        for number, leg in enumerate(m.Leg):
            prompt(rig, leg, speech(len(sound) / 8000 + 0.2), number)
        rig.play(sound)
        assert [key for key, _ in rig.presses()] == list("4111")
        prompted = coded(speech(len(sound) / 8000 + 0.2))
        heard = payloads(rig.agent)
        first = heard.index(prompted[0])
        assert heard[first:] == prompted[: len(heard) - first]
        assert read_digits(rig.caller.sound()) == []

    def test_nothing_opens_by_it(self, rig: Rig) -> None:
        rig.secure()
        rig.play(murmur(10 * FRAME))
        prompt(rig, AGENT)
        rig.play(tone("5", 30 * FRAME))
        assert rig.calls.path.lines.secure[0]
        assert read_digits(rig.agent.sound()) == []
        assert rig.calls.path.lines.totals(0).frames_passed < 10

    def test_beeps_wait_for_its_end(self, rig: Rig) -> None:
        rig.secure()
        rig.play(murmur(10 * FRAME))
        prompt(rig, AGENT)
        rig.play(np.concatenate([pressed("12"), murmur(40 * FRAME)]))
        heard = payloads(rig.agent)
        after = heard[heard.index(coded()[-1]) + 1 :]
        assert [sound for sound in heard if sound in coded()] == coded()
        assert loud_runs(after) == [3, 3]

    def test_it_waits_for_the_end_of_a_beep(self, rig: Rig) -> None:
        rig.secure()
        rig.play(murmur(10 * FRAME))
        rig.calls.handle(m.InfoKey(call=CALL, key=HiddenKey("1"), duration_ms=160))
        rig.play(murmur(FRAME))
        prompt(rig, AGENT)
        rig.play(murmur(30 * FRAME))
        heard = payloads(rig.agent)
        assert loud_runs(heard[: heard.index(coded()[0])]) == [3]
        assert heard.count(coded()[10]) == 1

    def test_the_gate_opens_under_it_and_the_beeps_that_wait_are_forgotten(self, rig: Rig) -> None:
        rig.secure()
        rig.play(murmur(10 * FRAME))
        prompt(rig, AGENT, speech(3.0))
        rig.play(pressed("12"))
        rig.secure(secure=False)
        rig.play(murmur(10 * FRAME))
        assert rig.reports[-1] == m.SecureChanged(call=CALL, secure=False)
        rig.play(murmur(200 * FRAME))
        heard = payloads(rig.agent)
        assert [sound for sound in heard if sound in coded(speech(3.0))] == coded(speech(3.0))
        assert loud_runs(heard[-20:]) == []

    def test_what_it_covered_is_not_evidence_of_what_passed(self, rig: Rig) -> None:
        rig.secure()
        rig.play(murmur(10 * FRAME))
        before = rig.calls.path.lines.totals(0).frames_passed
        prompt(rig, AGENT)
        rig.tick()
        rig.play(murmur(10 * FRAME))
        totals = rig.calls.path.lines.totals(0)
        assert totals.frames_passed == before
        assert totals.frames_muted == 10


class TestFiles:
    def test_a_file_is_played(self, rig: Rig, tmp_path: Path) -> None:
        prompt_file(rig, write_wav(tmp_path / "a.wav", PROMPT))
        assert until_ended(rig).why is m.PromptEnd.FINISHED
        assert payloads(rig.caller) == coded()

    def test_one_that_has_changed_is_read_again(self, rig: Rig, tmp_path: Path) -> None:
        prompt_file(rig, write_wav(tmp_path / "a.wav", PROMPT))
        until_ended(rig)
        other = speech(1.0)[4000:]
        prompt_file(rig, write_wav(tmp_path / "a.wav", other), number=2)
        until_ended(rig, 2)
        assert payloads(rig.caller) == coded() + coded(other)

    def test_one_that_cannot_be_played_says_why_and_stops_nothing(
        self, rig: Rig, tmp_path: Path
    ) -> None:
        prompt(rig, CALLER, number=7)
        prompt_file(rig, tmp_path / "missing.wav")
        told = until_ended(rig)
        assert (told.why, told.reason) == (
            m.PromptEnd.FAILED,
            "it cannot be read: No such file or directory",
        )
        assert until_ended(rig, 7).why is m.PromptEnd.FINISHED

    def test_the_newest_of_several_is_heard_and_each_has_one_end(
        self, rig: Rig, tmp_path: Path
    ) -> None:
        path = write_wav(tmp_path / "a.wav", PROMPT)
        for number in range(3):
            prompt_file(rig, path, number=number)
        until_ended(rig, 2)
        assert [(report.prompt, report.why) for report in ended(rig)] == [
            (0, m.PromptEnd.STOPPED),
            (1, m.PromptEnd.STOPPED),
            (2, m.PromptEnd.FINISHED),
        ]
        assert payloads(rig.caller) == coded()

    def test_one_is_stopped_before_it_is_read_or_while_it_plays(
        self, rig: Rig, tmp_path: Path
    ) -> None:
        path = write_wav(tmp_path / "a.wav", PROMPT)
        prompt_file(rig, path)
        rig.calls.handle(m.StopPrompt(call=CALL, leg=CALLER, prompt=1))
        assert [report.why for report in ended(rig)] == [m.PromptEnd.STOPPED]
        prompt(rig, CALLER, number=2)
        for _ in range(20):
            rig.tick(0.005)
        rig.calls.handle(m.StopPrompt(call=CALL, leg=CALLER, prompt=2))
        until_ended(rig, 2)
        heard = payloads(rig.caller)
        assert heard[:-1] == coded()[: len(heard) - 1]
        assert heard[-1] not in coded()
        assert len(heard) == 5

    def test_a_call_that_closes_ends_it(self, rig: Rig, tmp_path: Path) -> None:
        path = write_wav(tmp_path / "a.wav", PROMPT)
        prompt(rig, AGENT, number=1)
        prompt_file(rig, path, CALLER, number=2)
        rig.calls.handle(m.CloseCall(call=CALL))
        assert [(report.prompt, report.leg, report.why) for report in ended(rig)] == [
            (2, CALLER, m.PromptEnd.CALL_CLOSED),
            (1, AGENT, m.PromptEnd.CALL_CLOSED),
        ]
        rig.calls.handle(m.OpenCall(call=m.CallId("next")))
        rig.tick()
        assert not rig.calls.path.fillers.prompter


def loud_runs(sounds: list[bytes]) -> list[int]:
    """Return how many frames in a row are as loud as a beep, for each time that they are."""
    loud = [np.abs(decode(sound, "PCMU").astype(int)).max() > 1500 for sound in sounds]
    return [len(run) for run in "".join("x" if frame else " " for frame in loud).split()]


def test_a_beeper_says_whether_one_sounds() -> None:
    beeper = Beeper(2)
    beeper.press(1, 0.0)
    assert not beeper.sounds(1)
    sounding = []
    for _ in range(5):
        beeper.overlay(np.zeros((1, FRAME), np.int16), np.array([1]), np.array([True]), 0.0)
        sounding.append(beeper.sounds(1))
    assert sounding == [True, True, True, False, False]
