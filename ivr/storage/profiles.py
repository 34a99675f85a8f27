"""Payment profiles: `ivr.session.store.ProfileStore` over the database."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import select
from sqlalchemy.dialects.sqlite import insert

from ivr.clock import Clock
from ivr.session.profile import PaymentProfile
from ivr.session.profile_toml import ProfileError, read_profile
from ivr.session.store import StoreError
from ivr.storage.engine import Database
from ivr.storage.tables import PaymentProfileRow

_SOURCE: Final = "database"
"Where a complaint about a stored profile says it is."


class PaymentProfiles:
    """Profiles in the database. To export them, write what :meth:`load_profiles` returns as TOML."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def load_profiles(self) -> list[PaymentProfile]:
        """Return all profiles by name; raise :class:`StoreError`, also for one that this version cannot use."""
        rows = select(PaymentProfileRow).order_by(PaymentProfileRow.name)
        async with self._database.read("load payment profiles") as session:
            stored = list(await session.scalars(rows))
        try:
            return [read_profile(row.name, row.settings, source=_SOURCE) for row in stored]
        except ProfileError as error:
            raise StoreError(f"load payment profiles: {error}") from error

    async def import_profiles(self, profiles: Sequence[PaymentProfile]) -> None:
        """Add or replace these profiles by name in one transaction; others stay."""
        now = self._clock.utc_now()
        async with self._database.write("import payment profiles") as session:
            for profile in profiles:
                values = {"settings": profile.as_table(), "updated_at": now}
                await session.execute(
                    insert(PaymentProfileRow)
                    .values(name=profile.name, **values)
                    .on_conflict_do_update(index_elements=["name"], set_=values)
                )
