"""The page's pure state (`static/state.js`), message by message."""

from typing import Any

import pytest
from playwright.async_api import Page

from tests.agent_panel.conftest import in_one_loop
from tests.support.browser import RecordedPage

pytestmark = [pytest.mark.peer("chromium"), pytest.mark.asyncio(loop_scope="session")]

_PRELUDE = """async () => {
  const state = await import("/panel/static/state.js");
  const call = (id) => ({call: id, caller: id, called: "", state: "talking", started_at: "2026-11-20T09:00:00Z",
                         secure: false, recorder: "recording"});
  const session = (id, call, seq, more) => ({session: id, call, seq, ended: false, seconds_left: null, secure: true,
                                             recorder: "paused", ...more});
  const snapshot = (calls, sessions) => ({type: "snapshot", now: "2026-11-20T09:01:05Z", profiles: [],
                                          interaction_types: [], calls: calls.map(call), sessions});
  const after = (...messages) =>
    messages.reduce((before, message) => state.received(before, message, 1000), state.initialState());
  %s
}"""


@in_one_loop
async def page(recorded: RecordedPage) -> Page:
    await recorded.page.goto("/panel/sign-in")
    return recorded.page


async def _run(page: Page, body: str) -> Any:
    return await page.evaluate(_PRELUDE % body)


async def test_view_that_is_not_newer_is_dropped(page: Page) -> None:
    assert await _run(
        page,
        """return after(snapshot(["c1"], []),
                {type: "session", session: session("s1", "c1", 5)},
                {type: "reply", id: "x", session: session("s1", "c1", 4)}).sessions.map((one) => one.seq);""",
    ) == [5]


async def test_snapshot_replaces_everything_even_with_older_numbers(page: Page) -> None:
    assert await _run(
        page,
        """return after(snapshot(["c1"], [session("s1", "c1", 90)]),
                snapshot(["c1"], [session("s1", "c1", 2)])).sessions.map((one) => one.seq);""",
    ) == [2]


async def test_running_session_speaks_for_its_call_and_an_ended_one_does_not(page: Page) -> None:
    secure = await _run(
        page,
        """const line = (ended) => {
             const now = after(snapshot(["c1"], [session("s1", "c1", 1, {ended})]));
             return state.lineOf(now, state.listedCalls(now)[0]).secure;
           };
           return [line(false), line(true)];""",
    )

    assert secure == [True, False]


async def test_call_without_a_payment_leaves_and_one_with_a_payment_stays(page: Page) -> None:
    listed = await _run(
        page,
        """const now = after(snapshot(["c1", "c2"], [session("s1", "c1", 1, {ended: true})]),
               {type: "calls", calls: []});
           return state.listedCalls(now).map((one) => [one.call, one.caller, one.live]);""",
    )

    assert listed == [["c1", "c1", False]]


async def test_list_of_ended_calls_is_bounded(page: Page) -> None:
    count = await _run(
        page,
        """const past = Array.from({length: 30}, (_, n) => session(`s${n}`, `c${n}`, 1, {ended: true}));
           return state.listedCalls(after(snapshot([], past))).length;""",
    )

    assert count == 5


async def test_durations_use_the_servers_clock(page: Page) -> None:
    texts = await _run(
        page,
        """const now = after(snapshot(["c1"], []));
           return ["2026-11-20T09:00:00Z", "2026-11-20T07:59:00Z", "2026-11-20T10:00:00Z", "nonsense"]
             .map((start) => state.durationText(now, start, 1000));""",
    )

    assert texts == ["1:05", "1:02:05", "0:00", ""]


async def test_timeout_runs_from_the_moment_it_was_heard_of(page: Page) -> None:
    running = await _run(
        page,
        """const now = after(snapshot(["c1"], [session("s1", "c1", 1, {seconds_left: 5})]));
           return [1000, 3500, 9000].map((at) => state.runningTimeout(now, now.sessions[0], at).left_s);""",
    )

    assert running == [5, 2.5, 0]


async def test_error_goes_to_where_the_command_came_from(page: Page) -> None:
    found = await _run(
        page,
        """const error = (id) => ({type: "error", id, code: "x", message: "No.", field: "amount"});
           let now = after(snapshot(["c1"], []));
           now = state.commandSent(now, {type: "start", id: "a", call: "c1"});
           const pending = state.isPending(now, "c1");
           now = state.received(now, error("a"), 1000);
           const lost = state.received(now, error(null), 1000);
           return [pending, state.isPending(now, "c1"), now.formErrors.c1.field, now.notice, lost.notice];""",
    )

    assert found == [True, False, "amount", "", "No."]
