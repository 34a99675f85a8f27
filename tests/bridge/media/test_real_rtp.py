"""What phones and networks do to RTP streams, and what the other side hears of it (RFC 3550, RFC 3551, RFC 3389)."""

import socket
from collections.abc import Iterator

import numpy as np
import pytest

from bridge.media import messages as m
from bridge.media.streams import MAX_MISORDER
from bridge.rtp.packet import RtpPacket
from bridge.rtp.telephone_event import TelephoneEvent
from dtmf.tones import tone
from tests.bridge.media.call_rig import CALL, FRAME, HOST, Phone, Rig, frames, murmur

NOISE_DBOV = 40
DSCP_EF = 46 << 2


@pytest.fixture
def rig() -> Iterator[Rig]:
    rig = Rig()
    rig.play(murmur(800))
    yield rig
    rig.close()


def steps(values: list[int], modulus: int) -> set[int]:
    return {(b - a) % modulus for a, b in zip(values, values[1:], strict=False)}


def wait(rig: Rig, ticks: int, elapsed_s: float = 0.005) -> None:
    """Let time pass without a packet."""
    for _ in range(ticks):
        rig.tick(elapsed_s)
        rig.caller.listen()
        rig.agent.listen()


def stray(phone: Phone, **changes: int) -> RtpPacket:
    """Return a packet that is none of the phone's stream."""
    values = {"payload_type": 0, "ssrc": phone.ssrc, "sequence_number": 9, "timestamp": 70_000}
    return RtpPacket(**(values | changes), payload=bytes(FRAME))  # type: ignore[arg-type]  # ints all


def level_dbov(packets: list[RtpPacket]) -> float:
    phone = Phone()
    phone.heard = packets
    sound = phone.sound().astype(float)
    phone.sock.close()
    return float(-20 * np.log10(np.sqrt((sound**2).mean()) / 32768))


class TestStream:
    """RFC 3550 section 5.1 and appendix A.1."""

    def test_first_numbers_of_a_call_are_random(self) -> None:
        first: list[RtpPacket] = []
        for _ in range(2):
            rig = Rig()
            rig.play(murmur(FRAME))
            first += rig.agent.heard
            rig.close()
        assert first[0].ssrc != first[1].ssrc
        assert first[0].timestamp != first[1].timestamp

    def test_packet_times_may_change_at_any_time(self, rig: Rig) -> None:
        sound, at = murmur(8000, seed=4), 0
        rig.agent.heard.clear()
        for size in (160, 80, 480, 240, 160, 320, 80, 400, 160, 160) * 3:
            rig.caller.send(rig.caller.frame(sound[at : at + size]))
            rig.tick(size / 8000)
            rig.agent.listen()
            at += size
        heard = rig.agent.sound()
        assert steps([p.timestamp for p in rig.agent.heard], 2**32) == {FRAME}
        assert len(heard) > at - FRAME
        assert np.corrcoef(heard, sound[: len(heard)])[0, 1] > 0.99

    def test_timestamps_wrap(self) -> None:
        rig = Rig(Phone(first_timestamp=2**32 - 5 * FRAME - 3))
        rig.play(murmur(20 * FRAME))
        assert len(rig.agent.heard) == 20
        assert steps([p.timestamp for p in rig.agent.heard], 2**32) == {FRAME}
        rig.close()

    @pytest.mark.parametrize("jump", [-5000, -MAX_MISORDER - 50, 5000, 30_000])
    def test_a_sender_that_counts_anew_is_believed_after_two_packets(
        self, rig: Rig, jump: int
    ) -> None:
        rig.caller.sequence_number = (rig.caller.sequence_number + jump) % 2**16
        rig.agent.heard.clear()
        rig.play(murmur(10 * FRAME))
        assert len(rig.agent.heard) == 9

    def test_one_packet_from_far_away_changes_nothing(self, rig: Rig) -> None:
        rig.agent.heard.clear()
        far = (rig.caller.sequence_number + 20_000) % 2**16
        rig.caller.send(stray(rig.caller, sequence_number=far))
        rig.tick()
        rig.play(murmur(800))
        assert len(rig.agent.heard) == 5

    @pytest.mark.parametrize("payload_type", [18, 72, 96])
    def test_a_foreign_payload_of_a_foreign_source_is_not_our_stream(
        self, rig: Rig, payload_type: int
    ) -> None:
        """If it were, the tone in the middle of which it comes would start anew, and count twice."""
        rig.secure()
        rig.play(np.concatenate([murmur(800), tone("5", 800)]))
        rig.caller.send(stray(rig.caller, payload_type=payload_type, ssrc=5))
        rig.play(np.concatenate([tone("5", 1600)[800:], murmur(800)]))
        assert [key for key, _ in rig.presses()] == ["5"]


class TestTalkspurt:
    """RFC 3551 section 4.1."""

    def test_timestamps_count_a_pause_to_the_sample_and_the_marker_shows_its_end(
        self, rig: Rig
    ) -> None:
        rig.agent.heard.clear()
        rig.caller.timestamp += 40 * FRAME + 7
        wait(rig, 160)
        rig.tick(0.011)  # it comes with some jitter
        rig.play(murmur(480))
        stamps = [p.timestamp for p in rig.agent.heard]
        assert [p.marker for p in rig.agent.heard] == [True, False, False]
        assert steps(stamps, 2**32) == {FRAME}
        (before,) = {(stamps[0] - 41 * FRAME - 7) % 2**32}
        rig.caller.timestamp += 10 * FRAME
        wait(rig, 40)
        rig.play(murmur(FRAME))
        assert (rig.agent.heard[-1].timestamp - before) % 2**32 == (41 + 13) * FRAME + 7

    def test_another_source_without_a_pause_is_no_talkspurt(self, rig: Rig) -> None:
        rig.agent.heard.clear()
        rig.caller.ssrc, rig.caller.timestamp = 99, 5
        rig.play(murmur(800))
        assert not any(packet.marker for packet in rig.agent.heard)

    @pytest.mark.parametrize("elapsed_s", [0.015, 0.02, 0.025, 0.055])
    def test_another_source_stays_on_the_frames_of_the_first(
        self, rig: Rig, elapsed_s: float
    ) -> None:
        """A jitter buffer that counts in frames has no use for a stream that moves by a few samples."""
        last = rig.agent.heard[-1].timestamp
        rig.caller.ssrc, rig.caller.timestamp = 99, 5
        rig.caller.send(rig.caller.frame(murmur(FRAME)))
        rig.tick(elapsed_s)
        (packet,) = rig.agent.listen()
        assert (packet.timestamp - last) % 2**32 in (FRAME, 3 * FRAME)


class TestComfortNoise:
    """RFC 3389."""

    def test_a_pause_sounds_as_it_was_described_until_sound_comes(self, rig: Rig) -> None:
        rig.agent.heard.clear()
        rig.caller.send(rig.caller.comfort_noise(NOISE_DBOV))
        wait(rig, 200)
        during = list(rig.agent.heard)
        assert 48 <= len(during) <= 51
        assert level_dbov(during) == pytest.approx(NOISE_DBOV, abs=1)
        rig.caller.timestamp += 50 * FRAME
        rig.play(murmur(800))
        wait(rig, 20)
        assert len(rig.agent.heard) == len(during) + 5

    def test_the_other_side_gets_one_stream_without_a_hiccup(self, rig: Rig) -> None:
        for _ in range(4):
            rig.caller.send(rig.caller.comfort_noise(NOISE_DBOV))
            wait(rig, 100)
            rig.caller.timestamp += 25 * FRAME
            rig.play(murmur(800))
        heard = rig.agent.heard
        assert {packet.payload_type for packet in heard} == {0}
        assert steps([p.sequence_number for p in heard], 2**16) == {1}
        assert steps([p.timestamp for p in heard], 2**32) <= {FRAME, 2 * FRAME}
        assert sum(packet.marker for packet in heard) == 1

    @pytest.mark.parametrize("codec", ["PCMU", "PCMA"])
    def test_each_law(self, codec: str) -> None:
        rig = Rig(Phone(codec="PCMA"), Phone(codec=codec))
        rig.play(murmur(800))
        rig.agent.heard.clear()
        rig.caller.send(rig.caller.comfort_noise(NOISE_DBOV))
        wait(rig, 100)
        sound = rig.agent.sound().astype(float)
        assert -20 * np.log10(sound.std() / 32768) == pytest.approx(NOISE_DBOV, abs=1)
        rig.close()

    def test_its_level_may_change(self, rig: Rig) -> None:
        rig.caller.send(rig.caller.comfort_noise(NOISE_DBOV))
        wait(rig, 100)
        rig.agent.heard.clear()
        rig.caller.send(rig.caller.comfort_noise(NOISE_DBOV + 15))
        wait(rig, 100)
        assert level_dbov(rig.agent.heard) == pytest.approx(NOISE_DBOV + 15, abs=1)

    @pytest.mark.parametrize("before", [True, False])
    def test_behind_the_gate_it_is_silence(self, rig: Rig, before: bool) -> None:
        """What the caller's phone says of a pause is the caller's packet: it decides nothing of what leaves."""
        pause = rig.caller.comfort_noise(NOISE_DBOV)
        if before:
            rig.caller.send(pause)
            wait(rig, 10)
        rig.secure()
        wait(rig, 1)
        rig.agent.heard.clear()
        if not before:
            rig.caller.send(pause)
        wait(rig, 200)
        assert not rig.agent.heard

    def test_the_gate_does_not_open_into_an_old_pause(self, rig: Rig) -> None:
        rig.secure()
        rig.caller.send(rig.caller.comfort_noise(NOISE_DBOV))
        wait(rig, 100)
        rig.secure(secure=False)
        wait(rig, 100)
        assert rig.reports[-1] == m.SecureChanged(call=CALL, secure=False)
        rig.agent.heard.clear()
        wait(rig, 100)
        assert not rig.agent.heard

    def test_the_caller_hears_the_agents_pause_while_the_line_is_secure(self, rig: Rig) -> None:
        rig.play(murmur(800), rig.agent)
        rig.secure()
        rig.caller.heard.clear()
        rig.agent.send(rig.agent.comfort_noise(NOISE_DBOV))
        wait(rig, 100)
        assert level_dbov(rig.caller.heard) == pytest.approx(NOISE_DBOV, abs=1)

    def test_a_key_ends_it(self, rig: Rig) -> None:
        rig.caller.send(rig.caller.comfort_noise(NOISE_DBOV))
        wait(rig, 20)
        rig.agent.heard.clear()
        event = TelephoneEvent(event=5, end=False, volume=10, duration_samples=FRAME)
        rig.caller.send(rig.caller.event(bytes(event), rig.caller.timestamp, marker=True))
        wait(rig, 50)
        assert [packet.payload_type for packet in rig.agent.heard] == [101]

    @pytest.mark.parametrize("ends", ["hold", "close"])
    def test_hold_and_the_end_of_the_call_end_it(self, rig: Rig, ends: str) -> None:
        rig.caller.send(rig.caller.comfort_noise(NOISE_DBOV))
        wait(rig, 20)
        if ends == "hold":
            rig.describe(m.Leg.CALLER, rig.caller, receive=False)
        else:
            rig.calls.handle(m.CloseCall(call=CALL))
        rig.agent.heard.clear()
        wait(rig, 50)
        assert not rig.agent.heard

    def test_one_without_a_level_is_refused(self, rig: Rig) -> None:
        rig.agent.heard.clear()
        rig.caller.send(rig.caller.frame(murmur(0), payload_type=13))
        wait(rig, 50)
        assert not rig.agent.heard
        assert rig.calls.intake.counters.malformed == 1


class TestPress:
    """RFC 4733 in a stream that changes its source (RFC 3550 section 8.2)."""

    @pytest.mark.parametrize("changes_at", range(1, 7))
    def test_a_press_whose_stream_gets_another_ssrc_is_one_press(
        self, rig: Rig, changes_at: int
    ) -> None:
        rig.secure()
        rig.play(murmur(800))
        start = rig.caller.timestamp
        for number in range(7):
            if number == changes_at:
                rig.caller.ssrc, rig.caller.sequence_number, start = 99, 7, 123_456
            duration = FRAME * min(number + 1, 5)
            event = TelephoneEvent(event=7, end=number >= 4, volume=10, duration_samples=duration)
            rig.caller.send(rig.caller.event(bytes(event), start, marker=number == 0))
            rig.tick()
        rig.caller.timestamp = start + 5 * FRAME
        rig.play(murmur(800))
        assert [key for key, _ in rig.presses()] == ["7"]

    @pytest.mark.parametrize("sequence_jump", [0, -5000])
    def test_presses_are_read_where_a_clock_has_gone_back(
        self, rig: Rig, sequence_jump: int
    ) -> None:
        """An event of the old clock's future is no reason to take those of the new one for late."""
        rig.secure()
        for key in (7, 8):
            rig.play(murmur(800))
            event = TelephoneEvent(event=key, end=True, volume=10, duration_samples=800)
            rig.caller.send(rig.caller.event(bytes(event), rig.caller.timestamp))
            rig.tick(0.5)
            rig.caller.timestamp = (rig.caller.timestamp - 10_000) % 2**32
            rig.caller.sequence_number = (rig.caller.sequence_number + sequence_jump) % 2**16
        assert [key for key, _ in rig.presses()] == ["7", "8"]


class TestLatch:
    """RFC 4961: symmetric RTP, and who else may have sent to the port before."""

    def test_what_a_stranger_had_queued_before_the_latch_is_not_taken(self) -> None:
        rig, stranger = Rig(), Phone()
        stranger.to, stranger.ssrc = rig.caller.to, rig.caller.ssrc
        question = list(frames(murmur(3 * FRAME, seed=8)))
        rig.caller.send(rig.caller.frame(question[0]))
        loud = np.full(FRAME, 9000, np.int16)
        for _ in range(4):
            stranger.send(stranger.frame(loud, sequence_number=rig.caller.sequence_number))
        rig.caller.send(rig.caller.frame(question[1]))
        stranger.send(stranger.frame(loud, sequence_number=rig.caller.sequence_number))
        rig.caller.send(rig.caller.frame(question[2]))
        rig.tick()
        rig.agent.listen()
        heard = rig.agent.sound()
        assert len(heard) == 3 * FRAME
        assert np.abs(heard).max() < 2000
        stranger.sock.close()
        rig.close()

    def test_a_stranger_in_the_queue_presses_no_key(self) -> None:
        rig, stranger = Rig(), Phone()
        stranger.to, stranger.ssrc = rig.caller.to, rig.caller.ssrc
        rig.secure()
        event = TelephoneEvent(event=7, end=True, volume=10, duration_samples=800)
        rig.caller.send(rig.caller.frame(murmur(FRAME)))
        stranger.send(stranger.event(bytes(event), 5000))
        rig.tick()
        assert rig.presses() == []
        stranger.sock.close()
        rig.close()


class TestQualityOfService:
    """DSCP EF on what leaves (RFC 3246, RFC 4594 section 4.1)."""

    def test_every_packet_is_marked(self, rig: Rig) -> None:
        rig.agent.sock.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
        rig.caller.send(rig.caller.frame(murmur(FRAME)))
        rig.tick()
        _, told, _, source = rig.agent.sock.recvmsg(2048, 64)
        assert source == (HOST, rig.agent.to)
        assert [data[0] for *_, data in told] == [DSCP_EF]
