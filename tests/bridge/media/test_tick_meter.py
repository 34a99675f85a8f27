"""What late ticks mean; the clock is moved by hand."""

from bridge.media.tick_meter import TICK_S, WINDOW_S, WITHHOLD_AFTER_S, TickMeter


def run(meter: TickMeter, *, late_share: float, seconds: float, start_s: float = 0.0) -> float:
    """Let ticks begin, so many of a hundred of them three ticks late; return the time then."""
    for tick in range(round(seconds / TICK_S)):
        due = start_s + tick * TICK_S
        meter.begin(due, due + (3 * TICK_S if tick % 100 < 100 * late_share else 0.0))
    return start_s + seconds


def test_ticks_in_time_are_no_load() -> None:
    meter = TickMeter()
    run(meter, late_share=0.0, seconds=3 * WINDOW_S)
    assert (meter.overloaded, meter.late_ticks, meter.withheld_ticks) == (False, 0, 0)


def test_many_late_ticks_are_overload_and_few_end_it() -> None:
    meter = TickMeter()
    now = run(meter, late_share=0.5, seconds=3 * WINDOW_S)
    assert meter.overloaded
    now = run(meter, late_share=0.2, seconds=3 * WINDOW_S, start_s=now)
    assert meter.overloaded, "it would go to and fro between the two"
    run(meter, late_share=0.01, seconds=3 * WINDOW_S, start_s=now)
    assert not meter.overloaded


def test_one_slow_tick_is_no_overload_but_nothing_of_it_is_sent() -> None:
    meter = TickMeter()
    now = run(meter, late_share=0.0, seconds=0.9 * WINDOW_S)
    assert meter.begin(now, now + WITHHOLD_AFTER_S + 0.001)
    assert not meter.begin(now + 0.2, now + 0.2)
    run(meter, late_share=0.0, seconds=2 * WINDOW_S, start_s=now + 0.3)
    assert (meter.overloaded, meter.withheld_ticks) == (False, 1)


def test_a_tick_that_is_a_little_late_is_sent() -> None:
    assert not TickMeter().begin(0.0, WITHHOLD_AFTER_S - 0.001)


def test_without_calls_the_overload_is_over() -> None:
    meter = TickMeter()
    now = run(meter, late_share=1.0, seconds=2 * WINDOW_S)
    assert meter.overloaded
    meter.rest(now)
    assert not meter.overloaded
