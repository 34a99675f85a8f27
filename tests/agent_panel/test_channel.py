"""The channel without a socket: frames and views in, frames and events out."""

import json
from typing import Any

import pytest

from agent_panel.channel import (
    MAX_BAD_FRAMES,
    MAX_COMMANDS_IN_FLIGHT,
    MAX_FRAMES_QUEUED,
    PING_INTERVAL_S,
    SILENCE_LIMIT_S,
    Channel,
    CloseCode,
    Closed,
    CommandReceived,
    SessionCheckDue,
)
from agent_panel.commands import Submit
from agent_panel.messages import Snapshot
from ivr.session.ports import CallsChanged, SessionChanged, User
from ivr.session.view import SessionId
from ivr.session.words import Role
from tests.agent_panel.fakes import AGENT, PROFILES, FakeDesk
from tests.agent_panel.views import a_view

_NOW = 50.0


def _channel() -> Channel:
    return Channel(now=_NOW)


def _sent(channel: Channel) -> list[dict[str, Any]]:
    return [json.loads(frame) for frame in channel.frames_to_send()]


def _events(channel: Channel) -> list[object]:
    return list(iter(channel.next_event, None))


def _submit(id: str, session: str = "s1") -> str:
    return json.dumps({"v": 1, "type": "submit", "id": id, "session": session})


# Views


def test_snapshot_holds_everything_and_every_frame_its_version() -> None:
    channel, desk = _channel(), FakeDesk()
    desk.ring()
    user = User(agent=AGENT, display_name="Ada Byron", roles=frozenset({Role.AGENT}))

    channel.receive_snapshot(
        Snapshot(
            now="2026-11-20T09:00:00+00:00",
            user=user,
            profiles=PROFILES,
            calls=desk.calls(AGENT),
            sessions=[a_view()],
        )
    )

    (frame,) = _sent(channel)
    assert (frame["v"], frame["type"]) == (1, "snapshot")
    assert frame["user"] == {"agent": "ada", "name": "Ada Byron"}
    assert frame["now"] == "2026-11-20T09:00:00+00:00"
    assert [profile["name"] for profile in frame["profiles"]] == ["default", "donations"]
    assert [call["call"] for call in frame["calls"]] == ["c1"]
    assert [session["session"] for session in frame["sessions"]] == ["s1"]
    assert {"name": "bill", "label": "Bill"} in frame["interaction_types"]


def test_waiting_view_gives_way_to_a_newer_one_of_the_same_session() -> None:
    channel = _channel()
    for seq in range(1, 40):
        channel.receive_update(SessionChanged(view=a_view(seq=seq)))
        channel.receive_update(SessionChanged(view=a_view(session="s2", seq=seq)))
        channel.receive_update(CallsChanged(calls=()))

    sent = _sent(channel)

    assert [(frame["type"], frame.get("session", {}).get("seq")) for frame in sent] == [
        ("session", 39),
        ("session", 39),
        ("calls", None),
    ]


def test_view_that_was_sent_does_not_stop_the_next() -> None:
    channel = _channel()
    channel.receive_update(SessionChanged(view=a_view(seq=1)))
    assert len(_sent(channel)) == 1
    channel.receive_update(SessionChanged(view=a_view(seq=2)))
    assert [frame["session"]["seq"] for frame in _sent(channel)] == [2]


# Commands


def test_command_becomes_an_event_and_its_reply_has_its_id() -> None:
    channel = _channel()
    channel.receive_frame(_submit("a1"), _NOW)

    assert _events(channel) == [CommandReceived(command=Submit(id="a1", session=SessionId("s1")))]
    channel.receive_reply("a1", a_view(seq=3))
    (reply,) = _sent(channel)
    assert (reply["type"], reply["id"], reply["session"]["seq"]) == ("reply", "a1", 3)


def test_refusal_has_code_message_and_field() -> None:
    channel = _channel()
    channel.receive_frame(_submit("a1"), _NOW)
    channel.receive_refusal("a1", code="invalid-amount", message="Too much.", field="amount")

    assert _sent(channel) == [
        {
            "v": 1,
            "type": "error",
            "id": "a1",
            "code": "invalid-amount",
            "message": "Too much.",
            "field": "amount",
        }
    ]


def test_answers_are_all_sent_in_their_order() -> None:
    channel = _channel()
    for id in ("a1", "a2"):
        channel.receive_frame(_submit(id), _NOW)
    channel.receive_reply("a2", a_view())
    channel.receive_reply("a1", a_view())

    assert [frame["id"] for frame in _sent(channel)] == ["a2", "a1"]


def test_second_command_with_a_running_id_is_refused_without_taking_its_answer() -> None:
    channel = _channel()
    channel.receive_frame(_submit("a1"), _NOW)
    channel.receive_frame(_submit("a1"), _NOW)

    assert len(_events(channel)) == 1
    (error,) = _sent(channel)
    assert (error["code"], error["id"]) == ("duplicate-id", None)


def test_commands_in_flight_are_bounded_and_an_answer_makes_room() -> None:
    channel = _channel()
    for number in range(MAX_COMMANDS_IN_FLIGHT + 1):
        channel.receive_frame(_submit(f"a{number}"), _NOW)

    assert len(_events(channel)) == MAX_COMMANDS_IN_FLIGHT
    (error,) = _sent(channel)
    assert (error["code"], error["id"]) == ("too-many-commands", f"a{MAX_COMMANDS_IN_FLIGHT}")
    channel.receive_reply("a0", a_view())
    channel.receive_frame(_submit("again"), _NOW)
    assert len(_events(channel)) == 1


# Broken frames


@pytest.mark.parametrize("text", ["", "nonsense", "[]", "x" * 100_000])
def test_broken_frame_is_answered_and_the_channel_goes_on(text: str) -> None:
    channel = _channel()
    channel.receive_frame(text, _NOW)

    (error,) = _sent(channel)
    assert (error["type"], error["id"]) == ("error", None)
    assert error["code"] in ("malformed-message", "message-too-large")
    channel.receive_frame(_submit("a1"), _NOW)
    assert len(_events(channel)) == 1


def test_binary_frame_is_answered_too() -> None:
    channel = _channel()
    channel.receive_bytes(_NOW)

    assert _sent(channel)[0]["code"] == "malformed-message"


def test_browser_that_sends_nothing_but_rubbish_is_left() -> None:
    channel = _channel()
    for _ in range(MAX_BAD_FRAMES + 5):
        channel.receive_frame("rubbish", _NOW)

    assert _events(channel) == [Closed(code=CloseCode.BAD_FRAMES)]
    assert len(_sent(channel)) == MAX_BAD_FRAMES


def test_slips_in_the_form_never_close_the_channel() -> None:
    channel = _channel()
    slip = json.dumps(
        {"v": 1, "type": "start", "id": "a", "call": "c1", "interaction_type": "none of these"}
    )
    for _ in range(MAX_BAD_FRAMES + 5):
        channel.receive_frame(slip, _NOW)
        assert _sent(channel)[0]["field"] == "interaction_type"

    assert not channel.closed


# Time


def test_ping_goes_out_and_the_sign_in_is_checked() -> None:
    channel = _channel()
    channel.handle_timer(_NOW + PING_INTERVAL_S - 0.1)
    assert (_sent(channel), _events(channel)) == ([], [])
    assert channel.next_timer() == _NOW + PING_INTERVAL_S

    channel.handle_timer(_NOW + PING_INTERVAL_S)

    assert _sent(channel) == [{"v": 1, "type": "ping"}]
    assert _events(channel) == [SessionCheckDue()]
    assert channel.next_timer() == _NOW + 2 * PING_INTERVAL_S


def test_browser_that_answers_pings_stays() -> None:
    channel = _channel()
    for round in range(1, 10):
        now = _NOW + round * PING_INTERVAL_S
        channel.handle_timer(now)
        channel.receive_frame('{"v":1,"type":"pong"}', now)

    assert not channel.closed


def test_silent_browser_is_given_up() -> None:
    channel = _channel()
    channel.handle_timer(_NOW + SILENCE_LIMIT_S)

    assert _events(channel) == [Closed(code=CloseCode.SILENT)]


# The end


def test_first_reason_to_close_stays_and_nothing_is_taken_afterwards() -> None:
    channel = _channel()
    channel.end(CloseCode.SIGNED_OUT)
    channel.end(CloseCode.SILENT)
    channel.receive_frame(_submit("a1"), _NOW)
    channel.receive_bytes(_NOW)
    channel.receive_update(SessionChanged(view=a_view()))
    channel.handle_timer(_NOW + 100)

    assert _events(channel) == [Closed(code=CloseCode.SIGNED_OUT)]
    assert _sent(channel) == []


def test_reader_that_stopped_reading_is_left_with_a_bounded_queue() -> None:
    channel = _channel()
    for number in range(MAX_FRAMES_QUEUED + 1):
        channel.receive_update(SessionChanged(view=a_view(session=f"s{number}")))

    assert _events(channel) == [Closed(code=CloseCode.TRY_AGAIN_LATER)]
    assert _sent(channel) == []
