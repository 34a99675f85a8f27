"""Starting a payment: whose call it is, what may be typed, and one payment a call."""

from dataclasses import replace

import pytest

from ivr.session.ports import SessionError
from ivr.session.view import AgentId, CallId, SessionId
from ivr.session.words import FieldName, RecorderState, Status
from tests.ivr.session.fakes import ANNA, CALL, VISA, Bench, profile, start_request, turns


class TestOwnership:
    async def test_other_agents_see_and_touch_nothing(self, bench: Bench) -> None:
        view = await bench.collected()
        other = AgentId("ben")
        assert bench.desk.sessions(other) == []
        assert bench.desk.calls(other) == []
        for command in (
            bench.desk.submit(other, view.session),
            bench.desk.cancel(other, view.session),
            bench.desk.capture(other, view.session, FieldName.CARD_NUMBER),
        ):
            with pytest.raises(SessionError) as refused:
                await command
            assert refused.value.code == "unknown-session"
        with pytest.raises(SessionError) as refused:
            await bench.desk.start(other, start_request())
        assert refused.value.code == "unknown-call"
        assert bench.view().status is Status.COLLECTED
        refusals = [entry for entry in bench.audit.entries if not entry.success]
        assert {entry.who for entry in refusals} == {"ben"}
        assert len(refusals) == 4

    async def test_unknown_session_and_others_session_look_alike(self, bench: Bench) -> None:
        view = await bench.started()
        texts = []
        for session in (view.session, SessionId("nope")):
            with pytest.raises(SessionError) as refused:
                await bench.desk.cancel(AgentId("ben"), session)
            texts.append((refused.value.code, refused.value.message))
        assert texts[0] == texts[1]


class TestStarting:
    async def test_second_payment_on_a_call_is_refused(self, bench: Bench) -> None:
        await bench.started()
        with pytest.raises(SessionError) as refused:
            await bench.started()
        assert refused.value.code == "session-in-progress"

    async def test_a_call_whose_recording_failed_is_refused_before_anything_is_stored(
        self, bench: Bench
    ) -> None:
        bench.calls.live[CALL] = replace(bench.calls.live[CALL], recorder=RecorderState.FAILED)
        with pytest.raises(SessionError, match="recording of this call has failed") as refused:
            await bench.started()
        assert (refused.value.code, refused.value.field) == ("call-not-secured", "call")
        assert bench.desk.sessions(ANNA) == []

    async def test_call_is_taken_until_its_line_is_released(self, bench: Bench) -> None:
        view = await bench.started()
        bench.calls.release_gate.clear()
        await bench.desk.cancel(ANNA, view.session)
        await turns()
        with pytest.raises(SessionError) as refused:
            await bench.started()
        assert refused.value.code == "session-in-progress"
        bench.calls.release_gate.set()
        await turns()
        assert (await bench.started()).status is Status.COLLECTING
        assert bench.calls.secured == [CALL, CALL]
        assert bench.calls.released == [CALL]

    @pytest.mark.parametrize(
        ("changes", "code", "field"),
        [
            ({"call": CallId("nobody")}, "unknown-call", "call"),
            ({"profile": "bils"}, "unknown-profile", "profile"),
            ({"amount": "0.50"}, "invalid-amount", "amount"),
            ({"amount": "500.01"}, "invalid-amount", "amount"),
            ({"amount": "ten"}, "invalid-amount", "amount"),
            ({"amount": "1.001"}, "invalid-amount", "amount"),
            ({"payee": " "}, "invalid-payee", "payee"),
            ({"payee": "x" * 81}, "invalid-payee", "payee"),
            ({"reason": "x" * 201}, "invalid-reason", "reason"),
            ({"reason": "line\nline"}, "invalid-reason", "reason"),
            ({"reason": "card 4111 1111 1111 1111 ok"}, "invalid-reason", "reason"),
            ({"payee": "4111-1111-1111-1111"}, "invalid-payee", "payee"),
            ({"reason": "４１１１１１１１１１１１１１１１"}, "invalid-reason", "reason"),
        ],
    )
    async def test_bad_input_names_the_field(
        self, bench: Bench, changes: dict[str, str], code: str, field: str
    ) -> None:
        with pytest.raises(SessionError) as refused:
            await bench.desk.start(ANNA, start_request(**changes))
        assert (refused.value.code, refused.value.field) == (code, field)
        assert bench.calls.secured == []
        assert bench.store.sessions == {}

    async def test_amount_out_of_range_names_the_limits(self, bench: Bench) -> None:
        with pytest.raises(SessionError, match="from £1.00 to £500.00"):
            await bench.desk.start(ANNA, start_request(amount="501"))

    async def test_card_number_in_a_text_is_named_and_not_repeated(self, bench: Bench) -> None:
        with pytest.raises(SessionError, match="Never type card numbers") as refused:
            await bench.desk.start(ANNA, start_request(payee=VISA))
        assert VISA not in str(refused.value)

    async def test_closing_gateway_starts_nothing(self, bench: Bench) -> None:
        await bench.desk.close()
        with pytest.raises(SessionError) as refused:
            await bench.started()
        assert refused.value.code == "closing"

    async def test_profile_of_a_missing_processor_is_refused_at_once(self, bench: Bench) -> None:
        with pytest.raises(ValueError, match="'bills': processor: 'stripe' is not configured"):
            bench.desk.use_profiles([profile(processor="stripe")])
