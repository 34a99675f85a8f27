"""Whatever happens in whatever order: nothing raises, a call ends once, closes its media once, leaves nobody behind."""

import contextlib
from collections.abc import Callable
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import LocalProtocolError
from bridge.media import messages as m
from bridge.sip.events import (
    Acknowledged,
    Answered,
    ByeReceived,
    Cancelled,
    DialogEvent,
    DialogId,
    DialogLost,
    InfoReceived,
    InviteReceived,
    Progressed,
    ReinviteAnswered,
    ReinviteCancelled,
    ReinviteReceived,
    ReinviteRejected,
    Rejected,
)
from tests.bridge.call.rig import AGENT_PORT, ALICE, CALL, CALLER_PORT, Rig, sdp

BODIES: Final = (
    b"",
    b"no description",
    sdp(ALICE[0]),
    sdp(ALICE[0], "opus"),
    sdp(ALICE[0], "PCMA", direction="sendonly", version=2),
    sdp("0.0.0.0", version=3),
)
RELAY: Final = "application/dtmf-relay"
OPENED: Final = m.CallOpened(call=CALL, caller_port=CALLER_PORT, agent_port=AGENT_PORT)
MOVED: Final = m.CallOpened(call=CALL, caller_port=CALLER_PORT + 8, agent_port=AGENT_PORT + 8)

bodies = st.sampled_from(BODIES)
Step = Callable[[Rig, DialogId, DialogId | None], None]


def of_alice(step: Callable[[Rig, DialogId], None]) -> st.SearchStrategy[Step]:
    return st.just(lambda rig, alice, bob: step(rig, alice))


def of_bob(step: Callable[[Rig, DialogId], None]) -> st.SearchStrategy[Step]:
    return st.just(lambda rig, alice, bob: None if bob is None else step(rig, bob))


def lose_next(rig: Rig) -> None:
    rig.losses += 1


def interrupt(rig: Rig) -> None:
    if rig.flow.talking:
        rig.flow.media_interrupted()


def shield(rig: Rig) -> None:
    rig.flow.shielded = not rig.flow.shielded


steps: st.SearchStrategy[Step] = st.one_of(
    of_alice(lambda rig, alice: rig.flow.media_opened(OPENED, rig.now)),
    of_alice(lambda rig, alice: rig.flow.media_refused("full", rig.now)),
    of_alice(lambda rig, alice: rig.flow.media_lost("it has ended", rig.now)),
    of_alice(lambda rig, alice: interrupt(rig)),
    of_alice(lambda rig, alice: rig.flow.media_moved(MOVED, rig.now)),
    of_alice(lambda rig, alice: rig.flow.offer_again(rig.now)),
    of_alice(lambda rig, alice: rig.flow.hang_up("enough", rig.now)),
    of_alice(lambda rig, alice: shield(rig)),
    of_alice(lambda rig, alice: lose_next(rig)),
    of_alice(lambda rig, alice: rig.run_until(rig.now + 5.0)),
    of_alice(lambda rig, alice: rig.alice.cancel(alice, rig.now)),
    of_alice(lambda rig, alice: rig.alice.bye(alice, rig.now)),
    of_alice(lambda rig, alice: rig.alice.info(alice, RELAY, b"Signal=5\r\n", rig.now)),
    bodies.map(lambda body: lambda rig, alice, bob: rig.alice.reinvite(alice, body, rig.now)),
    of_bob(lambda rig, bob: rig.bob.bye(bob, rig.now)),
    of_bob(lambda rig, bob: rig.bob.info(bob, RELAY, b"Signal=5\r\n", rig.now)),
    bodies.flatmap(lambda body: of_bob(lambda rig, bob: rig.bob.reinvite(bob, body, rig.now))),
    bodies.flatmap(
        lambda body: of_bob(lambda rig, bob: rig.bob.respond(bob, 200, body=body, now=rig.now))
    ),
    st.tuples(st.sampled_from((180, 183, 302, 401, 486, 503)), bodies).flatmap(
        lambda drawn: of_bob(
            lambda rig, bob: rig.bob.respond(bob, drawn[0], body=drawn[1], now=rig.now)
        )
    ),
)


def begun(first: m.Leg, offer: bytes, progress: str) -> tuple[Rig, DialogId]:
    """Return a call that has come as far as `progress`, so that few steps are enough to reach what is late in it."""
    rig = Rig(first=first, recording="/recordings/call-1.wav")
    alice = rig.dial(offer)
    if progress != "dialled":
        rig.open_media()
    if progress == "talking" and rig.bob_events:
        rig.bob.respond(rig.offered().dialog, 200, body=sdp(ALICE[0]), now=rig.now)
        rig.run()
    return rig, alice


@given(
    first=st.sampled_from(m.Leg),
    offer=st.sampled_from((sdp(ALICE[0]), *BODIES)),
    progress=st.sampled_from(("ringing", "talking", "dialled")),
    moves=st.lists(st.tuples(steps, st.booleans()), max_size=12),
)
@settings(max_examples=300)
def test_two_phones_and_a_worker_do_anything(
    first: m.Leg, offer: bytes, progress: str, moves: list[tuple[Step, bool]]
) -> None:
    """`delivered` says whether datagrams move before the next step: where they do not, messages cross."""
    rig, alice = begun(first, offer, progress)
    for step, delivered in moves:
        invites = [event for event in rig.bob_events if isinstance(event, InviteReceived)]
        # What a phone cannot do in its state it does not do.
        with contextlib.suppress(LocalProtocolError):
            step(rig, alice, invites[0].dialog if invites else None)
        if delivered:
            rig.run()
    rig.run()
    rig.flow.hang_up("the test is over", rig.now)
    rig.ended_once()


dialog_events = st.one_of(
    bodies.map(lambda body: (Answered, {"body": body})),
    bodies.map(lambda body: (Acknowledged, {"body": body})),
    bodies.map(lambda body: (ReinviteReceived, {"body": body})),
    bodies.map(lambda body: (ReinviteAnswered, {"body": body})),
    bodies.map(lambda body: (Progressed, {"status": 183, "reason": "", "body": body})),
    st.just((Rejected, {"status": 486, "reason": "Busy", "retry_after": None})),
    st.just((ReinviteRejected, {"status": 491, "reason": "Pending", "retry_after": None})),
    st.just((InfoReceived, {"content_type": RELAY, "body": b"Signal=5"})),
    st.just((DialogLost, {"reason": "gone"})),
    st.just((Cancelled, {})),
    st.just((ByeReceived, {})),
    st.just((ReinviteCancelled, {})),
)


@given(
    opened=st.booleans(),
    told=st.lists(st.tuples(dialog_events, st.booleans()), max_size=10),
)
@settings(max_examples=200)
def test_events_that_no_endpoint_would_tell_in_this_order(
    opened: bool, told: list[tuple[tuple[type[DialogEvent], dict[str, object]], bool]]
) -> None:
    """The flow's table has a row for all that is treated, also where the endpoint's promises were broken."""
    rig = Rig()
    rig.dial()
    if opened:
        rig.open_media()
    dialogs = rig.flow.dialogs
    for (kind, values), of_second in told:
        dialog = dialogs[-1] if of_second else dialogs[0]
        event = kind(dialog=dialog, **values)  # type: ignore[arg-type]  # each kind has its own values
        rig.flow.receive(event, rig.now)
    rig.flow.hang_up("the test is over", rig.now)
    assert len(rig.endings()) == rig.closings() == 1
