"""Evidence reaches the database while the call lives, and a database that fails stops nobody."""

import asyncio
from pathlib import Path

import pytest

from bridge.call.events import CallState
from ivr.app.evidence_log import EvidenceLog
from ivr.evidence.facts import SpanEnd, read_facts
from ivr.session.store import StoreError
from ivr.storage.engine import Database, open_database
from ivr.storage.evidence import CallEvidence, StoredEvidence
from ivr.storage.migrate import upgrade
from tests.ivr.app.calls import call_info
from tests.ivr.evidence.facts import LINE, QUALITY, TOTALS
from tests.support.clock import ManualClock


class Failing(CallEvidence):
    """A store whose disk is full for the first call."""

    async def save(self, evidence: StoredEvidence) -> None:
        if evidence.call == "c1":
            raise StoreError("store evidence: disk full")
        await super().save(evidence)


async def opened(folder: Path) -> Database:
    url = f"sqlite:///{folder}/tonewall.db"
    await asyncio.to_thread(upgrade, url)
    return await open_database(url)


async def test_all_that_was_told_is_stored_when_it_stops(
    tmp_path: Path, manual_clock: ManualClock
) -> None:
    async with await opened(tmp_path) as database:
        store = CallEvidence(database)
        log = EvidenceLog(store, manual_clock, "node-1")
        log.start()
        log.call_changed(call_info(secure=True), ())
        log.call_changed(call_info(state=CallState.ENDED), ())
        log.span_counted("c1", TOTALS)
        log.call_measured("c1", QUALITY)
        log.line_measured("c1", LINE)
        await log.stop()
        stored = await store.find("c1")
    assert stored is not None
    facts = read_facts(stored.facts)
    (span,) = facts.spans
    assert (span.totals, span.ended_by) == (TOTALS, SpanEnd.CALL_ENDED)
    assert (facts.line, facts.quality) == (LINE, QUALITY)


async def test_what_cannot_be_stored_is_told_and_the_rest_is_stored(
    tmp_path: Path, manual_clock: ManualClock, capsys: pytest.CaptureFixture[str]
) -> None:
    async with await opened(tmp_path) as database:
        store = Failing(database)
        log = EvidenceLog(store, manual_clock, "node-1")
        log.start()
        for call in ("c1", "c2"):
            log.call_changed(call_info(call=call, secure=True), ())
        await log.stop()
        assert await store.find("c2") is not None
    assert "evidence not stored" in capsys.readouterr().out
