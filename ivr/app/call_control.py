"""The payment session's `CallControl` over the bridge."""

from dataclasses import asdict

from bridge.call.events import CallInfo
from bridge.errors import NotConfirmedError
from bridge.media.line_masking import LineMasking as BridgeLineMasking
from bridge.media.messages import CallId as BridgeCallId
from bridge.node import BridgeNode
from ivr.session.line_masking import LineMasking
from ivr.session.ports import CallLostError
from ivr.session.view import AgentId, CallId, CallView
from ivr.session.words import RecorderState


class BridgeCallControl:
    """Calls as the payment session needs them."""

    def __init__(self, node: BridgeNode) -> None:
        self._node = node

    async def secure(self, call: CallId, masking: LineMasking) -> None:
        """Pause the recorder, close the gate, both confirmed; raise :class:`CallLostError` otherwise."""
        try:
            await self._node.secure(BridgeCallId(call), BridgeLineMasking(**asdict(masking)))
        except NotConfirmedError as error:
            raise CallLostError(str(error)) from error

    async def mute(self, call: CallId, *, muted: bool) -> None:
        """Mute the caller towards the agent or not, confirmed; raise :class:`CallLostError` otherwise."""
        try:
            await self._node.mute(BridgeCallId(call), muted=muted)
        except NotConfirmedError as error:
            raise CallLostError(str(error)) from error

    async def release(self, call: CallId) -> None:
        """Open the gate, resume the recorder; raise :class:`CallLostError` where the gate did not open."""
        try:
            await self._node.release(BridgeCallId(call))
        except NotConfirmedError as error:
            raise CallLostError(str(error)) from error

    def find_call(self, call: CallId) -> CallView | None:
        """Return the live call, or None."""
        return next(
            (view_of(info) for info in self._node.calls() if info.call == BridgeCallId(call)), None
        )

    def calls_of(self, agent: AgentId) -> list[CallView]:
        """Return the agent's live calls, oldest first."""
        return [view_of(info) for info in self._node.calls() if info.agent == agent]


def view_of(info: CallInfo) -> CallView:
    """Return what an agent may see of a call."""
    return CallView(
        call=CallId(info.call),
        agent=AgentId(info.agent),
        caller=info.caller,
        called=info.called,
        state=info.state,
        secure=info.secure,
        recorder=RecorderState(info.recorder),
        started_at=info.started_at.isoformat(timespec="seconds"),
        muted=info.masking.muted,
    )
