"""The command line: what it prints, what it refuses in one line, and what it leaves in the audit log."""

import asyncio
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from ivr.cli import main
from ivr.storage.audit import AuditTrail
from ivr.storage.engine import open_database
from tests.support.wav import keyed, silence, write_wav

PASSWORD = "correct-horse-battery"

PROFILES = """\
[profiles.bills]
label = "Bills"
currency = "GBP"
minimum = "1.00"
maximum = "10.00"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "tonewall.toml"
    path.write_text(f'data = "{tmp_path}/var"\n')
    return path


def run(*arguments: str | Path, typed: str = "") -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], input=typed)


def refused(*arguments: str | Path, typed: str = "") -> str:
    """Return the one line of a command that ends with exit code 1."""
    result = run(*arguments, typed=typed)
    assert result.exit_code == 1, result.output
    (line,) = result.stderr.splitlines()
    return line


def audited(folder: Path) -> list[tuple[str, str, str]]:
    """Return who did what to what, oldest first."""

    async def read() -> list[tuple[str, str, str]]:
        async with await open_database(f"sqlite:///{folder}/var/tonewall.db") as database:
            entries = await AuditTrail(database).recent(limit=100)
        return [(entry.who, entry.what, entry.target) for entry in reversed(entries)]

    return asyncio.run(read())


class TestConfiguration:
    def test_the_defaults_are_in_order(self) -> None:
        result = run("check-config")
        assert result.output == "configuration ok; payment profiles: bills, orders\n"

    def test_a_wrong_key_is_named_in_one_line(self, tmp_path: Path) -> None:
        path = tmp_path / "tonewall.toml"
        path.write_text("[sip]\nprot = 5070\n")
        said = refused("check-config", "--config", path)
        assert said == f"Error: {path}: sip.prot: unknown key, did you mean 'port'?"

    def test_a_wrong_profile_is_named_in_one_line(self, tmp_path: Path, config: Path) -> None:
        profiles = tmp_path / "profiles.toml"
        profiles.write_text(PROFILES.replace("label", "lable"))
        config.write_text(f'profiles = "{profiles}"\n')
        said = refused("check-config", "--config", config)
        assert said == (
            f"Error: {profiles}: profile 'bills': unknown key 'lable', did you mean 'label'?"
        )

    def test_the_file_may_be_named_by_a_variable(
        self, config: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TONEWALL_CONFIG", str(config))
        run("db", "upgrade")
        assert (config.parent / "var" / "tonewall.db").exists()


class TestUsers:
    def test_a_user_is_created_listed_and_deactivated(self, config: Path) -> None:
        added = run("users", "add", "Alice", "--config", config, typed=f"{PASSWORD}\n")
        assert added.output == "created alice (agent)\n"
        run("users", "deactivate", "alice", "--config", config)
        listed = run("users", "list", "--config", config)
        assert listed.output == "alice  Alice  agent  deactivated\n"

    def test_roles_can_be_given_several_times(self, config: Path) -> None:
        arguments = ("--role", "admin", "--role", "supervisor", "--config", config)
        added = run("users", "add", "alice", *arguments, typed=f"{PASSWORD}\n")
        assert added.output == "created alice (admin, supervisor)\n"

    def test_every_act_is_in_the_audit_log(self, tmp_path: Path, config: Path) -> None:
        run("users", "add", "alice", "--config", config, typed=f"{PASSWORD}\n")
        run("users", "password", "alice", "--config", config, typed=f"another-{PASSWORD}\n")
        run("users", "deactivate", "alice", "--config", config)
        assert audited(tmp_path) == [
            ("cli", "user.create", "alice"),
            ("cli", "user.set-password", "alice"),
            ("cli", "user.deactivate", "alice"),
        ]

    def test_a_password_cannot_be_an_argument(self, config: Path) -> None:
        result = run("users", "add", "alice", "--password", PASSWORD, "--config", config)
        assert (result.exit_code, "No such option" in result.output) == (2, True)

    def test_at_a_terminal_the_password_is_asked_twice_and_not_shown(
        self, config: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("ivr.cli.users._is_terminal", lambda: True)
        typed = f"{PASSWORD}\nanother one\n{PASSWORD}\n{PASSWORD}\n"
        result = run("users", "add", "alice", "--config", config, typed=typed)
        assert result.exit_code == 0
        assert "do not match" in result.output
        assert PASSWORD not in result.output

    def test_a_short_password_is_refused(self, config: Path) -> None:
        said = refused("users", "add", "alice", "--config", config, typed="short\n")
        assert said == "Error: A password needs at least 12 characters."

    def test_a_user_that_exists_is_refused(self, config: Path) -> None:
        run("users", "add", "alice", "--config", config, typed=f"{PASSWORD}\n")
        said = refused("users", "add", "ALICE", "--config", config, typed=f"{PASSWORD}\n")
        assert said == "Error: User alice exists already."

    def test_a_user_that_does_not_exist_is_refused(self, config: Path) -> None:
        assert refused("users", "deactivate", "bob", "--config", config) == (
            "Error: There is no such user."
        )

    def test_an_unknown_role_is_refused_with_those_there_are(self, config: Path) -> None:
        result = run("users", "add", "alice", "--role", "boss", "--config", config)
        assert result.exit_code == 2
        assert "'boss' is not one of 'agent'" in result.output


class TestProfiles:
    def test_profiles_are_imported_listed_and_audited(self, tmp_path: Path, config: Path) -> None:
        path = tmp_path / "profiles.toml"
        path.write_text(PROFILES)
        imported = run("profiles", "import", path, "--config", config)
        assert imported.output == "imported: bills\n"
        listed = run("profiles", "list", "--config", config)
        assert listed.output == "bills  Bills  £1.00 to £10.00\n"
        assert audited(tmp_path) == [("cli", "profile.import", str(path))]

    def test_a_wrong_profile_is_not_imported(self, tmp_path: Path, config: Path) -> None:
        path = tmp_path / "profiles.toml"
        path.write_text(PROFILES + 'processor = "stripe"\n')
        said = refused("profiles", "import", path, "--config", config)
        assert said == (
            f"Error: {path}: profile 'bills': processor: 'stripe' is not configured; known: test"
        )
        assert run("profiles", "list", "--config", config).output == ""


class TestDatabase:
    def test_upgrading_twice_is_harmless(self, config: Path) -> None:
        results = [run("db", "upgrade", "--config", config) for _ in range(2)]
        assert {result.output for result in results} == {"the database is up to date\n"}

    def test_a_database_that_is_none_is_named(self, tmp_path: Path, config: Path) -> None:
        path = tmp_path / "var" / "tonewall.db"
        path.parent.mkdir()
        path.write_bytes(b"not a database" * 1000)
        said = refused("db", "upgrade", "--config", config)
        assert said == (
            f"Error: database {path} is not a SQLite database; move it away or restore a backup"
        )

    def test_a_data_folder_that_cannot_be_is_named(self, tmp_path: Path, config: Path) -> None:
        (tmp_path / "var").write_text("in the way")
        said = refused("db", "upgrade", "--config", config)
        assert said == (
            f"Error: data folder {tmp_path}/var: it is not a folder; "
            "change its owner or mode, or set data"
        )

    def test_an_untouched_audit_log_is_intact(self, config: Path) -> None:
        run("users", "add", "alice", "--config", config, typed=f"{PASSWORD}\n")
        result = run("db", "verify-audit", "--config", config)
        assert result.output.startswith("the audit log is intact: 1 entries, last hash ")

    def test_a_changed_entry_of_the_audit_log_is_named(self, tmp_path: Path, config: Path) -> None:
        run("users", "add", "alice", "--config", config, typed=f"{PASSWORD}\n")
        run("users", "deactivate", "alice", "--config", config)
        change_audit_entry(tmp_path / "var" / "tonewall.db", seq=2)
        said = refused("db", "verify-audit", "--config", config)
        assert said.startswith("Error: the audit log was changed: entry 2 was changed")


def change_audit_entry(path: Path, *, seq: int) -> None:
    """Do what somebody with intent and the file does: drop the trigger, change the row, put the trigger back."""
    database = sqlite3.connect(path)
    kept = database.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND sql LIKE '%UPDATE%'"
    ).fetchall()
    for name, _ in kept:
        database.execute(f'DROP TRIGGER "{name}"')
    database.execute("UPDATE audit_entries SET who = 'somebody' WHERE seq = ?", (seq,))
    for _, sql in kept:
        database.execute(sql)
    database.commit()
    database.close()


class TestDecode:
    def test_keys_of_each_channel_are_printed_with_their_times(self, tmp_path: Path) -> None:
        path = tmp_path / "keys.wav"
        write_wav(path, np.concatenate([silence(0.5), keyed("41#", on_ms=80, off_ms=80)]))
        lines = run("decode", path).output.splitlines()
        assert lines[0] == "channel 1: 41#"
        assert [line.split()[0] for line in lines[1:]] == ["4", "1", "#"]
        assert abs(float(lines[1].split()[1]) - 0.5) < 0.03

    def test_silence_has_no_keys(self, tmp_path: Path) -> None:
        path = tmp_path / "silence.wav"
        write_wav(path, silence(0.5))
        assert run("decode", path).output == "channel 1: no keys\n"

    def test_a_file_that_is_no_wav_is_named(self, tmp_path: Path) -> None:
        path = tmp_path / "keys.wav"
        path.write_text("no sound")
        assert refused("decode", path).startswith(f"Error: {path}: not a PCM WAV file")

    def test_a_file_that_is_not_there_is_named(self, tmp_path: Path) -> None:
        path = tmp_path / "missing.wav"
        assert refused("decode", path) == (
            f"Error: {path}: cannot be read: No such file or directory"
        )
