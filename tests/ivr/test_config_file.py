"""Reading the configuration: each complaint names the file or the variable, the key and the remedy."""

from pathlib import Path

import pytest

from ivr.config_file import ConfigError, load_config

DETECTOR = '[[sip.trunks]]\nname = "a"\nsources = ["192.0.2.1"]\n[sip.trunks.detector]\n'


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TONEWALL_CONFIG", raising=False)


def written(folder: Path, text: str) -> Path:
    path = folder / "tonewall.toml"
    path.write_text(text, "utf-8")
    return path


def complaint(path: Path | None) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    return str(caught.value)


def test_without_a_file_the_defaults_hold() -> None:
    assert load_config(None).web.port == 8080


def test_the_file_is_read(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, '[sip]\nport = 5070\n[sip.phones]\nalice = "x"'))
    assert (config.sip.port, config.sip.phones) == (5070, {"alice": "x"})


def test_a_variable_wins_over_the_file_and_leaves_its_neighbours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TONEWALL__SIP__PORT", "5080")
    config = load_config(written(tmp_path, '[sip]\nport = 5070\nrealm = "house"'))
    assert (config.sip.port, config.sip.realm) == (5080, "house")


def test_a_list_in_a_variable_is_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TONEWALL__SIP__ROUTES", '[{"dialled": "5000", "to": "user:agent"}]')
    assert load_config(None).sip.routes[0].to == "user:agent"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[sip]\nprot = 1", "sip.prot: unknown key, did you mean 'port'?"),
        ("[wob]\nport = 1", "wob: unknown key, did you mean 'web'?"),
        ("[rtp]\nzzz = 1", "rtp.zzz: unknown key; known: first_port, last_port"),
        (
            '[[sip.trunks]]\nname = "a"\nsuorces = []',
            "sip.trunks.0.suorces: unknown key, did you mean 'sources'?",
        ),
        (
            f'{DETECTOR}preset = "swedish"',
            "sip.trunks.0.detector.preset: 'swedish' is no preset; known: att, australian, brazilian, danish, ntt",
        ),
        (
            f"{DETECTOR}lowest_level_dbm0 = -60",
            "sip.trunks.0.detector.lowest_level_dbm0: must be from -45 to -20 (",
        ),
        (
            f"{DETECTOR}positive_twist_db = nan",
            "sip.trunks.0.detector.positive_twist_db: must be from 0 to 11 (",
        ),
        (
            f"{DETECTOR}longest_brake_ms = 20",
            "sip.trunks.0.detector.longest_brake_ms: unknown key, did you mean 'longest_break_ms'?",
        ),
        ("[web]\nport = 70000", "web.port: Input should be less than or equal to 65535"),
        ("sip = 3", "sip: must be a table"),
        ("data = 3", "data: must be a path in quotes"),
        ('[log]\nlevel = "LOUD"', "log.level: Input should be 'DEBUG', 'INFO', "),
        ("[rtp]\nfirst_port = 10000\nlast_port = 10001", "rtp: ports 10000 to 10001 are too few"),
        ("[sip", "not valid TOML: "),
    ],
)
def test_a_complaint_names_file_and_key(tmp_path: Path, text: str, said: str) -> None:
    path = written(tmp_path, text)
    assert complaint(path).startswith(f"{path}: {said}")


def test_all_complaints_come_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, "[sip]\nprot = 1\n[web]\nprot = 1\n")
    assert complaint(path).splitlines() == [
        f"{path}: sip.prot: unknown key, did you mean 'port'?",
        f"{path}: web.prot: unknown key, did you mean 'port'?",
    ]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "missing.toml"
    assert complaint(path) == f"{path}: cannot be read: No such file or directory"


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "tonewall.toml"
    path.write_bytes(b"\xff\xfe")
    assert complaint(path).startswith(f"{path}: not valid TOML: ")


def test_no_complaint_repeats_a_password(tmp_path: Path) -> None:
    path = written(tmp_path, '[sip]\nport = "hunter2"\n[sip.phones]\nAlice = "hunter2"')
    assert "hunter2" not in complaint(path)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("TONEWALL__SPI__PORT", "1", "unknown key 'spi', did you mean 'sip'?"),
        ("TONEWALL__SIP__PROT", "1", "unknown key, did you mean 'port'?"),
        ("TONEWALL__SIP__PORT", "99999", "Input should be less than or equal to 65535"),
        ("TONEWALL__SIP__TRUNKS", "[oops", "not valid JSON; a list or a table is written as JSON"),
    ],
)
def test_a_complaint_about_the_environment_names_the_variable(
    name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    assert complaint(None) == f"environment: {name}: {said}"
