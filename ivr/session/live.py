"""Rules of this file: drive the sessions of live calls. A session is changed without awaiting in between, and every
way out of it ends in `_finish`, which releases the line.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from ivr.clock import Clock
from ivr.secret import Revealable
from ivr.session.alarm import Alarm, AlarmHandle
from ivr.session.journal import Journal
from ivr.session.machine import Trigger
from ivr.session.ports import CallControl, CallLostError, SessionChanged
from ivr.session.recent import RecentSessions
from ivr.session.session import PaymentSession
from ivr.session.tasks import Tasks
from ivr.session.updates import Updates
from ivr.session.view import AgentId, AgentView, CallId, SessionId
from ivr.session.words import FieldName, RecorderState

_log = logging.getLogger(__name__)

LINE_TIMEOUT_S = 10.0
"Longest wait for a line to be secured or released; the bridge answers in tens of milliseconds or not at all."


@dataclass(slots=True, kw_only=True)
class LiveSession:
    """A session and what drives it."""

    session: PaymentSession

    number: int
    "Grows with every session of this process."

    line: asyncio.Lock = field(default_factory=asyncio.Lock)
    "Held while the line is being secured or released: never both at once."

    muted: bool | None = False
    "The agent does not hear the caller: confirmed; None: not known."

    charge: "asyncio.Task[None] | None" = None

    alarm: AlarmHandle | None = None

    finishing: bool = False


class LiveSessions:
    """One session a call at most; keys, timers and bad news in, views out."""

    def __init__(
        self,
        *,
        control: CallControl,
        journal: Journal,
        updates: Updates,
        tasks: Tasks,
        clock: Clock,
        alarm: Alarm,
    ) -> None:
        """Drive no session yet."""
        self.recent = RecentSessions()
        self._control = control
        self._journal = journal
        self._updates = updates
        self._tasks = tasks
        self._clock = clock
        self._alarm = alarm
        self._by_call: dict[CallId, LiveSession] = {}
        self._by_id: dict[SessionId, LiveSession] = {}
        self._opened = 0

    # --- finding

    @property
    def ids(self) -> frozenset[str]:
        """Return the ids of all live sessions."""
        return frozenset(self._by_id)

    def all(self) -> list[LiveSession]:
        """Return all live sessions."""
        return list(self._by_id.values())

    def on_call(self, call: CallId) -> LiveSession | None:
        """Return the session that has not let go of this call yet."""
        return self._by_call.get(call)

    def find(self, agent: AgentId, session: SessionId) -> LiveSession | None:
        """Return the live session if it is this agent's own."""
        live = self._by_id.get(session)
        return live if live is not None and live.session.opening.agent == agent else None

    def views(self, agent: AgentId) -> list[AgentView]:
        """Return the agent's live and recently ended sessions, newest first."""
        numbered = self.recent.of(agent) + [
            (live.number, self.view(live))
            for live in self._by_id.values()
            if live.session.opening.agent == agent
        ]
        return [view for _, view in sorted(numbered, key=lambda pair: pair[0], reverse=True)]

    def view(self, live: LiveSession) -> AgentView:
        """Return the session as its agent sees it now."""
        call = self._control.find_call(live.session.opening.call)
        recorder = RecorderState.OFF if call is None else call.recorder
        muted = call is not None and call.muted
        return live.session.view(self._clock.monotonic_s(), recorder=recorder, caller_muted=muted)

    # --- from beginning to end

    def open(self, session: PaymentSession) -> LiveSession:
        """Take the call for this session; the caller has checked that it is free."""
        self._opened += 1
        live = LiveSession(session=session, number=self._opened)
        self._by_call[session.opening.call] = live
        self._by_id[session.opening.session] = live
        return live

    async def secure(self, live: LiveSession) -> None:
        """Store the session, secure its line, ask for the first field.

        Where that fails the session has ended, with its reason, and the failure is raised: StoreError,
        CallLostError, or whatever went wrong.
        """
        session = live.session
        trigger: Trigger | None = Trigger.FAULT
        try:
            async with live.line:
                await self._journal.create(session)
                async with asyncio.timeout(LINE_TIMEOUT_S):
                    await self._control.secure(
                        session.opening.call, session.opening.profile.masking
                    )
            live.muted = session.opening.profile.masking.muted
            trigger = None
            if not session.ended:
                session.secured(self._clock.monotonic_s())
        except (CallLostError, TimeoutError):
            trigger = Trigger.CALL_NOT_SECURED
            raise CallLostError from None
        finally:
            if trigger is not None:
                session.leave(trigger)
            self.changed(live)

    def changed(self, live: LiveSession) -> None:
        """Show the session as it is now, set its timer, and finish it if it has ended."""
        live.session.seq += 1
        self._set_alarm(live)
        self._fit_voice(live)
        if live.session.ended and not live.finishing:
            live.finishing = True
            live.session.ended_at = self._clock.utc_now()
            self._tasks.spawn(self._finish(live))
        self._publish(self.view(live))

    async def ask(self, live: LiveSession, field: FieldName) -> None:
        """Ask for a field, the caller muted first where the profile says so.

        Raise :class:`IllegalMoveError` where no field can be asked, :class:`CallLostError` where the caller could
        not be muted: nothing is asked then.
        """
        session = live.session
        session.check_may_ask()
        try:
            if session.opening.profile.masking.muted:
                await self._set_voice(live, muted=True)
            session.ask(field, self._clock.monotonic_s())
        finally:
            self._fit_voice(live)
        self.changed(live)

    def _fit_voice(self, live: LiveSession) -> None:
        """Let the caller be heard again when no field is keyed any more; before one is, :meth:`ask` mutes."""
        session = live.session
        if live.muted is not False and not session.mutes_caller and not session.ended:
            self._tasks.spawn(self._unmute(live))

    async def _unmute(self, live: LiveSession) -> None:
        try:
            await self._set_voice(live, muted=False)
        except CallLostError as error:
            # The caller stays muted, which the agent sees.
            _log.error("call %s stays muted (%s)", live.session.opening.call, error)

    async def _set_voice(self, live: LiveSession, *, muted: bool) -> None:
        """Mute the caller or not, unless that is so already, or has been overtaken; raise :class:`CallLostError`."""
        session = live.session
        try:
            async with live.line, asyncio.timeout(LINE_TIMEOUT_S):
                if live.muted is muted or session.ended or (session.mutes_caller and not muted):
                    return
                live.muted = None
                await self._control.mute(session.opening.call, muted=muted)
                live.muted = muted
        except TimeoutError:
            raise CallLostError("the line does not answer") from None

    async def _finish(self, live: LiveSession) -> None:
        """Release the line, forget the session, keep its record. Runs once for each session."""
        session = live.session
        opening = session.opening
        released = await self._release(live)
        if released:
            session.released()
        session.seq += 1
        last = self.view(live)
        self.recent.add(last, number=live.number)
        del self._by_call[opening.call]
        del self._by_id[opening.session]
        self._publish(last)
        await self._journal.save(session)
        await self._journal.note(
            "payment.end",
            who="gateway",
            target=opening.session,
            origin="gateway",
            success=released,
            detail={
                "status": session.status,
                "result": session.result or "",
                "line": "open" if released else "shut",
            },
        )

    async def _release(self, live: LiveSession) -> bool:
        call = live.session.opening.call
        try:
            async with live.line, asyncio.timeout(LINE_TIMEOUT_S):
                await self._control.release(call)
        except Exception as error:
            # The gate stays shut and the recorder paused: silence, never a tone.
            _log.error("call %s could not be released (%s)", call, type(error).__name__)
            return False
        return True

    # --- what comes from the call

    def key_pressed(self, call: CallId, key: Revealable) -> None:
        """Give a key to the session of this call; without one, and before the line is secure, it is dropped."""
        live = self._by_call.get(call)
        if live is not None:
            now = self._clock.monotonic_s()
            self._drive(live, lambda: live.session.receive_key(key, now))

    def interrupted(self, call: CallId) -> None:
        """Keys of this call may be lost: what is being keyed is keyed again from its start."""
        live = self._by_call.get(call)
        if live is not None:
            now = self._clock.monotonic_s()
            self._drive(live, lambda: live.session.interrupted(now))

    def leave(self, live: LiveSession, trigger: Trigger) -> None:
        """End a session for a reason that lies outside of it."""
        if live.session.ended:
            return
        live.session.leave(trigger)
        self.changed(live)

    def republish(self, agent: AgentId) -> None:
        """Show the agent's live sessions again: something about their calls changed."""
        for live in self.all():
            if live.session.opening.agent == agent:
                live.session.seq += 1
                self._publish(self.view(live))

    # --- inside

    def _drive(self, live: LiveSession, step: Callable[[], bool]) -> None:
        try:
            if step():
                self.changed(live)
        except Exception as error:
            # The kind only: nothing that was keyed may reach a log, and the payment must not go on.
            _log.error("session %s failed (%s)", live.session.opening.session, type(error).__name__)
            self.leave(live, Trigger.FAULT)

    def _set_alarm(self, live: LiveSession) -> None:
        if live.alarm is not None:
            live.alarm.cancel()
        due = live.session.next_timer()
        live.alarm = None if due is None else self._alarm.call_at(due, lambda: self._ring(live))

    def _ring(self, live: LiveSession) -> None:
        now = self._clock.monotonic_s()
        self._drive(live, lambda: live.session.handle_timer(now))
        self._set_alarm(live)

    def _publish(self, view: AgentView) -> None:
        self._updates.publish(view.agent, SessionChanged(view=view))
