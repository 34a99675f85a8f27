"""Signing in and out, and the cookie in between."""

import pytest
from starlette.testclient import TestClient

from agent_panel import PanelDeps, create_app
from tests.agent_panel.fakes import PASSWORD, FakeAccounts, FakeDesk
from tests.support.clock import ManualClock

_ADA = {"username": "ada", "password": PASSWORD}


def _sign_in(client: TestClient) -> None:
    assert client.post("/panel/sign-in", data=_ADA).status_code == 303


def test_front_door_leads_to_the_panel_and_the_panel_to_signing_in(client: TestClient) -> None:
    assert client.get("/").headers["location"] == "/panel"
    assert client.get("/panel").headers["location"] == "/panel/sign-in"


def test_right_password_opens_the_panel(client: TestClient) -> None:
    answer = client.post("/panel/sign-in", data=_ADA)

    assert (answer.status_code, answer.headers["location"]) == (303, "/panel")
    page = client.get("/panel")
    assert page.status_code == 200
    assert "Ada Byron" in page.text


def test_clients_address_is_given_for_the_audit_log(
    client: TestClient, accounts: FakeAccounts
) -> None:
    _sign_in(client)

    assert accounts.origins == ["testclient"]


def test_cookie_on_loopback_is_closed_to_scripts_and_to_other_sites(client: TestClient) -> None:
    cookie = client.post("/panel/sign-in", data=_ADA).headers["set-cookie"]

    name, _, attributes = cookie.partition("=")
    assert name == "tonewall-session"
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(attributes.split("; "))
    assert "Max-Age" not in attributes


def test_cookie_over_tls_is_bound_to_the_host(desk: FakeDesk, accounts: FakeAccounts) -> None:
    deps = PanelDeps(desk=desk, accounts=accounts, clock=ManualClock(), secure_cookies=True)
    with TestClient(create_app(deps), base_url="https://panel.example") as client:
        answer = client.post("/panel/sign-in", data=_ADA, follow_redirects=False)

    assert answer.headers["set-cookie"].startswith("__Host-tonewall-session=")
    assert "Secure" in answer.headers["set-cookie"].split("; ")
    assert answer.headers["strict-transport-security"].startswith("max-age=")


@pytest.mark.parametrize("username", ["ada", "nobody", "x" * 200], ids=["known", "unknown", "long"])
def test_a_refusal_does_not_tell_what_was_wrong(client: TestClient, username: str) -> None:
    answer = client.post("/panel/sign-in", data={"username": username, "password": "wrong"})

    assert answer.status_code == 403
    assert "User name and password do not match. After several wrong tries" in answer.text
    assert "set-cookie" not in answer.headers


def test_refused_user_name_stays_in_the_form_as_text(client: TestClient) -> None:
    answer = client.post("/panel/sign-in", data={"username": '"><b>', "password": "wrong"})

    assert 'value="&#34;&gt;&lt;b&gt;"' in answer.text
    assert "wrong" not in answer.text.replace("wrong tries", "")


@pytest.mark.parametrize(
    "form", [{"username": "ada", "password": ""}, {"username": " ", "password": "x"}]
)
def test_an_empty_input_is_named(client: TestClient, form: dict[str, str]) -> None:
    answer = client.post("/panel/sign-in", data=form)

    assert answer.status_code == 422
    assert "Enter your user name and your password." in answer.text


def test_a_form_without_the_fields_is_a_bad_request(client: TestClient) -> None:
    assert client.post("/panel/sign-in", data={"user": "ada"}).status_code == 400


def test_a_file_in_place_of_a_password_is_a_bad_request(client: TestClient) -> None:
    answer = client.post("/panel/sign-in", data={"username": "ada"}, files={"password": b"x"})

    assert answer.status_code == 400


def test_a_body_over_the_bound_is_refused_unread(
    client: TestClient, accounts: FakeAccounts
) -> None:
    answer = client.post("/panel/sign-in", data={"username": "ada", "password": "x" * 20_000})

    assert answer.status_code == 413
    assert accounts.origins == []


def test_signing_in_again_ends_the_session_before(
    client: TestClient, accounts: FakeAccounts
) -> None:
    _sign_in(client)
    client.post("/panel/sign-in", data=_ADA, headers={"sec-fetch-site": "same-origin"})

    assert list(accounts.tokens) == ["token-2"]


def test_signing_out_ends_the_session_on_the_server(
    client: TestClient, accounts: FakeAccounts
) -> None:
    _sign_in(client)
    answer = client.post("/panel/sign-out", headers={"sec-fetch-site": "same-origin"})

    assert answer.headers["location"] == "/panel/sign-in?ended=1"
    assert accounts.tokens == {}
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert "You have been signed out." in client.get("/panel/sign-in?ended=1").text


def test_signed_in_user_who_asks_to_sign_in_is_sent_to_the_panel(client: TestClient) -> None:
    _sign_in(client)

    assert client.get("/panel/sign-in").headers["location"] == "/panel"


def test_user_without_the_agent_role_is_told_so(client: TestClient) -> None:
    client.post("/panel/sign-in", data={"username": "grace", "password": PASSWORD})

    page = client.get("/panel").text
    assert "Your account has no agent role." in page
    assert "panel.js" not in page


def test_overlong_cookie_is_not_looked_up(client: TestClient, accounts: FakeAccounts) -> None:
    accounts.tokens["t" * 300] = accounts.users["ada"]

    answer = client.get("/panel", headers={"cookie": f"tonewall-session={'t' * 300}"})

    assert answer.status_code == 303


def test_a_fault_behind_the_door_is_a_page_without_details(
    desk: FakeDesk, accounts: FakeAccounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(username: str, password: str, *, origin: str) -> str | None:
        raise OSError("secret detail")

    monkeypatch.setattr(accounts, "sign_in", broken)
    deps = PanelDeps(desk=desk, accounts=accounts, clock=ManualClock(), secure_cookies=False)
    with TestClient(create_app(deps), raise_server_exceptions=False) as client:
        answer = client.post("/panel/sign-in", data=_ADA)

    assert answer.status_code == 500
    assert "Something went wrong on our side." in answer.text
    assert "secret detail" not in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
