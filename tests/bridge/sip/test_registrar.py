"""REGISTER and digest (RFC 3261 sections 10.3 and 22, RFC 7616, RFC 8760)."""

import re

import pytest

from bridge.errors import RemoteProtocolError
from bridge.sip.config import SipLimits
from bridge.sip.digest import Credentials, Nonces, digest_response
from bridge.sip.endpoint import SipEndpoint
from bridge.sip.events import Registered, RegistrationRefused, Unregistered
from bridge.sip.failed_logins import FailedLogins
from bridge.sip.message import Response
from bridge.sip.uri import Uri
from tests.bridge.sip.loopback import events_of, make_endpoint, responses_of
from tests.bridge.sip.texts import request

PASSWORDS = {"alice": "secret", "bob": "hunter2"}
CONTACT = "<sip:alice@10.0.0.7:5070;transport=udp>"
SOURCE = ("192.0.2.77", 40001)


class Phone:
    """Registers at an endpoint by hand."""

    def __init__(
        self, endpoint: SipEndpoint, *, user: str = "alice", password: str = "secret"
    ) -> None:
        self.endpoint, self.user, self.password = endpoint, user, password
        self.now = 0.0
        self.source = SOURCE
        self._sent = 0

    def send(
        self, *headers: str, contact: str | None = CONTACT, expires: int | None = None
    ) -> Response:
        self._sent += 1
        lines = headers if expires is None else (*headers, f"Expires: {expires}")
        address = f"<sip:{self.user}@tonewall.example>"
        data = request(
            "REGISTER",
            uri="sip:tonewall.example",
            branch=f"z9hG4bK{self.user}{self._sent}",
            from_=f"{address};tag=f",
            to=address,
            call_id=f"reg-{self.user}",
            cseq=self._sent,
            contact=contact,
            headers=lines,
        )
        self.endpoint.receive_datagram(data, self.source, self.now)
        (response,) = responses_of(self.endpoint)
        return response

    def nonce(self) -> str:
        return challenge_of(self.send())["nonce"]

    def login(
        self,
        nonce: str,
        *,
        algorithm: str = "SHA-256",
        count: int = 1,
        qop: str | None = "auth",
        username: str | None = None,
    ) -> str:
        """Return an Authorization line."""
        blank = Credentials(
            username=username or self.user,
            realm="tonewall",
            nonce=nonce,
            uri="sip:tonewall.example",
            response="",
            algorithm=algorithm,
            qop=qop,
            nonce_count=count,
            cnonce="c",
        )
        right = digest_response(blank, method="REGISTER", password=self.password)
        return f"Authorization: {blank}".replace('response=""', f'response="{right}"')

    def register(self, *, contact: str | None = CONTACT, expires: int | None = None) -> Response:
        return self.send(self.login(self.nonce()), contact=contact, expires=expires)


def challenge_of(response: Response) -> dict[str, str]:
    """Return the fields of the first challenge."""
    assert response.status == 401
    value = response.headers.get_all("WWW-Authenticate")[0]
    return {name: text.strip('"') for name, text in re.findall(r'(\w+)=("[^"]*"|[\w-]+)', value)}


def registrar(limits: SipLimits | None = None) -> SipEndpoint:
    return make_endpoint(limits=limits, password_of=PASSWORDS.get)


class TestRfc7616Example:
    """The worked example of RFC 7616 section 3.9.1."""

    FIELDS = (
        'Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", '
        "algorithm={algorithm}, "
        'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001, '
        'cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth, response="{response}", '
        'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )

    @pytest.mark.parametrize(
        ("algorithm", "expected"),
        [
            ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
            ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ],
    )
    def test_response(self, algorithm: str, expected: str) -> None:
        text = self.FIELDS.format(algorithm=algorithm, response=expected)
        credentials = Credentials.parse(text)
        password = "Circle of Life"
        assert digest_response(credentials, method="GET", password=password) == expected
        assert Credentials.parse(str(credentials)) == credentials


class TestRegister:
    """RFC 3261 section 10.3."""

    def test_phone_registers_from_behind_a_translator(self) -> None:
        endpoint = registrar()
        response = Phone(endpoint).register(expires=60)
        assert response.status == 200
        assert response.headers.get_all("Contact") == (f"{CONTACT};expires=60",)
        contact = Uri.parse(CONTACT.strip("<>"))
        assert events_of(endpoint) == [
            Registered(user="alice", contact=contact, destination=SOURCE, expires_s=60)
        ]
        binding = endpoint.location_of("alice", 59.9)
        assert binding is not None
        assert (binding.contact, binding.destination) == (contact, SOURCE)
        assert binding.expires_at == 60.0
        assert endpoint.location_of("alice", 60.0) is None
        assert endpoint.location_of("bob", 0.0) is None

    def test_registration_expires(self) -> None:
        endpoint = registrar()
        Phone(endpoint).register(expires=60)
        events_of(endpoint)
        endpoint.handle_timer(59.9)
        assert events_of(endpoint) == []
        assert endpoint.next_timer() == 60.0
        endpoint.handle_timer(60.0)
        assert events_of(endpoint) == [Unregistered(user="alice")]
        assert endpoint.next_timer() is None

    def test_refresh_keeps_it(self) -> None:
        endpoint = registrar()
        phone = Phone(endpoint)
        phone.register(expires=60)
        phone.now = 50.0
        assert phone.register(expires=60).status == 200
        endpoint.handle_timer(61.0)
        assert [type(event) for event in events_of(endpoint)] == [Registered, Registered]
        assert endpoint.location_of("alice", 61.0) is not None

    @pytest.mark.parametrize("contact", [f"{CONTACT};expires=0", "*"])
    def test_unregister(self, contact: str) -> None:
        endpoint = registrar()
        phone = Phone(endpoint)
        phone.register()
        events_of(endpoint)
        response = phone.register(contact=contact, expires=0)
        assert response.status == 200
        assert response.headers.get("Contact") is None
        assert events_of(endpoint) == [Unregistered(user="alice")]
        assert endpoint.location_of("alice", 0.0) is None

    def test_wildcard_with_another_expires_is_refused(self) -> None:
        assert Phone(registrar()).register(contact="*", expires=60).status == 400

    def test_only_a_sip_contact_can_be_called(self) -> None:
        assert Phone(registrar()).register(contact="<mailto:alice@example.com>").status == 400

    def test_query_lists_what_is_registered(self) -> None:
        phone = Phone(registrar())
        phone.register(expires=60)
        assert phone.register(contact=None).headers.get("Contact") == f"{CONTACT};expires=60"

    def test_too_brief_names_the_least(self) -> None:
        response = Phone(registrar()).register(expires=5)
        assert response.status == 423
        assert response.headers.get("Min-Expires") == "30"

    @pytest.mark.parametrize("expires", [None, 999_999])
    def test_too_long_or_unsaid_is_an_hour(self, expires: int | None) -> None:
        response = Phone(registrar()).register(expires=expires)
        assert response.headers.get("Contact") == f"{CONTACT};expires=3600"

    def test_the_phone_heard_of_last_is_called(self) -> None:
        endpoint = registrar()
        phone = Phone(endpoint)
        phone.register()
        phone.register(contact="<sip:alice@10.0.0.8>")
        binding = endpoint.location_of("alice", 0.0)
        assert binding is not None
        assert binding.contact.host == "10.0.0.8"

    def test_phones_of_one_user_are_bounded(self) -> None:
        phone = Phone(registrar(SipLimits(contacts_per_user=2)))
        for number in range(4):
            response = phone.register(contact=f"<sip:alice@10.0.0.{number}>")
        contacts = response.headers.get_all("Contact")
        assert [c.partition(";")[0] for c in contacts] == [
            "<sip:alice@10.0.0.2>",
            "<sip:alice@10.0.0.3>",
        ]

    def test_table_is_bounded(self) -> None:
        endpoint = registrar(SipLimits(bindings=1))
        assert Phone(endpoint).register().status == 200
        response = Phone(endpoint, user="bob", password="hunter2").register()
        assert response.status == 503
        assert endpoint.location_of("bob", 0.0) is None


class TestDigest:
    """RFC 3261 section 22."""

    def test_an_algorithm_that_was_not_asked_for_is_not_taken(self) -> None:
        endpoint = make_endpoint(password_of=PASSWORDS.get, digest_algorithms=("SHA-256",))
        phone = Phone(endpoint)
        nonce = phone.nonce()
        assert phone.send(phone.login(nonce, algorithm="MD5")).status == 401
        assert phone.send(phone.login(nonce, algorithm="SHA-256")).status == 200

    def test_algorithms_are_offered_in_their_order(self) -> None:
        response = Phone(registrar()).send()
        challenges = response.headers.get_all("WWW-Authenticate")
        assert [re.findall(r"algorithm=([\w-]+)", c)[0] for c in challenges] == ["SHA-256", "MD5"]

    @pytest.mark.parametrize("algorithm", ["SHA-256", "MD5"])
    @pytest.mark.parametrize("qop", ["auth", None])
    def test_right_password(self, algorithm: str, qop: str | None) -> None:
        phone = Phone(registrar())
        login = phone.login(phone.nonce(), algorithm=algorithm, qop=qop)
        assert phone.send(login).status == 200

    @pytest.mark.parametrize(
        ("user", "password"), [("alice", "wrong"), ("alice", ""), ("nobody", ""), ("nobody", "x")]
    )
    def test_wrong_password_and_unknown_user_look_alike(self, user: str, password: str) -> None:
        endpoint = registrar()
        response = Phone(endpoint, user=user, password=password).register()
        assert response.status == 403
        known = "alice" if user == "alice" else ""  # a name that is nobody's may be a password
        assert events_of(endpoint) == [RegistrationRefused(user=known, source=SOURCE)]
        assert endpoint.location_of(user, 0.0) is None

    def test_one_user_cannot_register_another(self) -> None:
        endpoint = registrar()
        phone = Phone(endpoint, user="bob", password="secret")
        login = phone.login(phone.nonce(), username="alice")
        assert phone.send(login).status == 403
        assert endpoint.location_of("bob", 0.0) is None

    def test_replay_is_stale(self) -> None:
        phone = Phone(registrar())
        login = phone.login(phone.nonce())
        assert phone.send(login).status == 200
        assert challenge_of(phone.send(login))["stale"] == "true"

    def test_nonce_serves_again_with_a_higher_count(self) -> None:
        phone = Phone(registrar())
        nonce = phone.nonce()
        assert phone.send(phone.login(nonce, count=1)).status == 200
        assert phone.send(phone.login(nonce, count=3)).status == 200
        assert phone.send(phone.login(nonce, count=2)).status == 401

    def test_old_nonce_is_stale_only_for_who_knows_the_password(self) -> None:
        phone = Phone(registrar())
        nonce = phone.nonce()
        phone.now = 301.0
        assert challenge_of(phone.send(phone.login(nonce)))["stale"] == "true"
        phone.password = "wrong"
        assert phone.send(phone.login(nonce)).status == 403

    @pytest.mark.parametrize("nonce", ["", "made-up", "0.00.00"])
    def test_nonce_of_somebody_else_is_not_taken(self, nonce: str) -> None:
        phone = Phone(registrar())
        assert phone.send(phone.login(nonce)).status == 401

    @pytest.mark.parametrize(
        "value", ["Basic YTpi", "Digest", 'Digest username="a', 'Digest realm="tonewall"']
    )
    def test_credentials_that_cannot_be_read_count_as_none(self, value: str) -> None:
        assert Phone(registrar()).send(f"Authorization: {value}").status == 401

    def test_guessing_is_bounded_for_each_address(self) -> None:
        endpoint = registrar(SipLimits(failed_logins=3))
        guesser = Phone(endpoint, password="wrong")
        for _ in range(3):
            guesser.register()
        guesser.password = "secret"
        assert guesser.send().status == 403
        elsewhere = Phone(endpoint)
        elsewhere._sent = 100
        elsewhere.source = ("192.0.2.78", 40001)
        assert elsewhere.register().status == 200
        guesser.now = 61.0
        assert guesser.register().status == 200

    def test_addresses_that_guess_are_bounded(self) -> None:
        failed = FailedLogins(SipLimits(failed_logins=1, failed_login_sources=2))
        for host in ("a", "b", "c"):
            failed.count(host, 0.0)
        assert [failed.is_barred(host, 0.0) for host in "abc"] == [False, True, True]

    def test_used_nonces_are_bounded(self) -> None:
        nonces = Nonces(secret="s", lifetime_s=60.0, capacity=2)
        for nonce in ("a", "b", "c"):
            assert nonces.use(nonce, 1)
        assert not nonces.use("b", 1)
        assert not nonces.use("c", 1)

    @pytest.mark.parametrize("count", ["", "1", "0000000g", "000000001", "+0000001"])
    def test_nonce_count_has_eight_hexadecimal_digits(self, count: str) -> None:
        text = f'Digest username="a", realm="r", nonce="n", uri="u", response="x", qop=auth, nc={count}'
        with pytest.raises(RemoteProtocolError):
            Credentials.parse(text)
