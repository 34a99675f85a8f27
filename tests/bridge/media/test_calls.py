"""The sound of a call through a worker, packet by packet."""

from collections.abc import Iterator

import numpy as np
import pytest

from bridge.media import messages as m
from bridge.media.masking import OPEN_WITHOUT_SOUND_S
from bridge.media.settings import WorkerSettings
from bridge.rtp.telephone_event import TelephoneEvent
from dtmf import decode as read_digits
from dtmf.keys import EVENT_KEYS, HiddenKey
from dtmf.tones import tone
from tests.bridge.media.call_rig import CALL, FRAME, Phone, Rig, murmur, pressed

CARD = "4111111111111111#"


@pytest.fixture
def rig() -> Iterator[Rig]:
    rig = Rig()
    yield rig
    rig.close()


def digits_in(pcm: np.typing.NDArray[np.int16]) -> str:
    return "".join(press.key for press in read_digits(pcm))


def send_event(rig: Rig, key: str, *, packets: int = 5, lose: frozenset[int] = frozenset()) -> None:
    """Press a key by RFC 4733 as phones do: no sound meanwhile, the last packet three times."""
    phone, start = rig.caller, rig.caller.timestamp
    for number in range(packets + 2):
        end = number >= packets - 1
        event = TelephoneEvent(
            event=EVENT_KEYS.index(key),
            end=end,
            volume=10,
            duration_samples=FRAME * min(number + 1, packets),
        )
        packet = phone.event(bytes(event), start, marker=number == 0)
        if number not in lose:
            phone.send(packet)
        rig.tick()
        rig.agent.listen()
    phone.timestamp = (start + FRAME * packets) % 2**32


class TestOpenCall:
    def test_each_side_hears_the_other_unchanged(self, rig: Rig) -> None:
        question, answer = murmur(8000, seed=5), murmur(8000, seed=6)
        for at in range(0, 8000, FRAME):
            rig.caller.send(rig.caller.frame(question[at : at + FRAME]))
            rig.agent.send(rig.agent.frame(answer[at : at + FRAME]))
            rig.tick()
            rig.caller.listen()
            rig.agent.listen()
        assert correlation(rig.agent.sound(), question) > 0.99
        assert correlation(rig.caller.sound(), answer) > 0.99

    def test_outgoing_streams_are_our_own_and_steady(self, rig: Rig) -> None:
        rig.play(murmur(4800))
        heard = rig.agent.heard
        assert {packet.ssrc for packet in heard} != {rig.caller.ssrc}
        assert len({packet.ssrc for packet in heard}) == 1
        assert steps([p.sequence_number for p in heard], 2**16) == {1}
        assert steps([p.timestamp for p in heard], 2**32) == {FRAME}
        assert [packet.marker for packet in heard] == [True] + [False] * (len(heard) - 1)

    @pytest.mark.parametrize(
        ("caller", "agent"), [("PCMU", "PCMA"), ("PCMA", "PCMU"), ("PCMA", "PCMA")]
    )
    def test_codecs_are_translated(self, caller: str, agent: str) -> None:
        rig = Rig(Phone(codec=caller), Phone(codec=agent))
        sound = murmur(4800)
        rig.play(sound)
        assert {packet.payload_type for packet in rig.agent.heard} == {rig.agent.payload_type}
        assert correlation(rig.agent.sound(), sound) > 0.99
        rig.close()

    @pytest.mark.parametrize("size", [80, 240, 320, 400, 480, 960])
    def test_other_packet_times_come_out_as_20_ms(self, rig: Rig, size: int) -> None:
        sound = murmur(4800)
        for at in range(0, len(sound), size):
            rig.caller.send(rig.caller.frame(sound[at : at + size]))
            rig.tick(size / 8000)
            rig.agent.listen()
        assert {len(packet.payload) for packet in rig.agent.heard} == {FRAME}
        assert steps([p.timestamp for p in rig.agent.heard], 2**32) == {FRAME}
        assert correlation(rig.agent.sound(), sound) > 0.99

    def test_a_lost_packet_leaves_a_gap_in_timestamps_not_in_sequence(self, rig: Rig) -> None:
        rig.play(murmur(800))
        rig.caller.skip(2)
        rig.play(murmur(800))
        assert steps([p.sequence_number for p in rig.agent.heard], 2**16) == {1}
        assert steps([p.timestamp for p in rig.agent.heard], 2**32) == {FRAME, 3 * FRAME}

    def test_late_and_doubled_packets_are_dropped(self, rig: Rig) -> None:
        packets = [rig.caller.frame(murmur(FRAME, seed=n)) for n in range(6)]
        for index in (0, 1, 1, 3, 2, 4, 0, 5):
            rig.caller.send(packets[index])
            rig.tick()
        assert len(rig.agent.listen()) == 5
        assert rig.calls.intake.counters.late == 3

    def test_foreign_and_malformed_packets_are_dropped(self, rig: Rig) -> None:
        rig.play(murmur(480))
        before = len(rig.agent.heard)
        for packet in (
            b"",
            b"\x80",
            b"\x00" * 172,
            bytes(rig.caller.frame(murmur(FRAME), payload_type=96)),
        ):
            rig.caller.send(packet)
            rig.tick()
        rig.play(murmur(FRAME))
        assert len(rig.agent.heard) == before + 1
        assert (rig.calls.intake.counters.malformed, rig.calls.intake.counters.foreign_payload) == (
            3,
            1,
        )

    def test_a_new_source_stream_goes_on_without_a_jump_back(self, rig: Rig) -> None:
        rig.play(murmur(800))
        rig.caller.ssrc, rig.caller.timestamp, rig.caller.sequence_number = 99, 5, 7
        rig.play(murmur(800))
        assert steps([p.sequence_number for p in rig.agent.heard], 2**16) == {1}
        assert steps([p.timestamp for p in rig.agent.heard], 2**32) == {FRAME}

    def test_telephone_events_are_passed_on_with_the_other_sides_payload_type(self) -> None:
        rig = Rig(Phone(telephone_event=101), Phone(telephone_event=96))
        rig.play(murmur(800))
        send_event(rig, "5")
        events = [TelephoneEvent.parse(p.payload) for p in rig.agent.heard if p.payload_type == 96]
        assert len(events) == 7
        assert {event.event for event in events} == {5}
        rig.close()

    def test_presses_of_an_open_call_are_nobodys_business(self, rig: Rig) -> None:
        rig.play(pressed("12"))
        send_event(rig, "3")
        rig.calls.handle(m.InfoKey(call=CALL, key=HiddenKey("4"), duration_ms=0))
        assert rig.presses() == []


class TestLatching:
    def test_a_stranger_is_not_heard_once_the_phone_has_spoken(self, rig: Rig) -> None:
        rig.play(murmur(800))
        stranger = Phone()
        stranger.to, stranger.ssrc = rig.caller.to, rig.caller.ssrc
        stranger.sequence_number, stranger.timestamp = (
            rig.caller.sequence_number,
            rig.caller.timestamp,
        )
        before = len(rig.agent.heard)
        stranger.send(stranger.frame(np.full(FRAME, 9000, np.int16)))
        rig.tick()
        rig.agent.listen()
        assert len(rig.agent.heard) == before
        stranger.sock.close()

    def test_sound_goes_where_the_phone_really_is(self, rig: Rig) -> None:
        """Symmetric RTP (RFC 4961): the SDP's address was wrong, as behind a NAT."""
        elsewhere = Phone()
        elsewhere.to = rig.caller.to
        elsewhere.send(elsewhere.frame(murmur(FRAME)))
        rig.tick()
        rig.play(murmur(480), rig.agent)
        assert len(elsewhere.listen()) == 3
        assert not rig.caller.heard
        elsewhere.sock.close()

    def test_before_it_speaks_a_phone_is_sent_to_where_its_sdp_says(self, rig: Rig) -> None:
        rig.play(murmur(480), rig.agent)
        assert len(rig.caller.heard) == 3

    def test_a_phone_that_moves_is_latched_anew(self, rig: Rig) -> None:
        rig.play(murmur(480))
        moved = Phone()
        moved.to = rig.caller.to
        rig.describe(m.Leg.CALLER, moved)
        moved.send(moved.frame(murmur(FRAME, seed=3)))
        rig.tick()
        assert len(rig.agent.listen()) == 1
        rig.play(murmur(FRAME), rig.agent)
        assert len(moved.listen()) == 1
        moved.sock.close()

    def test_noise_that_is_no_rtp_does_not_latch(self, rig: Rig) -> None:
        stranger = Phone()
        stranger.to = rig.caller.to
        stranger.send(b"hello")
        rig.tick()
        rig.play(murmur(800))
        assert len(rig.agent.heard) == 5
        stranger.sock.close()


class TestHold:
    def test_a_held_side_hears_nothing_and_is_not_heard(self, rig: Rig) -> None:
        rig.play(murmur(800))
        rig.agent.heard.clear()
        rig.describe(m.Leg.AGENT, rig.agent, send=False, receive=False)
        rig.play(murmur(800))
        rig.play(murmur(800), rig.agent)
        assert not rig.agent.heard
        assert not rig.caller.heard
        rig.describe(m.Leg.AGENT, rig.agent)
        rig.play(murmur(800))
        assert len(rig.agent.heard) == 5


class TestSecureCall:
    def test_keys_are_read_and_not_heard(self, rig: Rig) -> None:
        rig.secure()
        rig.play(pressed(CARD))
        assert "".join(key for key, _ in rig.presses()) == CARD
        assert digits_in(rig.agent.sound()) == ""

    @pytest.mark.parametrize("codec", ["PCMU", "PCMA"])
    def test_one_beep_a_press_whatever_its_length(self, codec: str) -> None:
        rig = Rig(Phone(codec=codec), Phone(codec=codec))
        rig.secure()
        silence = np.zeros(1600, np.int16)
        sound = [silence]
        for on in (400, 800, 4000, 16000):
            sound += [tone("5", on), silence]
        rig.play(np.concatenate(sound))
        loud = np.abs(rig.agent.sound().astype(int)).reshape(-1, FRAME).max(axis=1) > 500
        lengths = [len(run) for run in "".join("x" if frame else " " for frame in loud).split()]
        assert lengths == [3, 3, 3, 3]
        rig.close()

    def test_the_agent_is_still_heard_at_once(self, rig: Rig) -> None:
        rig.secure()
        sound = murmur(1600)
        rig.play(sound, rig.agent)
        assert correlation(rig.caller.sound(), sound) > 0.99

    def test_timestamps_do_not_jump_when_the_gate_moves(self, rig: Rig) -> None:
        rig.play(murmur(800))
        rig.secure()
        rig.play(pressed("12"))
        rig.secure(secure=False)
        rig.play(murmur(800))
        assert steps([p.timestamp for p in rig.agent.heard], 2**32) == {FRAME}
        assert steps([p.sequence_number for p in rig.agent.heard], 2**16) == {1}

    def test_the_gate_does_not_open_while_a_key_is_down(self, rig: Rig) -> None:
        """A payment that is cancelled or paid in the middle of a press must not let the rest of the tone out."""
        rig.secure()
        rig.play(np.concatenate([murmur(800), tone("5", 800)]))
        rig.secure(secure=False)
        rig.play(tone("5", 40_000))
        assert m.SecureChanged(call=CALL, secure=False) not in rig.reports
        rig.play(murmur(2400, seed=3))
        assert rig.reports[-1] == m.SecureChanged(call=CALL, secure=False)
        rig.play(pressed("7"))
        assert digits_in(rig.agent.sound()) == "7"
        assert [key for key, _ in rig.presses()] == ["5"]

    def test_the_gate_opens_after_an_event_and_its_stub(self, rig: Rig) -> None:
        rig.secure()
        rig.play(murmur(800))
        rig.secure(secure=False)
        send_event(rig, "4", packets=20)
        rig.play(np.concatenate([tone("4", 160), murmur(2400)]))
        assert rig.reports[-1] == m.SecureChanged(call=CALL, secure=False)
        assert digits_in(rig.agent.sound()) == ""
        assert {packet.payload_type for packet in rig.agent.heard} == {0}

    def test_the_gate_opens_without_sound_too(self, rig: Rig) -> None:
        rig.secure()
        rig.secure(secure=False)
        rig.tick(OPEN_WITHOUT_SOUND_S + 0.01)
        assert rig.reports[-1] == m.SecureChanged(call=CALL, secure=False)

    def test_securing_again_calls_the_opening_off(self, rig: Rig) -> None:
        rig.secure()
        rig.play(np.concatenate([murmur(800), tone("5", 800)]))
        rig.secure(secure=False)
        rig.secure()
        assert rig.reports[-1] == m.SecureChanged(call=CALL, secure=True, hold_frames=2)
        rig.play(np.concatenate([murmur(4800), pressed("7")]))
        assert [key for key, _ in rig.presses()] == ["5", "7"]
        assert digits_in(rig.agent.sound()) == ""

    def test_a_lost_look_ahead_is_silence_not_the_tone(self, rig: Rig) -> None:
        rig.secure()
        rig.play(murmur(800))
        onset = np.concatenate([murmur(120), tone("5", 40)])  # too short to be suspected by itself
        rig.play(onset)
        rig.agent.heard.clear()
        rig.caller.skip(1)
        rig.play(murmur(FRAME))
        assert not rig.agent.sound()[:FRAME].any()

    def test_rfc4733_is_swallowed_and_read(self, rig: Rig) -> None:
        rig.secure()
        rig.play(murmur(800))
        for key in "4#":
            send_event(rig, key)
            rig.play(murmur(1600))
        assert rig.presses() == [("4", m.Transport.RFC_4733), ("#", m.Transport.RFC_4733)]
        assert {packet.payload_type for packet in rig.agent.heard} == {0}

    @pytest.mark.parametrize("lose", [{0}, {0, 1, 2, 3}, {4, 5, 6}, {1, 3, 5}])
    def test_rfc4733_with_lost_packets_is_one_press(self, rig: Rig, lose: set[int]) -> None:
        rig.secure()
        rig.play(murmur(800))
        send_event(rig, "7", lose=frozenset(lose))
        rig.play(murmur(800))
        assert [key for key, _ in rig.presses()] == ["7"]

    def test_an_event_without_sound_beeps_all_the_same(self, rig: Rig) -> None:
        rig.secure()
        rig.play(murmur(800))
        rig.agent.heard.clear()
        send_event(rig, "4", packets=10)
        levels = [
            np.abs(packet_sound).max()
            for packet_sound in rig.agent.sound().astype(int).reshape(-1, FRAME)
        ]
        assert sum(level > 1000 for level in levels) == 3
        assert steps([p.timestamp for p in rig.agent.heard], 2**32) == {FRAME}

    def test_three_transports_of_one_press_count_once_and_beep_once(self, rig: Rig) -> None:
        rig.secure()
        rig.play(murmur(1600))
        rig.agent.heard.clear()
        start, sound = rig.caller.timestamp, tone("8", 1600)
        for index in range(10):
            event = TelephoneEvent(
                event=8, end=False, volume=10, duration_samples=FRAME * (index + 1)
            )
            rig.caller.send(rig.caller.event(bytes(event), start, marker=index == 0))
            rig.tick(0.005)
            rig.caller.send(rig.caller.frame(sound[index * FRAME : (index + 1) * FRAME]))
            rig.tick(0.015)
        rig.calls.handle(m.InfoKey(call=CALL, key=HiddenKey("8"), duration_ms=160))
        rig.play(murmur(1600))
        assert [key for key, _ in rig.presses()] == ["8"]
        loud = np.abs(rig.agent.sound().astype(int)).reshape(-1, FRAME).max(axis=1) > 1500
        assert int(loud.sum()) == 3
        assert digits_in(rig.agent.sound()) == ""

    def test_sip_info_alone_counts_and_beeps(self, rig: Rig) -> None:
        rig.secure()
        rig.play(murmur(800))
        rig.calls.handle(m.InfoKey(call=CALL, key=HiddenKey("1"), duration_ms=160))
        rig.play(murmur(800))
        assert rig.presses() == [("1", m.Transport.SIP_INFO)]

    def test_a_foreign_payload_is_not_passed(self, rig: Rig) -> None:
        rig.secure()
        rig.play(murmur(800))
        before = len(rig.agent.heard)
        rig.caller.send(rig.caller.frame(tone("5", FRAME), payload_type=18))
        rig.tick()
        assert len(rig.agent.listen()) == 0
        assert before == 5


class TestRecording:
    def test_a_pause_is_confirmed_and_kept(
        self, rig: Rig, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        path = tmp_path_factory.mktemp("recordings") / "call.wav"
        rig.calls.handle(m.StartRecording(call=CALL, path=str(path)))
        rig.play(murmur(8000))
        rig.calls.handle(m.PauseRecording(call=CALL))
        rig.secure()
        rig.play(pressed("4111"))
        rig.secure(secure=False)
        rig.calls.handle(m.ResumeRecording(call=CALL))
        rig.play(murmur(8000))
        states = [report.state for report in rig.reports if isinstance(report, m.RecorderChanged)]
        assert states == [
            m.RecorderState.RECORDING,
            m.RecorderState.PAUSED,
            m.RecorderState.RECORDING,
        ]

    def test_without_a_recorder_pause_says_off(self, rig: Rig) -> None:
        rig.calls.handle(m.PauseRecording(call=CALL))
        assert rig.reports[-1] == m.RecorderChanged(call=CALL, state=m.RecorderState.OFF, reason="")


class TestFullWorker:
    def test_a_call_too_many_is_refused_and_named(self) -> None:
        rig = Rig(settings=WorkerSettings(host="127.0.0.1", first_port=0, last_port=0, calls=1))
        rig.calls.handle(m.OpenCall(call=m.CallId("call-2")))
        refused = rig.reports[-1]
        assert isinstance(refused, m.CallRefused)
        assert refused.reason == "all 1 call slots are in use"
        rig.close()

    def test_a_closed_calls_slot_serves_the_next(self, rig: Rig) -> None:
        rig.play(murmur(800))
        rig.calls.handle(m.CloseCall(call=CALL))
        rig.calls.handle(m.CloseCall(call=CALL))
        assert len(rig.calls) == 0
        rig.calls.handle(m.OpenCall(call=m.CallId("call-2")))
        assert isinstance(rig.reports[-1], m.CallOpened)


def steps(values: list[int], modulus: int) -> set[int]:
    return {(b - a) % modulus for a, b in zip(values, values[1:], strict=False)}


def correlation(a: np.typing.NDArray[np.int16], b: np.typing.NDArray[np.int16]) -> float:
    size = min(len(a), len(b))
    assert size > FRAME
    return float(np.corrcoef(a[:size], b[:size])[0, 1])
