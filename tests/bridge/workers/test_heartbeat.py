"""When a worker is taken for hung; the clock is moved by hand."""

from bridge.workers.heartbeat import CHECK_S, START_LIMIT_S, Pulse

LIMIT_S = 0.5


def looked_at(pulse: Pulse, first_s: float, last_s: float) -> float | None:
    """Look at regular intervals; return when the pulse was found to have stopped, None where it was not."""
    looks = round((last_s - first_s) / CHECK_S)
    times = (first_s + index * CHECK_S for index in range(1, looks + 1))
    return next((now for now in times if pulse.has_stopped(now)), None)


def test_a_worker_that_beats_lives() -> None:
    pulse = Pulse(LIMIT_S, 100.0)
    for beat in range(1, 200):
        pulse.beat(100.0 + beat * 0.1)
        assert not pulse.has_stopped(100.0 + beat * 0.1 + 0.05)


def test_a_silent_one_is_found_between_the_limit_and_a_look_later() -> None:
    pulse = Pulse(LIMIT_S, 100.0)
    pulse.beat(100.0)
    found = looked_at(pulse, 100.0, 110.0)
    assert found is not None
    assert LIMIT_S - 1e-9 <= found - 100.0 <= LIMIT_S + CHECK_S + 1e-9


def test_a_late_heartbeat_ends_the_silence() -> None:
    pulse = Pulse(LIMIT_S, 100.0)
    pulse.beat(100.0)
    assert looked_at(pulse, 100.0, 100.4) is None
    pulse.beat(100.45)
    assert looked_at(pulse, 100.45, 100.85) is None


def test_a_pause_of_the_gateway_itself_is_no_silence_of_the_worker() -> None:
    """After a minute without a look the heartbeats wait to be read: nobody may be killed before they are."""
    pulse = Pulse(LIMIT_S, 100.0)
    pulse.beat(100.0)
    assert not pulse.has_stopped(160.0)
    pulse.beat(160.0)
    assert not pulse.has_stopped(160.1)


def test_a_worker_that_stopped_during_such_a_pause_is_found_soon() -> None:
    pulse = Pulse(LIMIT_S, 100.0)
    pulse.beat(100.0)
    assert not pulse.has_stopped(160.0)
    assert looked_at(pulse, 160.0, 160.5) is not None


def test_the_first_heartbeat_may_take_longer_but_not_for_ever() -> None:
    pulse = Pulse(LIMIT_S, 100.0)
    assert looked_at(pulse, 100.0, 100.0 + START_LIMIT_S - CHECK_S) is None
    assert looked_at(pulse, 100.0 + START_LIMIT_S - CHECK_S, 101.0 + START_LIMIT_S) is not None
