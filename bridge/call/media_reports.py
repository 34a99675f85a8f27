"""What the media workers tell of calls: passed on to the call, or told of it when it is over."""

from collections.abc import Callable
from dataclasses import asdict
from typing import assert_never

import structlog

from bridge.call.events import (
    BridgeEvent,
    CallMeasured,
    KeyPressed,
    LineMeasured,
    SecureSpanEnded,
)
from bridge.call.live_calls import LiveCall, LiveCalls
from bridge.call.prompts import CallPrompts
from bridge.call.quality_fields import is_poor, quality_fields
from bridge.call.refusal import OVERLOADED
from bridge.media import messages as m
from bridge.media.secure_totals import SecureTotals

log = structlog.get_logger(__name__)


class MediaReports:
    """Takes the reports of all workers."""

    def __init__(
        self,
        calls: LiveCalls,
        prompts: CallPrompts,
        on_event: Callable[[BridgeEvent], None],
        *,
        pump: Callable[[], None],
        now: Callable[[], float],
    ) -> None:
        """`pump` sends what flows made; `now`: monotonic seconds."""
        self._calls, self._prompts, self._on_event = calls, prompts, on_event
        self._pump, self._now = pump, now

    def receive(self, report: m.CallReport) -> None:
        """Treat one report; some come when their call is over."""
        match report:
            case m.SecureSpanCounted():
                self._on_event(SecureSpanEnded(call=report.call, totals=SecureTotals.of(report)))
            case m.CallMeasured():
                self._call_measured(report)
            case m.LineReported():
                self._line_reported(report)
            case m.PromptEnded():
                self._prompts.receive(report)
            case _:
                if (call := self._calls.get(report.call)) is not None:
                    self._receive_of_live(call, report)

    def _receive_of_live(
        self,
        call: LiveCall,
        report: m.CallOpened | m.CallRefused | m.KeyReported | m.SecureChanged | m.RecorderChanged,
    ) -> None:
        match report:
            case m.CallOpened():
                self._opened(call, report)
            case m.CallRefused():
                self._refused(call, report)
            case m.KeyReported():
                self._on_event(
                    KeyPressed(call=report.call, key=report.key, transport=report.transport)
                )
            case m.SecureChanged() | m.RecorderChanged():
                call.line.receive(report)
            case _:
                assert_never(report)

    def _opened(self, call: LiveCall, report: m.CallOpened) -> None:
        """Some worker has ports for a call that begins or is moved."""
        if call.move is None:
            call.flow.media_opened(report, self._now())
        else:
            call.move.opened(report)
        self._pump()

    def _refused(self, call: LiveCall, report: m.CallRefused) -> None:
        log.warning("call refused", call=report.call, reason=report.reason)
        if call.move is None:
            self._calls.refused[OVERLOADED.status] += 1
            call.flow.media_refused(report.reason, self._now())
        else:
            call.move.refused(report.reason)
        self._pump()

    def _call_measured(self, report: m.CallMeasured) -> None:
        tell = log.warning if is_poor(report.quality) else log.info
        tell("call measured", call=report.call, **quality_fields(report.quality))
        self._on_event(CallMeasured(call=report.call, quality=report.quality))

    def _line_reported(self, report: m.LineReported) -> None:
        """Tell of the caller's line; in the log its figures and the call, never a press."""
        if (line := report.line) is not None:
            tell = log.warning if line.near_limits else log.info
            tell("line measured", call=report.call, **asdict(line))
        self._on_event(LineMeasured(call=report.call, line=report.line))
