"""Transactions: complete tables, and retransmissions at exactly the times of RFC 3261 section 17."""

from collections.abc import Callable

import pytest

from bridge.sip import client_transaction, server_transaction
from bridge.sip.client_transaction import ClientTransaction
from bridge.sip.incoming import IncomingRequest, IncomingResponse
from bridge.sip.message import Request, Response, parse_message
from bridge.sip.server_transaction import ServerTransaction
from bridge.sip.timers import Alarms, SipTimers
from tests.bridge.sip.texts import PHONE, request, response

TIMERS = SipTimers()
DOUBLING_S = [0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
"Timer A: T1, then twice as long each time."

CAPPED_S = [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
"Timers E and G: T1, then twice as long each time up to T2."


def parse_request(data: bytes) -> Request:
    message = parse_message(data)
    assert isinstance(message, Request)
    return message


class Client:
    """A client transaction that writes down what it does and when."""

    def __init__(self, method: str) -> None:
        self.now = 0.0
        self.sent: list[tuple[float, str]] = []
        self.delivered: list[int] = []
        self.timed_out_at: float | None = None
        self.ended_at: float | None = None
        self.request = parse_request(request(method))
        self.transaction = ClientTransaction(
            self.request,
            PHONE,
            branch="z9hG4bKtest1",
            timers=TIMERS,
            send=lambda data, _: self.sent.append((self.now, data.split(b" ")[0].decode())),
            on_response=lambda got, _: self.delivered.append(got.status),
            on_timeout=self._time_out,
            on_end=self._end,
            now=0.0,
        )
        self.sent.clear()

    def _time_out(self, now: float) -> None:
        self.timed_out_at = now

    def _end(self, transaction: ClientTransaction) -> None:
        self.ended_at = self.now

    def receive(self, status: int) -> None:
        message = parse_message(response(self.request, status))
        assert isinstance(message, Response)
        self.transaction.receive_response(IncomingResponse.read(message, PHONE), self.now)

    def run(self, until_s: float = 1000.0) -> None:
        while (at := self.transaction.next_timer()) is not None and at <= until_s:
            self.now = at
            self.transaction.handle_timer(at)
        self.now = until_s

    def times_of(self, method: str) -> list[float]:
        return [at for at, sent in self.sent if sent == method]


class TestClientInvite:
    """RFC 3261 section 17.1.1."""

    def test_timer_a_doubles_until_timer_b_gives_up(self) -> None:
        client = Client("INVITE")
        client.run()
        assert client.times_of("INVITE") == DOUBLING_S
        assert client.timed_out_at == client.ended_at == 32.0

    def test_provisional_response_ends_retransmission(self) -> None:
        client = Client("INVITE")
        client.receive(100)
        client.run(179.0)
        assert client.sent == []
        assert client.delivered == [100]
        assert client.timed_out_at is None

    def test_ringing_without_end_is_given_up(self) -> None:
        client = Client("INVITE")
        client.receive(180)
        client.run(100.0)
        client.receive(180)
        client.run()
        assert client.timed_out_at == 100.0 + TIMERS.proceeding_s

    def test_each_repeated_failure_is_acknowledged_and_delivered_once(self) -> None:
        client = Client("INVITE")
        for _ in range(3):
            client.receive(486)
        assert [sent for _, sent in client.sent] == ["ACK"] * 3
        assert client.delivered == [486]

    def test_timer_d_ends_completed(self) -> None:
        client = Client("INVITE")
        client.receive(486)
        client.run()
        assert client.ended_at == 32.0
        assert client.timed_out_at is None

    def test_ack_of_a_failure_is_that_of_section_17_1_1_3(self) -> None:
        invite = parse_request(request(headers=("Route: <sip:p;lr>",)))
        got = parse_message(response(invite, 486, tag="bob"))
        assert isinstance(got, Response)
        ack = client_transaction.ack_of_failure(invite, IncomingResponse.read(got, PHONE))
        assert (ack.method, ack.uri) == ("ACK", invite.uri)
        assert ack.headers.get("Via") == invite.headers.get("Via")
        assert ack.headers.get("To") == "<sip:bob@example.com>;tag=bob"
        assert ack.headers.get("CSeq") == "1 ACK"
        assert ack.headers.get_all("Route") == ("<sip:p;lr>",)


class TestClientAcceptedRfc6026:
    def test_every_success_is_delivered_until_timer_m(self) -> None:
        client = Client("INVITE")
        client.receive(200)
        client.run(31.0)
        client.receive(200)
        assert client.delivered == [200, 200]
        assert client.sent == []
        client.run()
        assert client.ended_at == 32.0


class TestClientNonInvite:
    """RFC 3261 section 17.1.2."""

    def test_timer_e_doubles_up_to_t2_until_timer_f_gives_up(self) -> None:
        client = Client("OPTIONS")
        client.run()
        assert client.times_of("OPTIONS") == CAPPED_S
        assert client.timed_out_at == client.ended_at == 32.0

    def test_provisional_response_slows_retransmission_to_t2(self) -> None:
        client = Client("OPTIONS")
        client.run(1.0)
        client.receive(100)
        client.run()
        assert client.times_of("OPTIONS") == [0.5, 1.5, 5.5, 9.5, 13.5, 17.5, 21.5, 25.5, 29.5]
        assert client.timed_out_at == 32.0

    def test_timer_k_absorbs_repeated_responses(self) -> None:
        client = Client("OPTIONS")
        client.receive(200)
        client.receive(200)
        assert client.delivered == [200]
        client.run()
        assert client.ended_at == 5.0


class Server:
    """A server transaction that writes down what it sends and when."""

    def __init__(self, method: str) -> None:
        self.now = 0.0
        self.sent: list[tuple[float, bytes]] = []
        self.ended_at: float | None = None
        self.transaction = ServerTransaction(
            IncomingRequest.read(parse_request(request(method)), PHONE),
            destination=PHONE,
            to_tag="us",
            timers=TIMERS,
            send=lambda data, _: self.sent.append((self.now, data)),
            on_end=self._end,
        )

    def _end(self, transaction: ServerTransaction) -> None:
        self.ended_at = self.now

    def run(self, until_s: float = 1000.0) -> None:
        while (at := self.transaction.next_timer()) is not None and at <= until_s:
            self.now = at
            self.transaction.handle_timer(at)
        self.now = until_s


class TestServerInvite:
    """RFC 3261 section 17.2.1."""

    def test_retransmission_is_answered_with_the_latest_response(self) -> None:
        server = Server("INVITE")
        server.transaction.receive_retransmission(0.0)
        assert server.sent == []
        server.transaction.respond(100, b"100", 0.0)
        server.transaction.respond(180, b"180", 0.0)
        server.transaction.receive_retransmission(0.0)
        assert [data for _, data in server.sent] == [b"100", b"180", b"180"]

    def test_timer_g_repeats_a_failure_until_timer_h(self) -> None:
        server = Server("INVITE")
        server.transaction.respond(486, b"486", 0.0)
        server.run()
        assert [at for at, _ in server.sent] == [0.0, *CAPPED_S]
        assert server.ended_at == 32.0

    def test_ack_stops_timer_g_and_timer_i_absorbs_more(self) -> None:
        server = Server("INVITE")
        server.transaction.respond(486, b"486", 0.0)
        server.run(1.0)
        server.transaction.receive_ack(1.0)
        server.transaction.receive_ack(1.0)
        server.transaction.receive_retransmission(1.0)
        server.run()
        assert [at for at, _ in server.sent] == [0.0, 0.5]
        assert server.ended_at == 6.0


class TestServerAcceptedRfc6026:
    def test_success_is_left_to_the_dialog_and_timer_l_absorbs_invites(self) -> None:
        server = Server("INVITE")
        server.transaction.respond(200, b"200", 0.0)
        server.transaction.receive_retransmission(1.0)
        server.transaction.receive_ack(1.0)
        server.run()
        assert [at for at, _ in server.sent] == [0.0]
        assert server.ended_at == 32.0


class TestServerNonInvite:
    """RFC 3261 section 17.2.2."""

    def test_retransmission_is_answered_until_timer_j(self) -> None:
        server = Server("OPTIONS")
        server.transaction.respond(200, b"200", 0.0)
        server.transaction.receive_retransmission(1.0)
        assert [data for _, data in server.sent] == [b"200", b"200"]
        server.run()
        assert server.ended_at == 32.0


class TestTables:
    """Whatever comes from outside has a row in every state in which it can come."""

    @pytest.mark.parametrize(
        "table", [client_transaction.INVITE, client_transaction.NON_INVITE], ids=["invite", "other"]
    )
    def test_client_takes_every_response_in_every_state(
        self, table: client_transaction.Table
    ) -> None:
        trigger = client_transaction.Trigger
        states = {state for state, _ in table}
        for state in states:
            for response_kind in (trigger.PROVISIONAL, trigger.SUCCESS, trigger.FAILURE):
                assert (state, response_kind) in table

    def test_server_takes_every_request_in_every_state(self) -> None:
        trigger = server_transaction.Trigger
        for state in {state for state, _ in server_transaction.INVITE}:
            assert (state, trigger.REQUEST) in server_transaction.INVITE
            assert (state, trigger.ACK) in server_transaction.INVITE
        for state in {state for state, _ in server_transaction.NON_INVITE}:
            assert (state, trigger.REQUEST) in server_transaction.NON_INVITE

    @pytest.mark.parametrize(
        "targets",
        [
            {row[0] for row in client_transaction.INVITE.values()},
            {row[0] for row in client_transaction.NON_INVITE.values()},
        ],
    )
    def test_every_state_can_end(self, targets: set[client_transaction.State]) -> None:
        assert client_transaction.State.TERMINATED in targets


class Sleeper:
    """Wants to be woken at the times of a list."""

    def __init__(self, times: list[float], woken: Callable[[float], None]) -> None:
        self._times, self._woken = times, woken

    def next_timer(self) -> float | None:
        return self._times[0] if self._times else None

    def handle_timer(self, now: float) -> None:
        self._woken(self._times.pop(0))


class TestAlarms:
    def test_wakes_in_order_of_time_and_forgets_who_is_done(self) -> None:
        woken: list[float] = []
        alarms = Alarms()
        for times in ([3.0, 4.0], [1.0, 5.0], [2.0]):
            alarms.arm(Sleeper(times, woken.append))
        alarms.wake(4.0)
        assert woken == [1.0, 2.0, 3.0, 4.0]
        assert alarms.next_timer() == 5.0
        alarms.wake(5.0)
        assert alarms.next_timer() is None
        assert len(alarms) == 0

    def test_changing_ones_mind_does_not_grow_the_queue(self) -> None:
        alarms, times = Alarms(), [0.0]
        sleeper = Sleeper(times, lambda at: None)
        for at in range(10_000):
            times[0] = 1.0 + at
            alarms.arm(sleeper)
        assert alarms.next_timer() == 10_000.0
        assert len(alarms._heap) < 100
