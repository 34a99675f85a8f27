"""A whole gateway: started in order, stopped in reverse, and nothing left behind where it cannot start."""

import ctypes
import resource
import socket
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import httpx2
import pytest

from bridge.node import BridgeNode
from ivr.app.gateway import Gateway
from ivr.app.profile_files import read_profile_file
from ivr.app.web_server import WebServer
from ivr.clock import SystemClock
from ivr.config import Config, MetricsTable, SipTable, WebTable
from ivr.session.profile_toml import ProfileError
from ivr.session.service import SessionService
from ivr.session.store import StoreError
from ivr.storage.engine import Database, open_database
from ivr.storage.profiles import PaymentProfiles
from tests.support.ports import LOOPBACK

PR_GET_DUMPABLE = 3
"prctl(2)."

OWN_BILLS = """\
[profiles.bills]
label = "Our own bills"
currency = "EUR"
minimum = "1.00"
maximum = "10.00"
"""


def config_in(folder: Path, **changes: object) -> Config:
    """Return a configuration with ports of the kernel's choice."""
    values = {"data": folder / "var", "sip": SipTable(port=0), "web": WebTable(port=0)}
    return Config(**(values | changes))  # type: ignore[arg-type]  # tests change any of them


def labels_of(gateway: Gateway) -> list[str]:
    return [profile.label for profile in gateway.desk.profiles()]


async def test_parts_stop_in_reverse_so_that_sessions_release_calls_that_still_live(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped: list[str] = []

    def watch(kind: type[Any], name: str) -> None:
        stop: Callable[[Any], Coroutine[None, None, None]] = getattr(kind, name)

        async def watched(self: object) -> None:
            stopped.append(kind.__name__)
            await stop(self)

        monkeypatch.setattr(kind, name, watched)

    for kind, name in (
        (WebServer, "stop"),
        (SessionService, "close"),
        (BridgeNode, "stop"),
        (Database, "close"),
    ):
        watch(kind, name)
    gateway = await Gateway.start(config_in(tmp_path))
    await gateway.stop()
    assert stopped == ["WebServer", "SessionService", "BridgeNode", "Database"]


async def test_what_it_keeps_is_private(tmp_path: Path) -> None:
    gateway = await Gateway.start(config_in(tmp_path))
    await gateway.stop()
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "var").iterdir()}
    assert modes["phones.toml"] == modes["tonewall.db"] == 0o600
    assert modes["recordings"] == (tmp_path / "var").stat().st_mode & 0o777 == 0o700


async def test_the_first_start_makes_a_user_and_the_second_does_not(tmp_path: Path) -> None:
    config = config_in(tmp_path)
    first = await Gateway.start(config)
    await first.stop()
    second = await Gateway.start(config)
    await second.stop()
    assert first.first_user is not None
    assert (second.first_user, second.phones) == (None, first.phones)


async def test_a_second_gateway_on_the_same_data_is_refused_and_the_first_goes_on(
    tmp_path: Path,
) -> None:
    config = config_in(tmp_path)
    gateway = await Gateway.start(config)
    with pytest.raises(OSError, match="a gateway named 'node-1' runs on it already"):
        await Gateway.start(config)
    assert len(gateway.node.worker_pids()) == 1
    await gateway.stop()


async def test_a_taken_panel_port_is_named_and_costs_nobody_the_first_password(
    tmp_path: Path,
) -> None:
    with socket.socket() as other:
        other.bind((LOOPBACK, 0))
        other.listen()
        web = WebTable(port=other.getsockname()[1])
        with pytest.raises(OSError, match=f"panel on {LOOPBACK} port {web.port}: .*; end the"):
            await Gateway.start(config_in(tmp_path, web=web))
    gateway = await Gateway.start(config_in(tmp_path))
    await gateway.stop()
    assert gateway.first_user is not None


async def test_metrics_are_served_apart_from_the_panel_where_a_port_is_set(tmp_path: Path) -> None:
    gateway = await Gateway.start(config_in(tmp_path, metrics=MetricsTable(port=0)))
    assert gateway.metrics_url is not None
    async with httpx2.AsyncClient() as client:
        answer = await client.get(gateway.metrics_url)
        at_the_panel = await client.get(f"{gateway.panel_url}/metrics")
    await gateway.stop()
    assert 'tonewall_calls{state="talking"} 0.0' in answer.text
    assert "tonewall_media_workers_configured 1.0" in answer.text
    assert at_the_panel.status_code == 404


async def test_without_a_port_no_metrics_are_served(tmp_path: Path) -> None:
    gateway = await Gateway.start(config_in(tmp_path))
    await gateway.stop()
    assert gateway.metrics_url is None


async def test_a_taken_metrics_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind((LOOPBACK, 0))
        other.listen()
        metrics = MetricsTable(port=other.getsockname()[1])
        with pytest.raises(OSError, match=f"the metrics on {LOOPBACK} .*, or set metrics.host or"):
            await Gateway.start(config_in(tmp_path, metrics=metrics))


async def test_a_taken_sip_port_is_named(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((LOOPBACK, 0))
        sip = SipTable(port=other.getsockname()[1])
        with pytest.raises(
            OSError, match=f"SIP on {LOOPBACK} port {sip.port}: .*; end the program"
        ):
            await Gateway.start(config_in(tmp_path, sip=sip))


async def test_a_data_folder_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("in the way")
    with pytest.raises(OSError, match=f"data folder {tmp_path}/var: it is not a folder"):
        await Gateway.start(config_in(tmp_path))


async def test_a_recordings_folder_that_cannot_be_is_named_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "recordings").write_text("in the way")
    recording = {"folder": tmp_path / "recordings"}
    with pytest.raises(OSError, match="recordings folder .*; change .*, or set recording.folder"):
        await Gateway.start(config_in(tmp_path, recording=recording))


async def test_a_database_that_is_none_is_named_and_kept(tmp_path: Path) -> None:
    config = config_in(tmp_path)
    config.data.mkdir()
    path = config.data / "tonewall.db"
    path.write_bytes(b"not a database, and long enough to be looked at" * 100)
    before = path.read_bytes()
    with pytest.raises(StoreError, match=f"{path} is not a SQLite database; move it away or"):
        await Gateway.start(config)
    assert path.read_bytes() == before


async def test_a_database_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    config = config_in(tmp_path)
    (config.data / "tonewall.db").mkdir(parents=True)
    with pytest.raises(StoreError, match="tonewall.db cannot be opened for writing"):
        await Gateway.start(config)


async def test_a_database_that_is_no_file_is_refused_with_an_example(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="must be sqlite:///PATH, for example"):
        await Gateway.start(config_in(tmp_path, database="postgresql://db.example/tonewall"))


async def test_a_profile_with_a_typo_stops_the_start(tmp_path: Path) -> None:
    path = tmp_path / "profiles.toml"
    path.write_text(OWN_BILLS + "atempts = 2")
    with pytest.raises(
        ProfileError, match=f"{path}: profile 'bills': unknown key 'atempts', did you mean"
    ):
        await Gateway.start(config_in(tmp_path, profiles=path))


async def test_a_configured_profile_replaces_the_stored_one_of_its_name(tmp_path: Path) -> None:
    gateway = await Gateway.start(config_in(tmp_path))
    await gateway.stop()
    path = tmp_path / "profiles.toml"
    path.write_text(OWN_BILLS)
    gateway = await Gateway.start(config_in(tmp_path, profiles=path))
    labels = labels_of(gateway)
    await gateway.stop()
    assert labels == ["Our own bills", "Order with postcode check"]


async def test_built_in_profiles_do_not_replace_imported_ones(tmp_path: Path) -> None:
    config = config_in(tmp_path)
    gateway = await Gateway.start(config)
    await gateway.stop()
    path = tmp_path / "profiles.toml"
    path.write_text(OWN_BILLS)
    async with await open_database(config.database_url) as database:
        store = PaymentProfiles(database, SystemClock())
        await store.import_profiles(read_profile_file(path))
    gateway = await Gateway.start(config)
    labels = labels_of(gateway)
    await gateway.stop()
    assert labels[0] == "Our own bills"


async def test_no_core_dump_of_the_gateway_is_written_or_piped_anywhere(tmp_path: Path) -> None:
    gateway = await Gateway.start(config_in(tmp_path))
    await gateway.stop()
    assert resource.getrlimit(resource.RLIMIT_CORE) == (0, 0)
    assert ctypes.CDLL(None).prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0
