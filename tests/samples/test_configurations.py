"""The samples that people copy: they load, and the big one lists every setting with its true default."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from bridge.call.routing import find_target
from bridge.config import DetectorLimits
from bridge.sip.registrar import Binding
from bridge.sip.uri import Uri
from ivr.app.profile_files import read_profile_file
from ivr.config import Config, RouteTable, TrunkTable
from ivr.config_file import load_config
from ivr.session.profile import DEFAULT_FIELDS
from ivr.session.words import FieldName

SAMPLES = Path(__file__).parents[2] / "samples"

TABLES: dict[str, type[BaseModel]] = {"sip.trunks": TrunkTable, "sip.routes": RouteTable}
"Tables in lists."

LIMITS = [limit for limit in fields(DetectorLimits) if isinstance(limit.default, float)]
"Their defaults are those of the preset."


def settings() -> dict[str, Any]:
    """Return what `tonewall.toml` says once every setting is uncommented."""
    text = (SAMPLES / "tonewall.toml").read_text("utf-8")
    return tomllib.loads(re.sub(r"^#(?=\S)", "", text, flags=re.MULTILINE))


def keys_of(document: dict[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in document.items():
        inner = value[0] if f"{path}{key}" in TABLES else value
        if isinstance(inner, dict) and f"{path}{key}" != "sip.phones":
            yield from keys_of(inner, f"{path}{key}.")
        else:
            yield f"{path}{key}", value


def keys_of_model(model: BaseModel, path: str = "") -> Iterator[tuple[str, Any]]:
    for key in type(model).model_fields:
        value = getattr(model, key)
        if f"{path}{key}" in TABLES:
            yield from keys_of_model(value[0], f"{path}{key}.")
        elif isinstance(value, BaseModel):
            yield from keys_of_model(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", value


def test_as_it_is_it_changes_nothing() -> None:
    assert tomllib.loads((SAMPLES / "tonewall.toml").read_text("utf-8")) == {}


def test_with_every_setting_uncommented_it_loads() -> None:
    assert Config(**settings()).web.port == 8080


def test_every_setting_is_listed_and_no_other() -> None:
    assert {key for key, _ in keys_of(settings())} == {key for key, _ in keys_of_model(Config())}


def test_the_values_are_the_defaults() -> None:
    listed, defaults = dict(keys_of(settings())), dict(keys_of_model(Config()))
    without_default = {key for key, value in defaults.items() if value in (None, "", {})}
    assert without_default == {
        "database",
        "metrics.port",
        "profiles",
        "recording.folder",
        "sip.phones",
        "sip.second_host",
        "sip.trunks.destination",
        "sip.trunks.detector.strict",
        *(f"sip.trunks.detector.{limit.name}" for limit in LIMITS),
    }
    for limit in LIMITS:
        assert listed[f"sip.trunks.detector.{limit.name}"] == limit.default, limit.name
    assert listed["sip.trunks.detector.strict"] is DetectorLimits().strict
    for key in defaults.keys() - without_default:
        expected = str(defaults[key]) if isinstance(defaults[key], Path) else defaults[key]
        assert listed[key] == expected, key


@pytest.mark.parametrize("name", ["carrier", "pbx"])
def test_a_trunk_sample_leads_calls_both_ways(name: str) -> None:
    config = load_config(SAMPLES / "trunks" / f"{name}.toml").bridge
    phone = Binding(
        contact=Uri(user="alice", host="192.0.2.30", port=5060),
        destination=("192.0.2.30", 5060),
        expires_at=60.0,
    )
    dialled = {"carrier": "+442079460100", "pbx": "alice"}[name]
    inbound = find_target(config, dialled, {"alice": phone}.get)
    outbound = find_target(config, "02079460123", lambda user: None)
    assert (inbound.agent, inbound.destination) == ("alice", ("192.0.2.30", 5060))
    assert (outbound.agent, outbound.destination) == ("", config.trunks[0].destination)


def test_the_sample_profiles_load() -> None:
    profiles = {profile.name: profile for profile in read_profile_file(SAMPLES / "profiles.toml")}
    assert list(profiles) == ["bills", "donation", "us-orders", "arrears", "repeat-orders"]
    assert profiles["bills"].fields == DEFAULT_FIELDS
    assert FieldName.POSTAL_CODE in profiles["donation"].fields
    swapped = profiles["us-orders"]
    assert (swapped.clear_key, swapped.end_key, swapped.currency) == ("#", "*", "USD")


def test_the_index_names_every_sample() -> None:
    index = (SAMPLES / "README.md").read_text("utf-8")
    files = [path.relative_to(SAMPLES) for path in SAMPLES.rglob("*.toml")]
    assert [str(path) for path in files if f"({path})" not in index] == []
