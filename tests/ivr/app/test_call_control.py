"""The session's view of calls, over the bridge's."""

from collections.abc import Sequence
from typing import cast

import pytest

from bridge.call.events import CallInfo
from bridge.errors import NotConfirmedError
from bridge.media.line_masking import LineMasking as BridgeLineMasking
from bridge.media.messages import CallId as BridgeCallId
from bridge.media.messages import RecorderState as BridgeRecorderState
from bridge.node import BridgeNode
from ivr.app.call_control import BridgeCallControl
from ivr.session.line_masking import LineMasking
from ivr.session.ports import CallLostError
from ivr.session.view import AgentId, CallId
from ivr.session.words import RecorderState
from tests.ivr.app.calls import call_info


class FakeNode:
    """A bridge with these calls, which does as it is told or fails."""

    def __init__(self, calls: Sequence[CallInfo] = (), *, fails: bool = False) -> None:
        self._calls, self._fails = calls, fails
        self.commands: list[tuple[str, BridgeCallId]] = []
        self.masking: BridgeLineMasking | None = None
        self.muted: bool | None = None

    def calls(self) -> list[CallInfo]:
        return list(self._calls)

    async def secure(self, call: BridgeCallId, masking: BridgeLineMasking) -> None:
        self.masking = masking
        self._do("secure", call)

    async def mute(self, call: BridgeCallId, *, muted: bool) -> None:
        self.muted = muted
        self._do("mute", call)

    async def release(self, call: BridgeCallId) -> None:
        self._do("release", call)

    def _do(self, what: str, call: BridgeCallId) -> None:
        self.commands.append((what, call))
        if self._fails:
            raise NotConfirmedError("the recorder cannot be paused: it is failed")


def control_of(node: FakeNode) -> BridgeCallControl:
    return BridgeCallControl(cast(BridgeNode, node))


async def test_commands_reach_the_bridge() -> None:
    node = FakeNode()
    control = control_of(node)
    await control.secure(CallId("c1"), LineMasking(hold_frames=2, muted=True, even_beeps=True))
    await control.mute(CallId("c1"), muted=False)
    await control.release(CallId("c1"))
    assert node.commands == [("secure", "c1"), ("mute", "c1"), ("release", "c1")]
    assert node.masking == BridgeLineMasking(hold_frames=2, muted=True, even_beeps=True)
    assert node.muted is False


async def test_a_line_that_is_not_confirmed_secure_counts_as_lost_with_its_reason() -> None:
    control = control_of(FakeNode(fails=True))
    with pytest.raises(CallLostError, match="the recorder cannot be paused: it is failed"):
        await control.secure(CallId("c1"), LineMasking())


async def test_muting_that_is_not_confirmed_is_told() -> None:
    control = control_of(FakeNode(fails=True))
    with pytest.raises(CallLostError, match="the recorder cannot be paused"):
        await control.mute(CallId("c1"), muted=True)


async def test_a_gate_that_did_not_open_is_told() -> None:
    control = control_of(FakeNode(fails=True))
    with pytest.raises(CallLostError, match="the recorder cannot be paused"):
        await control.release(CallId("c1"))


def test_a_call_is_found_by_its_id() -> None:
    control = control_of(FakeNode([call_info(call="c1"), call_info(call="c2")]))
    found = control.find_call(CallId("c2"))
    assert found is not None
    assert found.call == "c2"
    assert control.find_call(CallId("c3")) is None


def test_an_agent_has_own_calls_only_oldest_first() -> None:
    calls = [
        call_info(call="c1", agent="alice"),
        call_info(call="c2", agent="bob"),
        call_info(call="c3", agent="alice"),
        call_info(call="c4", agent=""),
    ]
    control = control_of(FakeNode(calls))
    assert [view.call for view in control.calls_of(AgentId("alice"))] == ["c1", "c3"]


@pytest.mark.parametrize("state", list(BridgeRecorderState))
def test_a_view_tells_what_the_agent_may_see(state: BridgeRecorderState) -> None:
    (view,) = control_of(FakeNode([call_info(recorder=state, secure=True)])).calls_of(
        AgentId("alice")
    )
    assert (view.caller, view.called, view.state) == ("02079460123", "5000", "talking")
    assert view.secure is True
    assert view.recorder is RecorderState(state.value)
    assert view.started_at == "2026-11-20T09:00:01+00:00"
