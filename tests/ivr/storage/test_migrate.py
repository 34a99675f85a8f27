"""The tables' version: up, down, and whether models and migrations say the same."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ivr.storage.errors import SchemaError
from ivr.storage.migrate import check, downgrade, upgrade, write_step


def _sql(folder: Path, *statements: str) -> list[str]:
    """Run the statements and return the names of all tables, indexes and triggers after them."""
    with closing(sqlite3.connect(folder / "tonewall.db")) as connection, connection:
        for statement in statements:
            connection.execute(statement)
        return [name for (name,) in connection.execute("SELECT name FROM sqlite_master")]


def test_upgrade_gives_the_tables_of_the_models(url: str) -> None:
    upgrade(url)
    check(url)


def test_upgrading_again_changes_nothing(url: str, tmp_path: Path) -> None:
    upgrade(url)
    first = _sql(tmp_path)
    upgrade(url)
    assert _sql(tmp_path) == first


def test_downgrade_leaves_nothing_behind_and_can_be_upgraded(url: str, tmp_path: Path) -> None:
    upgrade(url)
    downgrade(url, "base")
    assert not [name for name in _sql(tmp_path) if "alembic" not in name]
    upgrade(url)
    check(url)


def test_new_file_is_told_to_be_upgraded(url: str) -> None:
    with pytest.raises(SchemaError, match="tonewall db upgrade"):
        check(url)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("ALTER TABLE users ADD COLUMN shoe_size INTEGER", "users shoe_size"),
        ("DROP TABLE payment_profiles", "payment_profiles"),
        ("DROP INDEX ix_audit_entries_what", "ix_audit_entries_what"),
        ("DROP TRIGGER audit_entries_no_delete", "audit_entries_no_delete"),
    ],
)
def test_change_by_hand_is_found_and_named(
    url: str, tmp_path: Path, change: str, named: str
) -> None:
    upgrade(url)
    _sql(tmp_path, change)
    with pytest.raises(SchemaError, match=named):
        check(url)


def test_file_of_a_newer_version_is_refused_and_kept(url: str, tmp_path: Path) -> None:
    upgrade(url)
    before = _sql(tmp_path, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaError, match="newer version"):
        upgrade(url)
    assert _sql(tmp_path) == before


def test_failed_upgrade_is_undone_as_a_whole(url: str, tmp_path: Path) -> None:
    _sql(tmp_path, "CREATE TABLE sign_ins (in_the_way INTEGER)")
    with pytest.raises(Exception, match="migrate"):
        upgrade(url)
    assert _sql(tmp_path) == ["sign_ins"]


def test_no_step_is_left_to_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from alembic import command

    from ivr.storage import migrate

    written: list[str] = []

    def revision(config: object, message: str, **options: object) -> None:
        written.append(f"{options['rev_id']} {message}")

    monkeypatch.setattr(command, "revision", revision)
    write_step("next", tmp_path)
    steps = list((Path(migrate.__file__).parent / "migrations" / "versions").glob("r*.py"))
    assert written == [f"{len(steps) + 1:04} next"]
