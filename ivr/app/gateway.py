"""One gateway node: starts its parts in order, passes on what they tell each other, stops them in reverse."""

import errno
from contextlib import AsyncExitStack
from typing import Final, Self, assert_never

import structlog

from agent_panel.app import create_app
from agent_panel.deps import PanelDeps
from bridge.call.events import (
    BridgeEvent,
    CallChanged,
    CallMeasured,
    CallState,
    KeyPressed,
    LineMeasured,
    MediaInterrupted,
    MediaLost,
    MediaMoved,
    SecureSpanEnded,
)
from bridge.media.hardening import forbid_core_dumps
from bridge.node import BridgeNode
from ivr.app.call_control import BridgeCallControl
from ivr.app.evidence_log import SOFTWARE_VERSION, EvidenceLog
from ivr.app.first_run import FirstUser, create_first_user, phone_accounts
from ivr.app.folders import held_by_one_gateway, prepare_folder
from ivr.app.processor_accounts import processor_accounts
from ivr.app.profile_files import configured_profiles
from ivr.app.recorder_timelines import RecorderTimelines
from ivr.app.recording_notes import RecordingNotes
from ivr.app.web_server import WebServer
from ivr.clock import Clock, SystemClock
from ivr.config import Config
from ivr.evidence.node_key import make_key
from ivr.metrics.call_totals import CallTotals
from ivr.metrics.page import METRICS_PATH, NodeCollector, create_metrics_app
from ivr.payments.runner import Runner
from ivr.session.profile import PaymentProfile
from ivr.session.service import SessionService
from ivr.session.view import AgentId, CallId
from ivr.storage import migrate
from ivr.storage.accounts import UserAccounts
from ivr.storage.audit import AuditTrail
from ivr.storage.engine import open_database
from ivr.storage.evidence import CallEvidence
from ivr.storage.passwords import Passwords
from ivr.storage.profiles import PaymentProfiles
from ivr.storage.sessions import PaymentSessions
from ivr.storage.users import UserAdmin

_ADDRESS_IN_THE_WAY: Final = frozenset({errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES})
"Taken, not this machine's, or a port that only root may have: the configuration helps."

log = structlog.get_logger(__name__)


class Gateway:
    """A running node. Use :meth:`start` and :meth:`stop`."""

    node: BridgeNode
    desk: SessionService
    users: UserAdmin
    audit: AuditTrail
    first_user: FirstUser | None
    "Set where this start created the first user."
    phones: dict[str, str]
    "Accounts of the softphones."

    def __init__(self, config: Config, clock: Clock) -> None:
        self._config, self._clock = config, clock
        self._parts = AsyncExitStack()
        self._notes: RecordingNotes | None = None
        self._recorders = RecorderTimelines(self._clock)
        self._call_totals = CallTotals()
        self._metrics: WebServer | None = None

    @classmethod
    async def start(cls, config: Config, clock: Clock | None = None) -> Self:
        """Start everything; raise OSError, StoreError or ProfileError whose text says what cannot be used."""
        gateway = cls(config, clock or SystemClock())
        forbid_core_dumps()  # one would hold card digits (PCI DSS 3.3.1)
        try:
            await gateway._start_parts()
        except BaseException:
            await gateway.stop()
            raise
        return gateway

    @property
    def panel_url(self) -> str:
        """Address of the panel."""
        return self._web.url

    @property
    def metrics_url(self) -> str | None:
        """Where Prometheus finds the metrics; None where they are not served."""
        return None if self._metrics is None else self._metrics.url + METRICS_PATH

    async def stop(self) -> None:
        """End payments and calls in order, bring recordings to disk, close the database."""
        await self._parts.aclose()

    async def _start_parts(self) -> None:
        config = self._config
        self._hold_folders()
        migrate.upgrade(config.database_url)
        database = await open_database(config.database_url)
        self._parts.push_async_callback(database.close)
        # Stops after the bridge, whose last word it stores.
        self._evidence = EvidenceLog(CallEvidence(database), self._clock, config.node)
        self._parts.push_async_callback(self._evidence.stop)
        self._evidence.start()
        passwords = Passwords()
        self.users = UserAdmin(database, self._clock, passwords)
        self.audit = AuditTrail(database)
        self.phones = phone_accounts(config)
        profiles = await self._profiles(PaymentProfiles(database, self._clock))

        # Stops before it starts: the sessions release their calls while the bridge still runs.
        self.node = BridgeNode(
            config.bridge,
            password_of=self.phones.get,
            on_event=self._bridge_event,
            utc_now=self._clock.utc_now,
        )
        self.desk = SessionService(
            control=BridgeCallControl(self.node),
            store=PaymentSessions(database),
            audit=self.audit,
            runner=Runner(processor_accounts()),
            profiles=profiles,
            clock=self._clock,
            node=config.node,
        )
        await self._start_bridge()
        await self.desk.recover()
        self._parts.push_async_callback(self.desk.close)
        self._serve_panel(UserAccounts(database, self._clock, passwords))
        self._serve_metrics()
        # Last: its password is shown once, so nothing may fail any more.
        self.first_user = await create_first_user(self.users)
        log.info(
            "gateway started",
            sip=f"{self.node.sip_address[0]}:{self.node.sip_address[1]}",
            panel=self.panel_url,
        )

    def _hold_folders(self) -> None:
        config = self._config
        prepare_folder(config.data, what="data folder", key="data")
        self._parts.enter_context(held_by_one_gateway(config.data, config.node))
        make_key(config.data, config.node)
        if (recordings := config.recordings) is not None:
            prepare_folder(recordings, what="recordings folder", key="recording.folder")
            self._notes = RecordingNotes(recordings, self._clock)

    async def _profiles(self, store: PaymentProfiles) -> list[PaymentProfile]:
        """Return the stored profiles, those of the configured file among them; without a file, none is overwritten."""
        if self._config.profiles is not None or not await store.load_profiles():
            await store.import_profiles(configured_profiles(self._config))
        return await store.load_profiles()

    async def _start_bridge(self) -> None:
        try:
            await self.node.start()
        except OSError as error:
            if error.errno not in _ADDRESS_IN_THE_WAY:
                raise
            reason = f"{error.strerror}; end the program that uses it, or set sip.host or sip.port"
            raise OSError(error.errno, reason) from None
        self._parts.push_async_callback(self.node.stop)

    def _serve_panel(self, accounts: UserAccounts) -> None:
        web = self._config.web
        deps = PanelDeps(
            desk=self.desk, accounts=accounts, clock=self._clock, secure_cookies=web.secure_cookies
        )
        self._web = WebServer(create_app(deps), web.host, web.port)
        self._parts.push_async_callback(self._web.stop)
        self._web.start()

    def _serve_metrics(self) -> None:
        table = self._config.metrics
        if table.port is None:
            return
        collector = NodeCollector(self.node.statistics, self._call_totals, SOFTWARE_VERSION)
        self._metrics = WebServer(
            create_metrics_app(collector),
            table.host,
            table.port,
            what="the metrics",
            table="metrics",
        )
        self._parts.push_async_callback(self._metrics.stop)
        self._metrics.start()

    def _bridge_event(self, event: BridgeEvent) -> None:
        self._call_totals.receive(event)
        match event:
            case KeyPressed():
                self.desk.key_pressed(CallId(event.call), event.key)
            case MediaInterrupted():
                self._evidence.media_lost(event.call)
                self.desk.media_interrupted(CallId(event.call))
            case MediaMoved():
                # Once more: what came of a card since may be the rest of keys whose first part is lost.
                self.desk.media_interrupted(CallId(event.call))
            case MediaLost():
                self._evidence.media_lost(event.call)
                self.desk.media_lost(CallId(event.call))
            case CallChanged():
                self._call_changed(event)
            case SecureSpanEnded():
                self._evidence.span_counted(event.call, event.totals)
            case CallMeasured():
                self._evidence.call_measured(event.call, event.quality)
            case LineMeasured():
                self._evidence.line_measured(event.call, event.line)
            case _:
                assert_never(event)

    def _call_changed(self, event: CallChanged) -> None:
        recorder = self._recorders.call_changed(event.info)
        self._evidence.call_changed(event.info, recorder)
        if event.info.state is CallState.ENDED:
            if self._notes is not None:
                self._notes.call_ended(event.info, recorder)
            self.desk.call_ended(CallId(event.info.call), event.reason)
        if event.info.agent:
            self.desk.calls_changed(AgentId(event.info.agent))
