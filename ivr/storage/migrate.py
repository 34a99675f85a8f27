"""The tables' version: upgrade, downgrade, check. Alembic runs from the package; users need no alembic.ini.

Blocking calls: the gateway upgrades before its event loop starts. A new step is written by changing
`ivr.storage.tables` and running `python -m ivr.storage.migrate "what changes"` in a checkout.
"""

import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionError
from alembic.util import CommandError
from sqlalchemy import Connection, text

from ivr.storage.engine import open_for_migration, translated
from ivr.storage.errors import SchemaError
from ivr.storage.location import database_path
from ivr.storage.tables import AUDIT_TRIGGERS, Base

_ONE_AT_A_TIME: Final = threading.Lock()
"Alembic keeps its context in module globals."


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the tables of `url` to this version (or to `revision`), all or nothing.

    Raise :class:`DatabaseUnavailableError`, or :class:`SchemaError` where a newer version wrote the file.
    """
    with _alembic(url) as config:
        command.upgrade(config, revision)


def downgrade(url: str, revision: str) -> None:
    """Take the tables back to `revision` (`base`: remove them). Data that it has no place for is lost."""
    with _alembic(url) as config:
        command.downgrade(config, revision)


def check(url: str) -> None:
    """Raise :class:`SchemaError`, which says what to do, unless the tables are exactly those of this version."""
    with _alembic(url) as config:
        connection: Connection = config.attributes["connection"]
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        found, head = (
            context.get_current_revision(),
            ScriptDirectory.from_config(config).get_current_head(),
        )
        if found != head:
            raise SchemaError(
                f"the tables are at {found or 'nothing'}, this version needs {head}; "
                "run: tonewall db upgrade"
            )
        differences = [_name(entry) for entry in compare_metadata(context, Base.metadata)]
        present = connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'"))
        differences += [f"missing trigger {name}" for name in AUDIT_TRIGGERS - set(present)]
        if differences:
            raise SchemaError(
                "the tables were changed by hand; restore a backup: " + ", ".join(differences)
            )


def write_step(message: str, folder: Path) -> None:
    """Write the migration from the newest step to `ivr.storage.tables` into `versions`; for developers."""
    url = f"sqlite:///{folder}/scratch.db"
    upgrade(url)
    with _alembic(url) as config:
        number = len(list(ScriptDirectory.from_config(config).walk_revisions())) + 1
        config.set_main_option("file_template", "r%%(rev)s_%%(slug)s")
        command.revision(config, message, autogenerate=True, rev_id=f"{number:04}")


@contextmanager
def _alembic(url: str) -> Iterator[Config]:
    """Hold one transaction open for Alembic; committed at the end, undone if anything raises."""
    config = Config(stdout=StringIO())
    config.set_main_option("script_location", "ivr.storage:migrations")
    engine = open_for_migration(url)
    try:
        with (
            _ONE_AT_A_TIME,
            translated(database_path(url), "migrate"),
            engine.begin() as connection,
        ):
            config.attributes["connection"] = connection
            yield config
            _check_references(connection)
    except (CommandError, RevisionError) as error:
        raise SchemaError(
            "the database was written by another version of Tonewall, and this one does not know its "
            "tables; install the newer version or restore a backup"
        ) from error
    finally:
        engine.dispose()


def _check_references(connection: Connection) -> None:
    if connection.execute(text("PRAGMA foreign_key_check")).first() is not None:
        raise SchemaError("rows refer to rows that do not exist; restore a backup")


def _name(difference: Any) -> str:
    """Return Alembic's difference as words: its kind and the thing's name."""
    if isinstance(difference, list):
        difference = difference[0]
    kind, *things = difference
    names = [getattr(thing, "name", thing) for thing in things]
    return " ".join([str(kind), *(str(name) for name in names if isinstance(name, str))])


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        write_step(sys.argv[1], Path(scratch))
