"""Stores what is known of secure spans while calls live, so that a crash leaves what was known until then."""

import asyncio
from importlib.metadata import version
from typing import Final

import structlog

from bridge.call.events import CallInfo
from bridge.media.line_quality import LineQuality
from bridge.media.masking import masking_settings
from bridge.media.secure_totals import SecureTotals
from bridge.rtp.call_quality import CallQuality
from ivr.clock import Clock
from ivr.evidence.collector import EvidenceCollector
from ivr.evidence.facts import CallFacts, RecorderChange, facts_as_table
from ivr.session.store import StoreError
from ivr.storage.evidence import CallEvidence, StoredEvidence

SOFTWARE_VERSION: Final = version("tonewall")
SOFTWARE: Final = f"tonewall {SOFTWARE_VERSION}"

log = structlog.get_logger(__name__)


class EvidenceLog:
    """Evidence of a node's calls. Calls and payments go on where it cannot be stored; the log tells."""

    def __init__(self, store: CallEvidence, clock: Clock, node: str) -> None:
        self._store, self._clock = store, clock
        self._collector = EvidenceCollector(
            node=node, software=SOFTWARE, masking=masking_settings()
        )
        self._unsaved: dict[str, CallFacts] = {}
        "The newest facts of each call that wait for the database: one a call, so as many as there are calls."
        self._news = asyncio.Event()
        self._stopping = False

    def start(self) -> None:
        """Begin to store."""
        self._task = asyncio.create_task(self._save_all())

    async def stop(self) -> None:
        """Return when all that was told is stored."""
        self._stopping = True
        self._news.set()
        await self._task

    def call_changed(self, info: CallInfo, recorder: tuple[RecorderChange, ...]) -> None:
        """Take a change of a call."""
        self._save(self._collector.call_changed(info, recorder, self._clock.utc_now()))

    def span_counted(self, call: str, totals: SecureTotals) -> None:
        """Take what a media worker counted."""
        self._save(self._collector.span_counted(call, totals))

    def call_measured(self, call: str, quality: CallQuality) -> None:
        """Take how good the sound of an ended call was."""
        self._save(self._collector.call_measured(call, quality))

    def line_measured(self, call: str, line: LineQuality | None) -> None:
        """Take how good the line of an ended call was."""
        self._save(self._collector.line_measured(call, line))

    def media_lost(self, call: str) -> None:
        """Take the loss of a call's worker."""
        self._save(self._collector.media_lost(call, self._clock.utc_now()))

    def _save(self, facts: CallFacts | None) -> None:
        if facts is not None:
            self._unsaved[facts.call] = facts
            self._news.set()

    async def _save_all(self) -> None:
        while not self._stopping or self._unsaved:
            await self._news.wait()
            self._news.clear()
            while self._unsaved:
                await self._store_one(self._unsaved.pop(next(iter(self._unsaved))))

    async def _store_one(self, facts: CallFacts) -> None:
        evidence = StoredEvidence(
            call=facts.call,
            node=facts.node,
            started_at=facts.started_at,
            ended_at=facts.ended_at,
            facts=facts_as_table(facts),
        )
        try:
            await self._store.save(evidence)
        except StoreError as error:
            log.error("evidence not stored", call=facts.call, reason=str(error))
