"""The agent's desk over live sessions: checks who asks, runs what was asked, writes the audit log."""

import asyncio
import logging
import secrets
import string
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any

from ivr.clock import Clock
from ivr.payments.runner import Runner
from ivr.secret import Revealable
from ivr.session import messages
from ivr.session.alarm import Alarm, LoopAlarm
from ivr.session.charging import Charging
from ivr.session.journal import Journal
from ivr.session.live import LiveSession, LiveSessions
from ivr.session.machine import IllegalMoveError, Trigger
from ivr.session.ports import (
    CallControl,
    CallLostError,
    CallsChanged,
    DeskUpdate,
    SessionChanged,
    SessionError,
)
from ivr.session.profile import PaymentProfile
from ivr.session.profile_toml import ProfileError
from ivr.session.request import checked_order
from ivr.session.session import PaymentSession, SessionOpening
from ivr.session.settling import Settling
from ivr.session.settling_schedule import SettlingSchedule
from ivr.session.store import AttemptRecord, AuditLog, SessionRecord, SessionStore, StoreError
from ivr.session.tasks import Tasks
from ivr.session.updates import Updates
from ivr.session.view import (
    AgentId,
    AgentView,
    CallId,
    CallView,
    ProfileView,
    SessionId,
    StartPayment,
)
from ivr.session.words import ErrorType, FieldName, RecorderState, Status

_log = logging.getLogger(__name__)


def new_session_id() -> SessionId:
    """Return a fresh id: 80 bits, letters only, so that no log filter takes it for a card number."""
    return SessionId("".join(secrets.choice(string.ascii_lowercase) for _ in range(18)))


class SessionService:
    """Implements `AgentDesk`; the bridge tells it of keys and calls, the storage keeps its records."""

    def __init__(
        self,
        *,
        control: CallControl,
        store: SessionStore,
        audit: AuditLog,
        runner: Runner,
        profiles: Sequence[PaymentProfile],
        clock: Clock,
        alarm: Alarm | None = None,
        node: str = "main",
        new_id: Callable[[], SessionId] = new_session_id,
    ) -> None:
        """Raise :class:`ProfileError` where a profile names a processor that `runner` does not have."""
        self._control = control
        self._runner = runner
        self._clock = clock
        alarm = alarm or LoopAlarm(clock)
        self._new_id = new_id
        self._tasks, self._updates = Tasks(), Updates()
        self._journal = Journal(store, audit, clock=clock, node=node)
        self._charging = Charging(runner, self._journal, clock=clock)
        settling = Settling(runner, store, clock=clock, node=node, settled=self._settled)
        self._schedule = SettlingSchedule(
            settling,
            busy=self._busy,
            tasks=self._tasks,
            clock=clock,
            alarm=alarm,
        )
        self._live = LiveSessions(
            control=control,
            journal=self._journal,
            updates=self._updates,
            tasks=self._tasks,
            clock=clock,
            alarm=alarm,
        )
        self._closing = False
        self.use_profiles(profiles)

    # --- AgentDesk

    def profiles(self) -> list[ProfileView]:
        """Return the payment profiles that can be chosen."""
        return [profile.view() for profile in self._profiles.values()]

    def calls(self, agent: AgentId) -> list[CallView]:
        """Return the agent's live calls."""
        return self._control.calls_of(agent)

    def sessions(self, agent: AgentId) -> list[AgentView]:
        """Return the agent's live and recently ended sessions, newest first."""
        return self._live.views(agent)

    async def start(self, agent: AgentId, request: StartPayment) -> AgentView:
        """Secure the call and ask for the first field.

        Raise SessionError `unknown-call`, `session-in-progress`, `unknown-profile`, `invalid-amount`,
        `invalid-payee`, `invalid-reason`, `call-not-secured`, `internal-error` or `closing`.
        """
        work = self._start(agent, request)
        detail = {"call": request.call, "profile": request.profile}
        return await self._command("payment.start", agent, request.call, work, detail=detail)

    async def capture(self, agent: AgentId, session: SessionId, field: FieldName) -> AgentView:
        """Ask for one field (again).

        Raise SessionError `unknown-session`, `unknown-field`, `not-possible`, `call-not-secured`.
        """
        work = self._capture(agent, session, field)
        return await self._command("payment.capture", agent, session, work, detail={"field": field})

    async def submit(self, agent: AgentId, session: SessionId) -> AgentView:
        """Charge the card, once, however often this is called; return when the outcome is there or unknown.

        Raise SessionError `unknown-session`, `incomplete` or `not-possible`.
        """
        return await self._command("payment.submit", agent, session, self._submit(agent, session))

    async def cancel(self, agent: AgentId, session: SessionId) -> AgentView:
        """End the session unpaid. Raise SessionError `unknown-session` or, while charging, `not-possible`."""
        return await self._command("payment.cancel", agent, session, self._cancel(agent, session))

    def updates(self, agent: AgentId) -> AbstractAsyncContextManager[AsyncIterator[DeskUpdate]]:
        """Subscribe to the agent's updates; bounded."""
        return self._updates.subscribe(agent)

    # --- what the application tells

    def use_profiles(self, profiles: Sequence[PaymentProfile]) -> None:
        """Offer these profiles from now on; sessions that run keep theirs. Raise :class:`ProfileError`."""
        for profile in profiles:
            if profile.processor not in self._runner.accounts:
                known = ", ".join(sorted(self._runner.accounts))
                raise ProfileError(
                    f"profile {profile.name!r}: processor: {profile.processor!r} is not configured; known: {known}"
                )
        self._profiles = {profile.name: profile for profile in profiles}

    def key_pressed(self, call: CallId, key: Revealable) -> None:
        """A key was pressed on the caller's leg."""
        self._live.key_pressed(call, key)

    def call_ended(self, call: CallId, reason: str) -> None:
        """The call is over; a charge that is on its way is still waited for."""
        self._end_on_call(call, Trigger.HUNG_UP, reason)

    def media_interrupted(self, call: CallId) -> None:
        """Keys of this call may be lost, while its line is moved to another media worker: ask again for the field."""
        self._live.interrupted(call)

    def media_lost(self, call: CallId) -> None:
        """The media worker of this call is gone."""
        self._end_on_call(call, Trigger.MEDIA_LOST, "media lost")

    def calls_changed(self, agent: AgentId) -> None:
        """The agent's calls, or the recorder of one, changed."""
        calls = tuple(self._control.calls_of(agent))
        self._updates.publish(agent, CallsChanged(calls=calls))
        self._live.republish(agent)

    async def recover(self) -> None:
        """After a start: end what a crash interrupted, look up what was being charged.

        Nothing is sent again. Raise :class:`StoreError` where the store cannot be read.
        """
        await self._schedule.recover(live=self._live.ids)

    async def close(self) -> None:
        """Refuse new sessions, end the ones that can be ended, wait for charges, release every line."""
        self._closing = True
        for live in self._live.all():
            if live.session.status is not Status.PROCESSING:
                self._live.leave(live, Trigger.FAULT)
        self._schedule.close()
        await self._tasks.wait()
        self._updates.close()

    # --- commands

    async def _command(
        self,
        what: str,
        agent: AgentId,
        target: str,
        work: Coroutine[Any, Any, AgentView],
        *,
        detail: dict[str, str] | None = None,
    ) -> AgentView:
        """Run a command as the service's own task, so that a closed window leaves nothing half done."""
        return await asyncio.shield(
            self._tasks.spawn(self._audited(what, agent, target, work, detail or {}))
        )

    async def _audited(
        self,
        what: str,
        agent: AgentId,
        target: str,
        work: Coroutine[Any, Any, AgentView],
        detail: dict[str, str],
    ) -> AgentView:
        try:
            view = await work
        except (SessionError, IllegalMoveError) as refusal:
            error = _not_possible() if isinstance(refusal, IllegalMoveError) else refusal
            await self._journal.note(
                what,
                who=agent,
                target=target,
                origin="panel",
                success=False,
                detail={**detail, "refused": error.code},
            )
            raise error from None
        detail = {**detail, "session": view.session, "status": view.status}
        await self._journal.note(what, who=agent, target=target, origin="panel", detail=detail)
        return view

    async def _start(self, agent: AgentId, request: StartPayment) -> AgentView:
        live = self._live.open(self._checked_session(agent, request))
        try:
            await self._live.secure(live)
        except CallLostError:
            raise SessionError("call-not-secured", messages.LINE_NOT_SECURED) from None
        except StoreError as error:
            _log.error("session could not be stored: %s", error)
            raise SessionError(ErrorType.INTERNAL_ERROR, messages.FAULT) from None
        except Exception as error:
            _log.error("line could not be secured (%s)", type(error).__name__)
            raise SessionError(ErrorType.INTERNAL_ERROR, messages.FAULT) from None
        return self._live.view(live)

    def _checked_session(self, agent: AgentId, request: StartPayment) -> PaymentSession:
        if self._closing:
            raise SessionError("closing", "The gateway is being stopped. Try again in a minute.")
        call = self._control.find_call(request.call)
        if call is None or call.agent != agent:
            raise SessionError(
                "unknown-call", "This call is not one of your live calls.", field="call"
            )
        if self._live.on_call(request.call) is not None:
            message = "A payment is already running on this call."
            raise SessionError(ErrorType.SESSION_IN_PROGRESS, message, field="call")
        if call.recorder is RecorderState.FAILED:
            raise SessionError("call-not-secured", messages.RECORDER_FAILED, field="call")
        profile = self._profiles.get(request.profile)
        if profile is None:
            raise SessionError("unknown-profile", "Choose a payment profile.", field="profile")
        utc_now = self._clock.utc_now()
        opening = SessionOpening(
            session=self._new_id(),
            call=request.call,
            caller=call.caller,
            agent=agent,
            interaction_type=request.interaction_type,
            order=checked_order(request, profile),
            profile=profile,
            created_at=utc_now,
        )
        return PaymentSession(opening, today=utc_now.date())

    async def _capture(self, agent: AgentId, session: SessionId, field: FieldName) -> AgentView:
        live = self._own(agent, session)
        if field not in live.session.opening.profile.fields:
            message = "This payment does not ask for that field."
            raise SessionError("unknown-field", message, field="field")
        try:
            await self._live.ask(live, field)
        except CallLostError:
            raise SessionError("call-not-secured", messages.CALLER_NOT_MUTED) from None
        return self._live.view(live)

    async def _submit(self, agent: AgentId, session: SessionId) -> AgentView:
        ended = self._live.recent.find(agent, session)
        if ended is not None and ended.status in (Status.SUCCEEDED, Status.REVIEW):
            return ended
        live = self._own(agent, session)
        if live.session.status in (Status.COLLECTING, Status.DECLINED) and live.session.missing:
            labels = " and ".join(messages.field_label(name) for name in live.session.missing)
            raise SessionError("incomplete", f"Still missing: {labels}.")
        if live.charge is None or live.charge.done():
            if live.session.ended:
                return self._live.view(live)
            live.session.submitted()
            self._live.changed(live)
            live.charge = self._tasks.spawn(self._charge(live))
        await asyncio.shield(live.charge)
        return self._live.view(live)

    async def _charge(self, live: LiveSession) -> None:
        try:
            settled = await self._charging.charge(live.session, lambda: self._live.changed(live))
        except Exception as error:
            # Whether anything was sent is not known here, so it is looked up like any lost answer.
            session = live.session.opening.session
            _log.error("charge of session %s failed (%s)", session, type(error).__name__)
            self._live.leave(live, Trigger.FAULT)
            settled = False
        if not settled:
            self._schedule.settle_later()

    async def _cancel(self, agent: AgentId, session: SessionId) -> AgentView:
        ended = self._live.recent.find(agent, session)
        if ended is not None and ended.status is Status.CANCELLED:
            return ended
        live = self._own(agent, session)
        if live.session.status is Status.PROCESSING:
            raise SessionError("not-possible", "The payment is being made. Wait for the answer.")
        self._live.leave(live, Trigger.CANCELLED)
        return self._live.view(live)

    def _own(self, agent: AgentId, session: SessionId) -> LiveSession:
        """Return the agent's live session; others' sessions look like ones that never were."""
        live = self._live.find(agent, session)
        if live is None:
            if self._live.recent.find(agent, session) is not None:
                raise _not_possible()
            raise SessionError("unknown-session", "This is not one of your payments.")
        return live

    # --- inside

    def _end_on_call(self, call: CallId, trigger: Trigger, reason: str) -> None:
        live = self._live.on_call(call)
        if live is not None:
            _log.info("session %s: %s", live.session.opening.session, reason)
            self._live.leave(live, trigger)

    def _busy(self, attempt: AttemptRecord) -> bool:
        return attempt.key in self._charging.in_flight or attempt.session in self._live.ids

    def _settled(self, record: SessionRecord) -> None:
        """Show an agent what a look-up told of a session that has ended."""
        view = self._live.recent.find(record.agent, record.session)
        if view is None:
            return
        view = replace(
            view,
            status=record.status,
            result=record.result,
            message=record.message,
            confirmation=record.confirmation,
            seq=view.seq + 1,
        )
        self._live.recent.replace(view)
        self._updates.publish(view.agent, SessionChanged(view=view))


def _not_possible() -> SessionError:
    return SessionError("not-possible", "That cannot be done now.")
