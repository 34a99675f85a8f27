"""The state table: complete, without dead ends, and a missing row is an error."""

import itertools

import pytest

from ivr.session.machine import IllegalMoveError, Trigger, can_move, next_status
from ivr.session.words import Status

LINK_ONLY = {Status.WAITING, Status.SEND_FAILED}
FINAL = {
    Status.SUCCEEDED,
    Status.FAILED,
    Status.CANCELLED,
    Status.CUSTOMER_DECLINED,
    Status.EXPIRED,
}
PAIRS = list(itertools.product(Status, Trigger))


@pytest.mark.parametrize(("status", "trigger"), PAIRS)
def test_every_pair_moves_or_is_an_error(status: Status, trigger: Trigger) -> None:
    if can_move(status, trigger):
        assert next_status(status, trigger) in set(Status)
    else:
        with pytest.raises(IllegalMoveError, match=f"{trigger.name} in {status.name}"):
            next_status(status, trigger)


def test_every_status_of_a_call_can_be_reached() -> None:
    reached = {Status.CREATED}
    while True:
        more = {next_status(s, t) for s, t in PAIRS if s in reached and can_move(s, t)} - reached
        if not more:
            break
        reached |= more
    assert reached == set(Status) - LINK_ONLY


def test_final_statuses_are_final_and_no_other_is_a_dead_end() -> None:
    leaves = {s for s in Status if not any(can_move(s, t) for t in Trigger)}
    assert leaves == FINAL | LINK_ONLY


@pytest.mark.parametrize(
    "trigger", [Trigger.HUNG_UP, Trigger.MEDIA_LOST, Trigger.TIMED_OUT, Trigger.FAULT]
)
def test_bad_news_is_understood_wherever_a_line_can_be_secure(trigger: Trigger) -> None:
    for status in (
        Status.CREATED,
        Status.COLLECTING,
        Status.COLLECTED,
        Status.PROCESSING,
        Status.DECLINED,
    ):
        assert can_move(status, trigger), status


def test_money_moves_only_out_of_processing_or_review() -> None:
    assert {s for s in Status if can_move(s, Trigger.APPROVED)} == {
        Status.PROCESSING,
        Status.REVIEW,
    }


def test_nothing_is_submitted_before_it_is_collected() -> None:
    assert {s for s in Status if can_move(s, Trigger.SUBMITTED)} == {Status.COLLECTED}


def test_nothing_is_collected_before_the_line_is_secure() -> None:
    into = {(s, t) for s, t in PAIRS if can_move(s, t) and next_status(s, t) is Status.COLLECTING}
    assert (Status.CREATED, Trigger.CALL_SECURED) in into
    assert {s for s, t in into if t is not Trigger.CALL_SECURED} == {
        Status.COLLECTING,
        Status.COLLECTED,
        Status.DECLINED,
    }


def test_charge_under_way_is_not_called_off() -> None:
    assert not can_move(Status.PROCESSING, Trigger.CANCELLED)
    assert not can_move(Status.PROCESSING, Trigger.FIELD_ASKED)


def test_review_is_never_sent_again() -> None:
    assert not can_move(Status.REVIEW, Trigger.SUBMITTED)
    assert not can_move(Status.REVIEW, Trigger.NOT_SENT)
