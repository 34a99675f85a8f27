"""Security headers, on every kind of answer."""

import pytest
from starlette.testclient import TestClient

from tests.agent_panel.fakes import PASSWORD

_PATHS = [
    "/panel",
    "/panel/sign-in",
    "/panel/static/panel.js",
    "/panel/static/none.js",
    "/no-such-page",
]


def _policy(text: str) -> dict[str, str]:
    return {name: value for name, _, value in (part.partition(" ") for part in text.split("; "))}


@pytest.mark.parametrize("path", _PATHS)
def test_policy_forbids_all_but_our_own_files(client: TestClient, path: str) -> None:
    policy = _policy(client.get(path).headers["content-security-policy"])

    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert policy["trusted-types"] == "'none'"


@pytest.mark.parametrize("path", _PATHS)
def test_nothing_is_sniffed_framed_or_referred(client: TestClient, path: str) -> None:
    headers = client.get(path).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"


def test_pages_are_never_stored_and_files_are_asked_for_again(client: TestClient) -> None:
    client.post("/panel/sign-in", data={"username": "ada", "password": PASSWORD})

    assert client.get("/panel").headers["cache-control"] == "no-store"
    static = client.get("/panel/static/panel.js")
    assert static.headers["cache-control"] == "no-cache"
    assert "etag" in static.headers


def test_strict_transport_is_not_promised_on_plain_loopback(client: TestClient) -> None:
    assert "strict-transport-security" not in client.get("/panel/sign-in").headers


def test_refusals_of_the_guard_and_of_the_body_bound_have_them_too(client: TestClient) -> None:
    foreign = client.post("/panel/sign-in", headers={"sec-fetch-site": "cross-site"})
    large = client.post("/panel/sign-in", content=b"x" * 20_000)

    for answer, code in ((foreign, 403), (large, 413)):
        assert answer.status_code == code
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"


def test_no_page_holds_inline_script_or_style(client: TestClient) -> None:
    client.post("/panel/sign-in", data={"username": "ada", "password": PASSWORD})
    for page in (client.get("/panel").text, client.get("/no-such-page").text):
        assert "<style" not in page
        assert " style=" not in page
        assert " on" not in "".join(part.split(">")[0] for part in page.split("<button")[1:])
        assert page.count("<script") == page.count('<script type="module" src="/panel/static/')
