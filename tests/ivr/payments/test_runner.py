"""The runner sends once, looks up after silence, and tells what cannot have happened from what may have."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest

from ivr.money import Money
from ivr.payments.decline import DeclineCode
from ivr.payments.model import (
    Approved,
    CardData,
    Declined,
    Order,
    Outcome,
    Pending,
    RefusalReason,
    Refused,
    Unknown,
)
from ivr.payments.processor import HttpReply, HttpRequest, NoAnswerError, NotSentError
from ivr.payments.processors.test_cards import TEST_CARDS, TestCard
from ivr.payments.processors.test_processor import TestAcquirer, TestProcessor, reference_of
from ivr.payments.runner import LOOK_UP_PAUSES_S, Account, Runner
from tests.ivr.keys import secret

VISA = "4111111111111111"
ORDER = Order(amount=Money(1250, "GBP"), payee="Northern Water")


def card(number: str = VISA) -> CardData:
    return CardData(number=secret(number), expiry=secret("1228"), security_code=secret("123"))


class Script:
    """A transport that does what it is told, in order, and remembers what it was sent."""

    def __init__(self, *steps: HttpReply | BaseException) -> None:
        self.steps = list(steps)
        self.sent: list[HttpRequest] = []
        self.timeouts_s: list[float] = []

    async def send(self, request: HttpRequest, *, timeout_s: float) -> HttpReply:
        self.sent.append(request)
        self.timeouts_s.append(timeout_s)
        step = self.steps.pop(0)
        if isinstance(step, BaseException):
            raise step
        return step


class Pauses:
    """Waits no time and remembers how long it should have."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def approved(reference: str = "R1") -> HttpReply:
    return HttpReply(
        status=200, body=f'{{"result": "approved", "reference": "{reference}"}}'.encode()
    )


NOT_FOUND = HttpReply(status=404)


async def charge(*steps: HttpReply | BaseException) -> tuple[Outcome, Script, Pauses]:
    script, pauses = Script(*steps), Pauses()
    runner = Runner({"test": Account(processor=TestProcessor(), transport=script)}, pause=pauses)
    return await runner.charge("test", ORDER, card(), key="k-1"), script, pauses


class TestSending:
    async def test_an_answer_is_the_outcome(self) -> None:
        outcome, script, pauses = await charge(approved())
        assert outcome == Approved(reference="R1")
        assert [request.method for request in script.sent] == ["POST"]
        assert pauses.seconds == []

    @pytest.mark.parametrize(
        "silence",
        [
            NoAnswerError(),
            TimeoutError(),
            OSError(VISA),
            HttpReply(status=502),
            HttpReply(status=200),
        ],
    )
    async def test_silence_is_looked_up_and_never_sent_again(
        self, silence: HttpReply | Exception
    ) -> None:
        outcome, script, pauses = await charge(silence, approved())
        assert outcome == Approved(reference="R1")
        assert [request.method for request in script.sent] == ["POST", "GET"]
        assert pauses.seconds == [LOOK_UP_PAUSES_S[0]]

    async def test_look_ups_are_bounded(self) -> None:
        silence = [NoAnswerError() for _ in range(1 + len(LOOK_UP_PAUSES_S))]
        outcome, script, pauses = await charge(*silence)
        assert outcome == Unknown()
        assert [request.method for request in script.sent] == ["POST", "GET", "GET", "GET"]
        assert tuple(pauses.seconds) == LOOK_UP_PAUSES_S
        assert script.timeouts_s == [10.0, 5.0, 5.0, 5.0]

    async def test_key_that_is_not_known_yet_stays_unknown(self) -> None:
        outcome, _, _ = await charge(NoAnswerError(), NOT_FOUND, NOT_FOUND, NOT_FOUND)
        assert outcome == Unknown(never_seen=True)

    async def test_key_that_turns_up_late_counts(self) -> None:
        outcome, _, _ = await charge(NoAnswerError(), NOT_FOUND, approved())
        assert outcome == Approved(reference="R1")

    async def test_look_up_that_is_turned_down_says_nothing(self) -> None:
        refusal = HttpReply(status=400)
        outcome, _, _ = await charge(NoAnswerError(), refusal, NotSentError(), refusal)
        assert outcome == Unknown()

    async def test_what_never_left_is_refused(self) -> None:
        outcome, script, _ = await charge(NotSentError())
        assert outcome == Refused(reason=RefusalReason.NOT_SENT)
        assert len(script.sent) == 1

    async def test_transport_that_hangs_is_cut_off(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Hanging(Script):
            async def send(self, request: HttpRequest, *, timeout_s: float) -> HttpReply:
                await super().send(request, timeout_s=timeout_s)
                never: asyncio.Future[HttpReply] = asyncio.get_running_loop().create_future()
                return await never

        monkeypatch.setattr("ivr.payments.runner._BACKSTOP_S", 0.0)
        script = Hanging(*[approved()] * 4)
        account = Account(processor=TestProcessor(), transport=script, timeout_s=0.0)
        outcome = await Runner({"test": account}, pause=Pauses()).charge(
            "test", ORDER, card(), key="k"
        )
        assert outcome == Unknown()
        assert [request.method for request in script.sent] == ["POST", "GET", "GET", "GET"]

    async def test_cancellation_passes(self) -> None:
        with pytest.raises(asyncio.CancelledError):
            await charge(asyncio.CancelledError())

    async def test_unknown_account_is_refused_unsent(self) -> None:
        runner = Runner({})
        outcome = await runner.charge("stripe", ORDER, card(), key="k")
        assert outcome == Refused(reason=RefusalReason.MISCONFIGURED)
        assert await runner.look_up("stripe", "k") == Unknown()

    async def test_processor_that_breaks_before_sending_is_refused(self) -> None:
        class Broken(TestProcessor):
            __test__ = False

            def charge(self, order: Order, card: CardData, *, key: str) -> HttpRequest:
                raise RuntimeError(VISA)

            def look_up(self, key: str) -> HttpRequest:
                raise RuntimeError(VISA)

        script = Script()
        runner = Runner({"test": Account(processor=Broken(), transport=script)})
        outcome = await runner.charge("test", ORDER, card(), key="k")
        assert outcome == Refused(reason=RefusalReason.BAD_REQUEST)
        assert await runner.look_up("test", "k") == Unknown()
        assert script.sent == []


class TestSecrecy:
    async def test_body_is_wiped_after_sending_whatever_came_of_it(self) -> None:
        for steps in ([approved()], [NotSentError()], [NoAnswerError()] + [NOT_FOUND] * 3):
            _, script, _ = await charge(*steps)
            assert [len(request.body) for request in script.sent] == [0] * len(script.sent)

    async def test_no_log_line_holds_the_card(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        await charge(OSError(VISA), OSError(VISA), NotSentError(), NoAnswerError())
        assert caplog.records
        assert VISA not in caplog.text

    def test_request_and_reply_hide_body_and_headers(self) -> None:
        request = TestProcessor().charge(ORDER, card(), key="k")
        reply = HttpReply(status=200, body=VISA.encode(), headers=(("x", VISA),))
        assert VISA not in repr(request) + repr(reply) + repr(card())

    def test_address_and_headers_never_hold_the_card(self) -> None:
        request = TestProcessor().charge(ORDER, card(), key="k")
        assert VISA not in request.url + str(request.headers)


Wait = Callable[[float], Awaitable[None]]


def through_acquirer() -> tuple[Runner, TestAcquirer]:
    pause: Wait = Pauses()
    acquirer = TestAcquirer(pause=pause)
    account = Account(processor=TestProcessor(), transport=acquirer)
    return Runner({"test": account}, pause=pause), acquirer


class TestTestCards:
    @pytest.mark.parametrize("test_card", TEST_CARDS, ids=lambda c: f"{c.number}-{c.does}")
    async def test_does_what_the_table_says(self, test_card: TestCard) -> None:
        number, does = test_card.number, test_card.does
        runner, _ = through_acquirer()
        outcome = await runner.charge("test", ORDER, card(number), key="k")
        expected: dict[str, Outcome] = {
            "approved": Approved(reference=reference_of("k")),
            "timeout": Unknown(never_seen=True),
            "answer-lost": Approved(reference=reference_of("k")),
            "decline-lost": Declined(code=DeclineCode.DO_NOT_HONOUR, reference=reference_of("k")),
            "silent": Unknown(),
            "pending": Pending(reference=reference_of("k")),
            "refused": Refused(reason=RefusalReason.BAD_REQUEST),
            "unreachable": Refused(reason=RefusalReason.NOT_SENT),
        }
        if does in expected:
            assert outcome == expected[does]
        else:
            assert outcome == Declined(code=DeclineCode(does), reference=reference_of("k"))

    async def test_any_other_card_is_declined(self) -> None:
        runner, _ = through_acquirer()
        outcome = await runner.charge("test", ORDER, card("4539578763621486"), key="k")
        assert outcome == Declined(code=DeclineCode.NOT_A_TEST_CARD, reference=reference_of("k"))

    async def test_same_key_charges_once_and_answers_alike(self) -> None:
        runner, acquirer = through_acquirer()
        first = await runner.charge("test", ORDER, card(), key="k")
        assert await runner.charge("test", ORDER, card(), key="k") == first
        assert await runner.look_up("test", "k") == first
        assert acquirer.charges == 1

    async def test_same_key_for_another_amount_is_refused(self) -> None:
        runner, _ = through_acquirer()
        await runner.charge("test", ORDER, card(), key="k")
        other = Order(amount=Money(1, "GBP"), payee="Northern Water")
        outcome = await runner.charge("test", other, card(), key="k")
        assert outcome == Refused(reason=RefusalReason.BAD_REQUEST)

    async def test_memory_is_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("ivr.payments.processors.test_processor._MAX_CHARGES", 3)
        runner, acquirer = through_acquirer()
        for number in range(5):
            await runner.charge("test", ORDER, card(), key=f"k-{number}")
        assert acquirer.charges == 3
        assert await runner.look_up("test", "k-0") == Unknown(never_seen=True)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"result": "approved"}',
        b'{"result": "x", "reference": "r"}',
        b'{"result": "declined", "reference": "r", "decline_code": "x"}',
        b"\xff",
        b'"approved"',
    ],
)
def test_reply_that_cannot_be_read_is_unknown(body: bytes) -> None:
    assert TestProcessor().read(HttpReply(status=200, body=body)) == Unknown()


def test_scrub_removes_every_card_field() -> None:
    request = TestProcessor().charge(ORDER, card(), key="k-1")
    transcript = f"POST {request.url}\n\n{request.body.reveal().decode()}"
    assert VISA in transcript
    scrubbed = TestProcessor().scrub(transcript)
    assert VISA not in scrubbed
    assert '"1228"' not in scrubbed
    assert '"123"' not in scrubbed
    assert '"k-1"' in scrubbed
