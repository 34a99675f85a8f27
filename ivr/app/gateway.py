"""One gateway node: starts its parts in order, passes on what they tell each other, stops them in reverse."""

import resource
from contextlib import AsyncExitStack
from importlib.resources import files
from pathlib import Path
from typing import Self, assert_never

import structlog

from agent_panel.app import create_app
from agent_panel.deps import PanelDeps
from bridge.call.events import BridgeEvent, CallChanged, CallState, KeyPressed, MediaLost
from bridge.node import BridgeNode
from ivr.app.call_control import BridgeCallControl
from ivr.app.first_run import FirstUser, create_first_user, phone_accounts
from ivr.app.recording_notes import RecordingNotes
from ivr.app.web_server import WebServer
from ivr.clock import Clock, SystemClock
from ivr.config import Config
from ivr.payments.processors.test_processor import test_account
from ivr.payments.runner import Runner
from ivr.session.profile import PaymentProfile
from ivr.session.profile_toml import ProfileError, read_profiles
from ivr.session.service import SessionService
from ivr.session.view import AgentId, CallId
from ivr.storage import migrate
from ivr.storage.accounts import UserAccounts
from ivr.storage.audit import AuditTrail
from ivr.storage.engine import open_database
from ivr.storage.passwords import Passwords
from ivr.storage.profiles import PaymentProfiles
from ivr.storage.sessions import PaymentSessions
from ivr.storage.users import UserAdmin

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

    @classmethod
    async def start(cls, config: Config, clock: Clock | None = None) -> Self:
        """Start everything; raise OSError, StoreError or ProfileError whose text says what cannot be used."""
        gateway = cls(config, clock or SystemClock())
        # A core dump would hold card digits (PCI DSS 3.3.1).
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
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

    async def stop(self) -> None:
        """End payments and calls in order, bring recordings to disk, close the database."""
        await self._parts.aclose()

    async def _start_parts(self) -> None:
        config = self._config
        config.data.mkdir(parents=True, exist_ok=True)
        migrate.upgrade(config.database_url)
        database = await open_database(config.database_url)
        self._parts.push_async_callback(database.close)
        passwords = Passwords()
        self.users = UserAdmin(database, self._clock, passwords)
        self.audit = AuditTrail(database)
        self.first_user = await create_first_user(self.users)
        self.phones = phone_accounts(config)
        store = PaymentProfiles(database, self._clock)
        await store.import_profiles(profiles_of(config))

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
            runner=Runner({"test": test_account()}),
            profiles=await store.load_profiles(),
            clock=self._clock,
            node=config.node,
        )
        if config.bridge.recordings is not None:
            self._notes = RecordingNotes(config.bridge.recordings, self._clock)
        await self.node.start()
        self._parts.push_async_callback(self.node.stop)
        await self.desk.recover()
        self._parts.push_async_callback(self.desk.close)
        self._serve_panel(UserAccounts(database, self._clock, passwords))
        log.info(
            "gateway started",
            sip=f"{self.node.sip_address[0]}:{self.node.sip_address[1]}",
            panel=self.panel_url,
        )

    def _serve_panel(self, accounts: UserAccounts) -> None:
        web = self._config.web
        deps = PanelDeps(
            desk=self.desk, accounts=accounts, clock=self._clock, secure_cookies=web.secure_cookies
        )
        self._web = WebServer(create_app(deps), web.host, web.port)
        self._parts.push_async_callback(self._web.stop)
        self._web.start()

    def _bridge_event(self, event: BridgeEvent) -> None:
        match event:
            case KeyPressed():
                self.desk.key_pressed(CallId(event.call), event.key)
            case MediaLost():
                self.desk.media_lost(CallId(event.call))
            case CallChanged():
                self._call_changed(event)
            case _:
                assert_never(event)

    def _call_changed(self, event: CallChanged) -> None:
        if self._notes is not None:
            self._notes.call_changed(event.info)
        if event.info.state is CallState.ENDED:
            self.desk.call_ended(CallId(event.info.call), event.reason)
        if event.info.agent:
            self.desk.calls_changed(AgentId(event.info.agent))


def profiles_of(config: Config) -> list[PaymentProfile]:
    """Return the configured payment profiles, or those that come with Tonewall; raise ProfileError."""
    path = config.profiles
    if path is None:
        return read_profiles(
            (files("ivr.app") / "profiles.toml").read_text("utf-8"), source="built-in profiles"
        )
    return read_profile_file(path)


def read_profile_file(path: Path) -> list[PaymentProfile]:
    """Return the payment profiles of a TOML file; raise ProfileError that names it."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ProfileError(f"{path}: cannot be read: {error}") from None
    return read_profiles(text, source=str(path))
