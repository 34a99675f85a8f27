"""RFC 4733."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.rtp.telephone_event import EventReceiver, TelephoneEvent, TelephoneEventError
from dtmf.keys import HiddenKey

NOW = 100.0


def event(code: int, duration: int, *, end: bool = False) -> TelephoneEvent:
    return TelephoneEvent(event=code, end=end, volume=10, duration_samples=duration)


def revealed(key: HiddenKey | None) -> str | None:
    return None if key is None else key.reveal()


class TestPayloadFormat:
    """Section 2.3."""

    def test_round_trip(self) -> None:
        data = bytes.fromhex("0b8a0320")
        parsed = TelephoneEvent.parse(data)
        assert (parsed.event, parsed.end, parsed.volume, parsed.duration_samples) == (
            11,
            True,
            10,
            800,
        )
        assert bytes(parsed) == data

    def test_too_short_is_refused(self) -> None:
        with pytest.raises(TelephoneEventError, match="3 bytes"):
            TelephoneEvent.parse(b"\x01\x02\x03")

    def test_the_key_does_not_show(self) -> None:
        assert "7" not in repr(event(7, 160))


class TestReceivingAnEvent:
    """Section 2.5.1 and 2.5.2."""

    def test_all_packets_of_a_press_are_one_press(self) -> None:
        receiver = EventReceiver()
        keys = [receiver.receive(event(5, 160 * n, end=n > 3), 1000, NOW) for n in range(1, 7)]
        assert [revealed(key) for key in keys] == ["5", None, None, None, None, None]

    @pytest.mark.parametrize("first_seen", range(5))
    def test_lost_first_packets_do_not_lose_the_press(self, first_seen: int) -> None:
        receiver = EventReceiver()
        packets = [event(10, 160 * n, end=n >= 3) for n in range(1, 6)]
        assert [revealed(receiver.receive(p, 1000, NOW)) for p in packets[first_seen:]][0] == "*"

    def test_a_lost_end_packet_does_not_hide_the_next_press(self) -> None:
        receiver = EventReceiver()
        receiver.receive(event(1, 160), 1000, NOW)
        assert revealed(receiver.receive(event(1, 160), 4000, NOW)) == "1"

    def test_a_late_copy_of_an_older_press_is_no_press(self) -> None:
        receiver = EventReceiver()
        receiver.receive(event(1, 160), 1000, NOW)
        receiver.receive(event(2, 160), 2000, NOW)
        assert receiver.receive(event(1, 480, end=True), 1000, NOW) is None

    def test_segments_of_a_long_press_are_one_press(self) -> None:
        """Section 2.5.1.3: the next segment starts where the last one ended."""
        receiver = EventReceiver()
        assert revealed(receiver.receive(event(3, 0xFFFF), 0, NOW)) == "3"
        assert receiver.receive(event(3, 160), 0xFFFF, NOW) is None

    def test_timestamps_wrap(self) -> None:
        receiver = EventReceiver()
        receiver.receive(event(1, 160, end=True), 2**32 - 100, NOW)
        assert revealed(receiver.receive(event(2, 160), 60, NOW)) == "2"

    @pytest.mark.parametrize("ended", [False, True])
    def test_a_press_that_goes_on_in_another_stream_is_one_press(self, ended: bool) -> None:
        """RFC 3550 section 8.2: a source may change its SSRC at any time."""
        receiver = EventReceiver()
        receiver.receive(event(5, 480, end=ended), 1000, NOW)
        receiver.change_source()
        after = [event(5, 480, end=ended), event(5, 640, end=True), event(5, 640, end=True)]
        assert [receiver.receive(p, 77_000, NOW + 0.05) for p in after] == [None] * 3

    @pytest.mark.parametrize(
        ("before", "after", "since_s"),
        [
            (event(5, 480), event(6, 160), 0.05),
            (event(5, 480), event(5, 160), 0.11),
            (event(5, 480, end=True), event(5, 160), 0.05),
            (event(5, 480, end=True), event(5, 320, end=True), 0.05),
        ],
        ids=["another key", "later", "ended before", "a shorter press"],
    )
    def test_another_press_in_another_stream_is_told(
        self, before: TelephoneEvent, after: TelephoneEvent, since_s: float
    ) -> None:
        receiver = EventReceiver()
        receiver.receive(before, 1000, NOW)
        receiver.change_source()
        assert receiver.receive(after, 500, NOW + since_s) is not None

    @pytest.mark.parametrize("code", [16, 64, 255])
    def test_events_that_are_no_keys_are_nothing(self, code: int) -> None:
        assert EventReceiver().receive(event(code, 160), 0, NOW) is None

    @given(
        st.lists(
            st.tuples(
                st.integers(0, 255), st.integers(0, 2**32 - 1), st.integers(0, 65535), st.booleans()
            )
        )
    )
    def test_any_packets_give_at_most_one_press_each(
        self, packets: list[tuple[int, int, int, bool]]
    ) -> None:
        receiver = EventReceiver()
        for code, timestamp, duration, end in packets:
            key = receiver.receive(event(code, duration, end=end), timestamp, NOW)
            assert key is None or code < 16
            assert receiver.receive(event(code, duration, end=end), timestamp, NOW) is None
