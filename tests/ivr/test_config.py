"""What a configuration may say, and what it means for the bridge."""

import os
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bridge.config import PRESETS, DetectorLimits, Route, Trunk
from ivr.config import Config, MediaTable, RouteTable, RtpTable, SipTable, TrunkTable
from ivr.config_detector import DetectorTable


def complaint(table: type[Any], **values: object) -> str:
    """Return what is said about values that cannot be used."""
    with pytest.raises(ValidationError) as caught:
        table(**values)
    return "\n".join(problem["msg"] for problem in caught.value.errors(include_input=False))


def test_defaults_let_programs_of_this_machine_call_any_phone() -> None:
    bridge = Config().bridge
    assert (bridge.host, bridge.sip_port, bridge.rtp_first_port) == ("127.0.0.1", 5060, 0)
    assert bridge.routes == (Route(dialled=".*", to="user:*"),)
    assert [trunk.covers("127.0.0.1") for trunk in bridge.trunks] == [True]
    assert [trunk.covers("192.0.2.1") for trunk in bridge.trunks] == [False]


def test_what_is_kept_lies_in_the_data_folder(tmp_path: Path) -> None:
    config = Config(data=tmp_path)
    assert config.database_url == f"sqlite+aiosqlite:///{tmp_path}/tonewall.db"
    assert config.bridge.recordings == tmp_path / "recordings"


def test_calls_are_not_recorded_where_recording_is_off() -> None:
    assert Config(recording={"enabled": False}).bridge.recordings is None  # type: ignore[arg-type]  # as from a file


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.10:5060", ("192.0.2.10", 5060)),
        ("[2001:db8::1]:5080", ("2001:db8::1", 5080)),
    ],
)
def test_a_trunk_is_handed_to_the_bridge(text: str, address: tuple[str, int]) -> None:
    trunks = [TrunkTable(name="carrier", sources=["192.0.2.0/24"], destination=text)]
    assert Config(sip=SipTable(trunks=trunks, second_host="::1")).bridge.trunks == (
        Trunk(name="carrier", sources=("192.0.2.0/24",), destination=address),
    )


def test_a_trunk_without_a_detector_has_the_default_limits() -> None:
    assert Config().bridge.trunks[0].detector == DetectorLimits()


def test_a_trunks_detector_is_a_preset_and_what_differs_from_it() -> None:
    detector = DetectorTable(preset="ntt", lowest_level_dbm0=-35)
    trunk = TrunkTable(name="tokyo", sources=["192.0.2.0/24"], detector=detector)
    (limits,) = [trunk.detector for trunk in Config(sip=SipTable(trunks=[trunk])).bridge.trunks]
    assert limits == replace(PRESETS["ntt"], lowest_level_dbm0=-35.0)


def test_every_limit_can_be_configured() -> None:
    names = {limit.name for limit in fields(DetectorLimits) if isinstance(limit.default, float)}
    assert set(DetectorTable.model_fields) == {"preset", "strict"} | names


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_an_address_that_phones_cannot_reach_is_refused(host: str) -> None:
    assert f"'{host}' cannot be told to phones" in complaint(SipTable, host=host)


def test_both_versions_of_ip_reach_the_bridge() -> None:
    assert Config().bridge.hosts == ("127.0.0.1",)
    sip = SipTable(host="2001:db8::1", second_host="192.0.2.1")
    assert Config(sip=sip).bridge.hosts == ("2001:db8::1", "192.0.2.1")


@pytest.mark.parametrize(("host", "version"), [("192.0.2.1", 4), ("::1", 6)])
def test_a_second_address_is_of_the_other_version_of_ip(host: str, version: int) -> None:
    said = complaint(SipTable, host=host, second_host=host)
    assert f"second_host: {host} is IPv{version} as host is" in said
    assert "'::' cannot be told" in complaint(SipTable, second_host="::")


def test_a_trunk_that_no_address_reaches_is_named() -> None:
    trunk = TrunkTable(name="carrier", destination="[2001:db8::1]:5060")
    said = complaint(SipTable, trunks=[trunk])
    assert "the trunk 'carrier' has an IPv6 destination; set host or second_host to an IPv6" in said


def test_a_host_name_is_no_address() -> None:
    assert "'localhost' must be an IP address" in complaint(SipTable, host="localhost")


@pytest.mark.parametrize("destination", ["sip.example", "192.0.2.1", "192.0.2.1:0", "192.0.2.1:x"])
def test_a_destination_is_an_address_and_a_port(destination: str) -> None:
    said = complaint(TrunkTable, name="carrier", destination=destination)
    assert f"'{destination}' must be an IP address and a port" in said


def test_a_source_is_an_address_or_a_network() -> None:
    said = complaint(TrunkTable, name="carrier", sources=["192.0.2.300"])
    assert "'192.0.2.300' is no IP address or network" in said


def test_a_trunk_from_and_to_nowhere_is_refused() -> None:
    assert "needs sources, a destination" in complaint(TrunkTable, name="carrier")


def test_two_trunks_of_one_name_are_refused() -> None:
    trunks = [TrunkTable(name="carrier", sources=["192.0.2.1"])] * 2
    assert "2 trunks are named 'carrier'" in complaint(SipTable, trunks=trunks)


def test_a_pattern_that_cannot_be_read_is_refused() -> None:
    assert "'[' is not a regular expression" in complaint(RouteTable, dialled="[", to="user:*")


def test_a_route_leads_to_a_phone_or_a_trunk() -> None:
    said = complaint(RouteTable, dialled="1", to="agent")
    assert "'agent' must be 'user:*', 'user:NAME' or 'trunk:NAME'" in said


@pytest.mark.parametrize(
    ("to", "reason"),
    [
        ("trunk:carier", "the trunk 'carier', which does not exist; known: carrier"),
        ("trunk:carrier", "the trunk 'carrier', which has no destination"),
        ("user:bob", "the phone 'bob', which has no account; known: alice"),
    ],
)
def test_a_route_that_leads_nowhere_is_refused(to: str, reason: str) -> None:
    said = complaint(
        SipTable,
        trunks=[TrunkTable(name="carrier", sources=["192.0.2.1"])],
        routes=[RouteTable(dialled="5000", to=to)],
        phones={"alice": "a long password"},
    )
    assert f"the route '5000' leads to {reason}" in said


def test_a_phone_is_named_like_its_user_of_the_panel() -> None:
    # Users are lower case: an agent would never see the calls of a phone that registers as 'Alice'.
    assert "the phone 'Alice' must be named" in complaint(SipTable, phones={"Alice": "secret"})


def test_a_phone_has_a_password_that_no_text_shows() -> None:
    assert "the phone 'alice' has an empty password" in complaint(SipTable, phones={"alice": ""})
    assert "s3cret" not in repr(SipTable(phones={"alice": "s3cret"}))
    assert "s3cret" not in complaint(SipTable, phones={"Alice": "s3cret"})


@pytest.mark.parametrize(
    ("first", "last", "workers", "enough"),
    [
        (10000, 10003, 1, True),
        (10000, 10002, 1, False),
        (10001, 10004, 1, False),  # RTP takes even ports: 10002 is the first
        (10001, 10005, 1, True),
        (10000, 10007, 2, True),
        (10000, 10006, 2, False),
        (65532, 65535, 1, True),
    ],
)
def test_every_worker_has_ports_for_one_call(
    first: int, last: int, workers: int, *, enough: bool
) -> None:
    values = {
        "rtp": RtpTable(first_port=first, last_port=last),
        "media": MediaTable(workers=workers),
    }
    if enough:
        assert Config(**values).bridge.rtp_first_port % 2 == 0  # type: ignore[arg-type]  # two kinds of values
    else:
        said = complaint(Config, **values)
        assert f"rtp: ports {first} to {last} are too few for media.workers = {workers}" in said


class TestCpus:
    def test_each_worker_runs_on_its_own(self) -> None:
        cpu = min(os.sched_getaffinity(0))
        media = MediaTable(workers=2, cpus=[cpu, cpu])
        assert Config(media=media).bridge.worker_cpus == (cpu, cpu)

    def test_one_for_each_worker_or_none(self) -> None:
        said = complaint(MediaTable, workers=2, cpus=[0])
        assert "cpus: 1 CPUs for workers = 2; name one for each, or none" in said

    def test_one_that_the_machine_does_not_have_is_named(self) -> None:
        there = ", ".join(map(str, sorted(os.sched_getaffinity(0))))
        said = complaint(MediaTable, workers=1, cpus=[9999])
        assert "the gateway may not run on CPU 9999" in said
        assert there in said


@pytest.mark.parametrize("silence_limit_ms", [299, 10_001])
def test_the_silence_of_a_worker_has_sensible_bounds(silence_limit_ms: int) -> None:
    """It tells of itself every 100 ms: less than three of these would kill workers for nothing."""
    assert complaint(MediaTable, silence_limit_ms=silence_limit_ms)


def test_half_a_range_of_ports_is_refused() -> None:
    assert "first_port and last_port, or neither" in complaint(RtpTable, first_port=10000)
