"""What is known of secure calls, as the gateway stored it while they lived; `ivr.evidence` makes a document of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.dialects.sqlite import insert

from ivr.storage.engine import Database
from ivr.storage.tables import CallEvidenceRow


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvidence:
    """One call whose line was secure."""

    call: str
    node: str
    started_at: datetime
    ended_at: datetime | None

    facts: dict[str, Any]
    "As `ivr.evidence.facts.facts_as_table` gives them: totals, moments and settings, no card data."


class CallEvidence:
    """Evidence in the database; each method raises :class:`StoreError`, and a write is durable on return."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, evidence: StoredEvidence) -> None:
        """Store what is known of a call, in place of what was known before."""
        values = {
            "node": evidence.node,
            "started_at": evidence.started_at,
            "ended_at": evidence.ended_at,
            "facts": evidence.facts,
        }
        async with self._database.write("store evidence") as session:
            await session.execute(
                insert(CallEvidenceRow)
                .values(call=evidence.call, **values)
                .on_conflict_do_update(index_elements=["call"], set_=values)
            )

    async def find(self, call: str) -> StoredEvidence | None:
        """Return what is stored of a call, or None."""
        async with self._database.read("find evidence") as session:
            row = await session.get(CallEvidenceRow, call)
        if row is None:
            return None
        return StoredEvidence(
            call=row.call,
            node=row.node,
            started_at=row.started_at,
            ended_at=row.ended_at,
            facts=row.facts,
        )
