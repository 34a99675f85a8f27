"""One press, however many transports tell it."""

import itertools

import pytest

from bridge.media.messages import Transport
from bridge.media.press_merger import INFO_WINDOW_S, MEDIA_WINDOW_S, PressMerger
from dtmf.keys import HiddenKey

ONE, TWO = HiddenKey("1"), HiddenKey("2")


@pytest.mark.parametrize("order", list(itertools.permutations(Transport)))
def test_three_transports_in_any_order_are_one_press(order: tuple[Transport, ...]) -> None:
    merger = PressMerger()
    told = [merger.receive(ONE, transport, 10 + 0.03 * n) for n, transport in enumerate(order)]
    assert told == [True, False, False]


def test_one_transport_never_tells_a_press_twice() -> None:
    merger = PressMerger()
    assert [merger.receive(ONE, Transport.IN_BAND, at) for at in (1.0, 1.093, 1.186)] == [
        True,
        True,
        True,
    ]


def test_two_quick_presses_told_by_two_transports_stay_two() -> None:
    merger = PressMerger()
    tellings = [
        (Transport.RFC_4733, 1.0),
        (Transport.IN_BAND, 1.01),
        (Transport.RFC_4733, 1.12),
        (Transport.IN_BAND, 1.13),
    ]
    assert [merger.receive(ONE, transport, at) for transport, at in tellings] == [
        True,
        False,
        True,
        False,
    ]


def test_late_info_for_two_equal_presses_joins_both() -> None:
    merger = PressMerger()
    assert merger.receive(ONE, Transport.IN_BAND, 1.0)
    assert merger.receive(ONE, Transport.IN_BAND, 1.2)
    assert not merger.receive(ONE, Transport.SIP_INFO, 1.3)
    assert not merger.receive(ONE, Transport.SIP_INFO, 1.5)
    assert merger.receive(ONE, Transport.SIP_INFO, 1.5)


def test_different_keys_at_the_same_time_are_two_presses() -> None:
    merger = PressMerger()
    assert merger.receive(ONE, Transport.IN_BAND, 1.0)
    assert merger.receive(TWO, Transport.RFC_4733, 1.0)


@pytest.mark.parametrize(
    ("transport", "window_s"),
    [(Transport.RFC_4733, MEDIA_WINDOW_S), (Transport.SIP_INFO, INFO_WINDOW_S)],
)
def test_the_window_is_kept(transport: Transport, window_s: float) -> None:
    for apart, fresh in ((window_s - 0.01, False), (window_s + 0.01, True)):
        merger = PressMerger()
        merger.receive(ONE, Transport.IN_BAND, 5.0)
        assert merger.receive(ONE, transport, 5.0 + apart) is fresh
