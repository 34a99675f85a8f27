"""The transaction layer: finds the transaction of a message, makes and forgets them (RFC 3261 section 17)."""

from collections import deque
from dataclasses import dataclass

from bridge.errors import LocalProtocolError
from bridge.sip.client_transaction import ClientTransaction, OnResponse, OnTimeout
from bridge.sip.client_transaction import State as ClientState
from bridge.sip.config import SipConfig
from bridge.sip.incoming import Address, IncomingRequest, IncomingResponse, ServerKey
from bridge.sip.message import Request
from bridge.sip.parameters import Parameters
from bridge.sip.reply import Lines, build_response, response_destination
from bridge.sip.server_transaction import ServerTransaction
from bridge.sip.timers import Alarms
from bridge.sip.via import MAGIC_COOKIE, Via

MergeKey = tuple[str, str, str]
"Call-ID, From-tag and CSeq: the same in all copies of one request (RFC 3261 section 8.2.2.2)."


@dataclass(slots=True)
class SipStats:
    """Counters of what came from outside; for metrics."""

    datagrams: int = 0
    malformed: int = 0
    "Could not be read, answered 400 where possible."

    stray_responses: int = 0
    "Belonged to no transaction."

    stray_acks: int = 0
    "Belonged to no dialog that waits for one."

    overloaded: int = 0
    "Refused with 503 because a table was full."


class TransactionLayer:
    """All transactions of one socket, and the datagrams that are to be sent."""

    def __init__(self, config: SipConfig, alarms: Alarms) -> None:
        self.config = config
        self.alarms = alarms
        self.stats = SipStats()
        via = Via(host=config.host, port=config.port, parameters=Parameters((("rport", None),)))
        self._via = f"{via};branch="
        self.outbox: deque[tuple[bytes, Address]] = deque()
        "Emptied by the shell after every call; a datagram from outside adds three at most."
        self._clients: dict[tuple[str, str], ClientTransaction] = {}
        self._servers: dict[ServerKey, ServerTransaction] = {}
        self._merges: dict[MergeKey, ServerKey] = {}

    def __len__(self) -> int:
        return len(self._clients) + len(self._servers)

    @property
    def unanswered(self) -> int:
        """Number of our requests that wait for a final response."""
        over = (ClientState.COMPLETED, ClientState.ACCEPTED, ClientState.TERMINATED)
        return sum(client.state not in over for client in self._clients.values())

    def has_room(self, *, in_dialog: bool) -> bool:
        """Tell whether one more transaction may be made for the other side; calls that exist have room of their own."""
        limits = self.config.limits
        reserved = limits.reserved_transactions if in_dialog else 0
        return len(self) < limits.transactions + reserved

    def send(self, data: bytes, destination: Address) -> None:
        """Queue one datagram."""
        self.outbox.append((data, destination))

    def via(self, branch: str) -> str:
        """Return our own Via, asking for `rport` (RFC 3581)."""
        return self._via + branch

    def start(
        self,
        request: Request,
        destination: Address,
        *,
        branch: str,
        on_response: OnResponse,
        on_timeout: OnTimeout,
        now: float,
    ) -> ClientTransaction:
        """Send `request` and follow it; raise LocalProtocolError where it cannot be sent.

        `branch` is that of its first Via, which is ours.
        """
        transaction = ClientTransaction(
            request,
            destination,
            branch=branch,
            timers=self.config.timers,
            send=self.send,
            on_response=on_response,
            on_timeout=on_timeout,
            on_end=self._forget_client,
            now=now,
        )
        self._clients[transaction.key] = transaction
        self.alarms.arm(transaction)
        return transaction

    def receive_response(self, response: IncomingResponse, now: float) -> None:
        """Hand a response to its transaction; one without is counted and dropped (RFC 6026 section 7.3)."""
        key = (response.vias[0].branch, response.cseq.method)
        transaction = self._clients.get(key)
        if transaction is None:
            self.stats.stray_responses += 1
            return
        transaction.receive_response(response, now)
        self.alarms.arm(transaction)

    def find_server(self, key: ServerKey) -> ServerTransaction | None:
        """Return the transaction of `key`, None where there is none."""
        return self._servers.get(key)

    def is_merged(self, request: IncomingRequest) -> bool:
        """Tell whether `request` came before on another way (RFC 3261 section 8.2.2.2)."""
        known = self._merges.get(_merge_key(request))
        return known is not None and known != request.transaction_key()

    def open_server(self, request: IncomingRequest, *, to_tag: str) -> ServerTransaction:
        """Make the transaction of a new request."""
        transaction = ServerTransaction(
            request,
            destination=self.destination_of(request),
            to_tag=to_tag,
            timers=self.config.timers,
            send=self.send,
            on_end=self._forget_server,
        )
        self._servers[transaction.key] = transaction
        self._merges.setdefault(_merge_key(request), transaction.key)
        return transaction

    def receive_retransmission(self, transaction: ServerTransaction, now: float) -> None:
        """Answer a request that was seen before."""
        transaction.receive_retransmission(now)
        self.alarms.arm(transaction)

    def receive_ack(self, transaction: ServerTransaction, now: float) -> None:
        """Take the ACK of a final response other than 2xx."""
        transaction.receive_ack(now)
        self.alarms.arm(transaction)

    def respond(
        self,
        transaction: ServerTransaction,
        status: int,
        reason: str = "",
        *,
        headers: Lines = (),
        body: bytes = b"",
        now: float,
    ) -> bytes:
        """Answer a request and return the response's bytes; raise LocalProtocolError where it cannot be sent."""
        if transaction.is_answered:
            raise LocalProtocolError("the request is answered already")
        response = build_response(
            transaction.request,
            status,
            reason,
            config=self.config,
            to_tag=transaction.to_tag,
            headers=headers,
            body=body,
        )
        data = bytes(response)
        transaction.respond(status, data, now)
        self.alarms.arm(transaction)
        return data

    def respond_without_transaction(
        self, request: IncomingRequest, status: int, *, to_tag: str, headers: Lines = ()
    ) -> None:
        """Answer and keep nothing: for what is refused because the tables are full."""
        response = build_response(
            request, status, config=self.config, to_tag=to_tag, headers=headers
        )
        self.send(bytes(response), self.destination_of(request))

    def destination_of(self, request: IncomingRequest) -> Address:
        """Return where responses to `request` go."""
        own = (self.config.host, self.config.port)
        return response_destination(request.vias[0], request.source, own=own)

    def _forget_client(self, transaction: ClientTransaction) -> None:
        self._clients.pop(transaction.key, None)

    def _forget_server(self, transaction: ServerTransaction) -> None:
        self._servers.pop(transaction.key, None)
        merge_key = _merge_key(transaction.request)
        if self._merges.get(merge_key) == transaction.key:
            del self._merges[merge_key]


def new_branch(token: str) -> str:
    """Return a branch of RFC 3261 made of a fresh `token`."""
    return f"{MAGIC_COOKIE}{token}"


def _merge_key(request: IncomingRequest) -> MergeKey:
    return request.call_id, request.from_.tag or "", str(request.cseq)
