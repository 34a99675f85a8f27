"""What waits while the gateway does not read: bounded, and no press is ever missing."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bridge.media import messages as m
from bridge.media.message_codec import decode
from bridge.media.report_queue import LEAST_REPORTS, REPORTS_PER_CALL, ReportQueue
from dtmf.keys import HiddenKey
from tests.bridge.media.test_messages import LARGEST

CALLS = tuple(m.CallId(f"call-{number}") for number in range(3))


def key(call: m.CallId, digit: str) -> m.KeyReported:
    return m.KeyReported(call=call, key=HiddenKey(digit), transport=m.Transport.IN_BAND)


def heartbeat(ticks: int) -> m.Heartbeat:
    return m.Heartbeat(calls=1, late_ticks=ticks)


def recorder(call: m.CallId, state: m.RecorderState, reason: str = "") -> m.RecorderChanged:
    return m.RecorderChanged(call=call, state=state, reason=reason)


class Gateway:
    """Reads as much as it is let."""

    def __init__(self, takes: int = 1_000_000) -> None:
        self.takes = takes
        self.read: list[m.Message] = []

    def send(self, data: bytes) -> None:
        if self.takes == 0:
            raise BlockingIOError
        self.takes -= 1
        self.read.append(decode(data))

    def digits(self, call: m.CallId) -> str:
        return "".join(
            report.key.reveal()
            for report in self.read
            if isinstance(report, m.KeyReported) and report.call == call
        )


def test_what_the_gateway_does_not_take_waits_in_its_order() -> None:
    queue, slow = ReportQueue(1), Gateway(takes=2)
    for digit in "1234":
        queue.add(key(CALLS[0], digit))
    queue.send_to(slow.send)
    assert (slow.digits(CALLS[0]), len(queue)) == ("12", 2)
    slow.takes = 9
    queue.send_to(slow.send)
    assert (slow.digits(CALLS[0]), len(queue)) == ("1234", 0)


def test_heartbeats_never_push_a_press_out() -> None:
    queue, gateway = ReportQueue(1), Gateway()
    queue.add(key(CALLS[0], "7"))
    for ticks in range(10 * LEAST_REPORTS):
        queue.add(heartbeat(ticks))
        assert len(queue) <= LEAST_REPORTS
    assert not queue.overflowed
    queue.send_to(gateway.send)
    assert gateway.digits(CALLS[0]) == "7"
    assert gateway.read[-1] == heartbeat(10 * LEAST_REPORTS - 1)


def test_statistics_never_push_a_press_or_the_last_heartbeat_out() -> None:
    queue, gateway = ReportQueue(1), Gateway()
    queue.add(key(CALLS[0], "7"))
    queue.add(heartbeat(1))
    for calls in range(10 * LEAST_REPORTS):
        queue.add(m.WorkerCounted(statistics=replace(LARGEST, calls=calls)))
    assert not queue.overflowed
    queue.send_to(gateway.send)
    assert gateway.digits(CALLS[0]) == "7"
    assert heartbeat(1) in gateway.read
    last = replace(LARGEST, calls=10 * LEAST_REPORTS - 1)
    assert gateway.read[-1] == m.WorkerCounted(statistics=last)


def test_of_a_recorder_the_last_word_stays_with_the_first_reason() -> None:
    queue, gateway = ReportQueue(1), Gateway()
    queue.add(recorder(CALLS[0], m.RecorderState.FAILED, "the disk is full"))
    for _ in range(2 * LEAST_REPORTS):
        queue.add(recorder(CALLS[0], m.RecorderState.FAILED))
        queue.add(recorder(CALLS[1], m.RecorderState.PAUSED))
    assert not queue.overflowed
    queue.send_to(gateway.send)
    last = {report.call: report for report in gateway.read if isinstance(report, m.RecorderChanged)}
    told = [report for report in gateway.read if isinstance(report, m.RecorderChanged)]
    assert any(report.reason for report in told)
    assert last[CALLS[1]].state is m.RecorderState.PAUSED


def test_where_presses_alone_fill_it_the_worker_is_to_end() -> None:
    """A payment must not go on without some of its presses: the call falls silent instead."""
    calls = 100
    queue, bound = ReportQueue(calls), REPORTS_PER_CALL * calls
    for _ in range(bound):
        queue.add(key(CALLS[0], "1"))
    assert not queue.overflowed
    queue.add(key(CALLS[0], "2"))
    assert queue.overflowed
    assert len(queue) == bound


reports: st.SearchStrategy[m.Report] = st.one_of(
    st.builds(key, st.sampled_from(CALLS), st.sampled_from("0123456789*#")),
    st.builds(heartbeat, st.integers(0, 9)),
    st.builds(recorder, st.sampled_from(CALLS), st.sampled_from(m.RecorderState)),
    st.builds(lambda call: m.SecureChanged(call=call, secure=True), st.sampled_from(CALLS)),
)


@given(
    told=st.lists(st.tuples(reports, st.integers(0, 3)), max_size=60),
    flood=st.integers(0, 3000),
)
def test_presses_and_gates_arrive_whole_and_in_order(
    told: list[tuple[m.Report, int]], flood: int
) -> None:
    queue, gateway = ReportQueue(1), Gateway(takes=0)
    for report, takes in told:
        queue.add(report)
        for ticks in range(flood // 60):
            queue.add(heartbeat(ticks))
        gateway.takes = takes
        queue.send_to(gateway.send)
    gateway.takes = 1_000_000
    queue.send_to(gateway.send)
    kept = (m.KeyReported, m.SecureChanged)
    arrived = [report for report in gateway.read if isinstance(report, kept)]
    assert [repr(report) for report in arrived] == [
        repr(report) for report, _ in told if isinstance(report, kept)
    ]
    for call in CALLS:
        expected = "".join(
            report.key.reveal()
            for report, _ in told
            if isinstance(report, m.KeyReported) and report.call == call
        )
        assert gateway.digits(call) == expected
