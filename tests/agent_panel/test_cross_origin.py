"""Requests that other sites make a browser send (Fetch Metadata, RFC 6454, RFC 6455 section 10.2)."""

import pytest
from starlette.datastructures import Headers
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from agent_panel.cross_origin import is_own_origin, may_change_state
from tests.agent_panel.fakes import PASSWORD, FakeAccounts

_HOST = {"host": "panel.example:8443"}


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "cross-site", "origin": "https://panel.example:8443"}, False),
        ({"sec-fetch-site": ""}, False),
        ({"origin": "https://panel.example:8443"}, True),
        ({"origin": "https://panel.example"}, False),
        ({"origin": "https://evil.example"}, False),
        ({"origin": "null"}, False),
        ({"origin": ""}, False),
        ({}, False),
    ],
)
def test_unsafe_request_with_a_cookie_needs_proof_of_origin(
    headers: dict[str, str], allowed: bool
) -> None:
    assert may_change_state(Headers(_HOST | headers), has_cookie=True) is allowed


def test_client_that_says_nothing_and_has_no_cookie_is_no_browser() -> None:
    assert may_change_state(Headers(_HOST), has_cookie=False)


@pytest.mark.parametrize(
    "origin",
    ["", "null", "https://", "https://[", "ftp://panel.example:8443", "https://panel.example:8443.evil.example",
     "https://user@panel.example:8443"],
)  # fmt: skip
def test_origin_that_is_not_ours_to_the_letter_is_foreign(origin: str) -> None:
    assert not is_own_origin(Headers(_HOST | {"origin": origin}))


def test_request_without_a_host_is_foreign() -> None:
    assert not is_own_origin(Headers({"origin": "https://"}))


def test_foreign_form_does_not_reach_the_accounts(
    client: TestClient, accounts: FakeAccounts
) -> None:
    answer = client.post(
        "/panel/sign-in",
        data={"username": "ada", "password": PASSWORD},
        headers={"origin": "https://evil.example"},
    )

    assert answer.status_code == 403
    assert accounts.origins == []


def test_foreign_sign_out_leaves_the_agent_signed_in(
    client: TestClient, accounts: FakeAccounts
) -> None:
    client.post("/panel/sign-in", data={"username": "ada", "password": PASSWORD})

    assert client.post("/panel/sign-out").status_code == 403
    assert len(accounts.tokens) == 1


@pytest.mark.parametrize("origin", [None, "https://evil.example", "null"])
def test_foreign_websocket_is_refused_before_it_is_accepted(
    client: TestClient, origin: str | None
) -> None:
    client.post("/panel/sign-in", data={"username": "ada", "password": PASSWORD})
    headers = {} if origin is None else {"origin": origin}

    with (
        pytest.raises(WebSocketDisconnect) as refusal,
        client.websocket_connect("/panel/channel", headers=headers),
    ):
        pass

    assert refusal.value.code == 1008
