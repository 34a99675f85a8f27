"""Loss and jitter, RFC 3550 appendices A.1, A.3 and A.8."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bridge.media.leg_table import LEG
from bridge.media.receiver import count_due
from bridge.rtp.reception import ReceptionTable
from bridge.rtp.rtcp import ReportBlock

FRAME, SSRC, ROW = 160, 0xABCD, 1
FRAME_S = FRAME / 8000


def table_of(rows: NDArray[np.void]) -> ReceptionTable:
    return ReceptionTable(rows["in_sequence"], rows["in_due_s"], rows["in_jitter_s"])


class Stream:
    """Sends what a test says to row 1 of a table, in ideal time unless told otherwise."""

    def __init__(self, first: int = 65_000) -> None:
        self.rows = np.zeros(3, LEG)
        self.table = table_of(self.rows)
        self.table.open(ROW)
        self._first, self._index = first, -1
        self.table.start(ROW, first, 50.0)
        self.odd(0)

    def next(self, index: int, late_s: float = 0.0) -> None:
        """The packet after the last one: the short way."""
        count_due(self.rows[ROW], 0, 50.0 + index * FRAME_S + late_s)
        self._index = index

    def odd(self, index: int, late_s: float = 0.0) -> None:
        """One that is not older than the last one: the long way."""
        self.table.count(ROW, (self._first + index) % 2**16)
        hole = (index - self._index - 1) * FRAME
        self.table.measure(ROW, hole, FRAME, 50.0 + index * FRAME_S + late_s)
        self._index = index

    def report(self) -> ReportBlock:
        block = self.table.report(ROW, SSRC)
        assert block is not None
        return block


class TestSequenceAppendixA1:
    def test_cycles_are_counted(self) -> None:
        stream = Stream()
        for index in range(1, 1_200):
            stream.next(index) if index % 100 else stream.odd(index)
        block = stream.report()
        assert block.highest_sequence == 65_000 + 1_199
        assert (block.cumulative_lost, block.fraction_lost) == (0, 0)

    def test_the_first_packet_of_all_may_have_the_number_0(self) -> None:
        stream = Stream(first=0)
        assert stream.report().highest_sequence == 0

    def test_another_stream_begins_anew_and_the_totals_go_on(self) -> None:
        stream = Stream()
        stream.odd(4)
        stream.table.start(ROW, 7, 60.0)
        stream.table.count(ROW, 7)
        stream.table.count(ROW, 9)
        block, totals = stream.report(), stream.table.received(ROW)
        assert (block.highest_sequence, block.cumulative_lost) == (9, 1)
        assert (totals.packets, totals.lost) == (4, 4)

    def test_another_call_begins_at_nothing(self) -> None:
        stream = Stream()
        stream.odd(4)
        stream.table.open(ROW)
        assert stream.table.report(ROW, SSRC) is None
        totals = stream.table.received(ROW)
        assert (totals.packets, totals.lost, totals.jitter_ms) == (0, 0, 0)


class TestLossAppendixA3:
    def test_lost_packets_are_those_expected_less_those_received(self) -> None:
        stream = Stream()
        for index in range(1, 100):
            if index % 10:
                stream.odd(index)
        block = stream.report()
        assert block.cumulative_lost == 9
        assert block.fraction_lost == 256 * 9 // 100

    def test_the_fraction_is_of_the_time_since_the_last_report(self) -> None:
        stream = Stream()
        stream.odd(10)
        stream.report()
        stream.odd(11)
        stream.odd(14)
        block = stream.report()
        assert (block.fraction_lost, block.cumulative_lost) == (256 * 2 // 4, 11)

    def test_packets_that_came_twice_count_against_it(self) -> None:
        stream = Stream()
        stream.table.count_late(ROW)
        stream.table.count_late(ROW)
        block = stream.report()
        assert (block.fraction_lost, block.cumulative_lost) == (0, -2)
        assert stream.table.received(ROW).lost == 0

    def test_a_packet_that_came_late_is_not_lost(self) -> None:
        stream = Stream()
        stream.odd(2)
        stream.table.count_late(ROW)
        assert stream.report().cumulative_lost == 0

    def test_nothing_came_nothing_to_report(self) -> None:
        stream = Stream()
        stream.report()
        assert stream.table.report(ROW, SSRC) is None

    @given(st.sets(st.integers(1, 400), min_size=1))
    def test_any_loss_is_counted(self, arrived: set[int]) -> None:
        stream = Stream()
        for index in sorted(arrived):
            stream.odd(index)
        assert stream.report().cumulative_lost == max(arrived) - len(arrived)


class TestMissed:
    def test_losses_in_a_row_are_one(self) -> None:
        stream = Stream()
        for index in (1, 5, 6, 8):
            stream.odd(index)
        got = stream.table.received(ROW)
        assert (got.missed, got.losses) == (4, 2)

    def test_what_came_too_late_was_missed_all_the_same(self) -> None:
        stream = Stream()
        stream.odd(2)
        stream.table.count_late(ROW)
        got = stream.table.received(ROW)
        assert (got.missed, got.lost) == (1, 0)

    def test_it_goes_on_with_another_stream_and_ends_with_the_call(self) -> None:
        stream = Stream()
        stream.odd(3)
        stream.table.start(ROW, 7, 60.0)
        assert stream.table.received(ROW).missed == 2
        stream.table.open(ROW)
        assert stream.table.received(ROW).missed == stream.table.received(ROW).losses == 0

    @given(st.lists(st.tuples(st.sampled_from("nolsr"), st.integers(1, 9)), max_size=60))
    def test_totals_of_the_table_never_fall(self, steps: list[tuple[str, int]]) -> None:
        """n: next, o: after a hole, l: late, s: another stream, r: the row is another call's."""
        stream, index = Stream(), 0
        before, came = stream.table.totals(), 1
        for kind, hole in steps:
            index += 1
            if kind == "n":
                stream.next(index)
            elif kind == "o":
                index += hole
                stream.odd(index)
            elif kind == "l":
                stream.table.count_late(ROW)
            else:
                if kind == "r":
                    stream.table.open(ROW)
                stream.table.start(ROW, hole, 60.0)
                stream.table.count(ROW, hole)
            came += 1
            totals = stream.table.totals()
            assert totals[0] == came
            assert totals[1] >= before[1]
            before = totals


class TestJitterAppendixA8:
    def test_a_steady_stream_has_none(self) -> None:
        stream = Stream()
        for index in range(1, 50):
            stream.next(index)
        assert stream.report().jitter == 0

    @pytest.mark.parametrize("short_way", [True, False])
    def test_it_follows_the_formula(self, short_way: bool) -> None:
        stream, expected, before = Stream(), 0.0, 0.0
        for index, late_ms in enumerate([5, 0, 15, 15, 40, 0, 10] * 20, start=1):
            (stream.next if short_way else stream.odd)(index, late_ms / 1000)
            expected += (abs(late_ms * 8 - before) - expected) / 16
            before = late_ms * 8
        assert stream.table.received(ROW).jitter_ms == pytest.approx(expected / 8, abs=0.01)
        assert stream.report().jitter == int(expected)

    def test_packets_that_were_lost_say_nothing_of_it(self) -> None:
        stream = Stream()
        for index in range(3, 300, 3):
            stream.odd(index)
        assert stream.report().jitter == 0

    @pytest.mark.parametrize("hole", [-(2**31), 2**31 - 1, 10**6])
    def test_a_clock_that_jumps_is_no_jitter(self, hole: int) -> None:
        stream = Stream()
        stream.table.count(ROW, 65_001)
        stream.table.measure(ROW, hole, FRAME, 50.02)
        assert stream.report().jitter == 0

    def test_the_mean_is_of_the_rows_that_are_asked_for(self) -> None:
        stream = Stream()
        stream.next(1, late_s=0.016)
        assert stream.table.jitter_s(np.array([False, True, False])) == pytest.approx(0.001)
        assert stream.table.jitter_s(np.array([True, True, False])) == pytest.approx(0.0005)
        assert stream.table.jitter_s(np.array([False, False, False])) == 0

    def test_rows_are_kept_apart(self) -> None:
        rows = np.zeros(3, LEG)
        table = table_of(rows)
        for row in (0, 1, 2):
            table.open(row)
            table.start(row, 1, 0.02 * row)
        for row in (0, 2):
            count_due(rows[row], 0, 0.04)
        assert [table.received(row).packets for row in range(3)] == [1, 0, 1]
        assert [table.received(row).jitter_ms for row in range(3)] == [2.5, 0, 0]
