// The page from the state. Elements are made once and then changed in place, so that focus, selection and
// half-typed text stay where they are.

import { createCallDetail } from "./call_detail.js";
import { createCallsList } from "./calls_list.js";
import { element, setChildren, setText } from "./dom.js";
import { icon } from "./icons.js";
import { createLineBar } from "./line_bar.js";
import { lineOf, listedCalls } from "./state.js";

const CONNECTION_WORDS = {
  lost: "Connection lost, trying again",
  ended: "This account may not take calls. Sign in with another one.",
};

/** Return `{update(state, nowMs), focusForm(call)}` for the page. */
export function createPage(commands) {
  const detail = document.getElementById("detail");
  const banner = document.getElementById("connection");
  const updateLineBar = createLineBar(document.getElementById("line-bar"));
  const updateCalls = createCallsList(document.getElementById("calls"), commands.select);
  const empty = createEmpty();
  const details = new Map();

  function update(state, nowMs) {
    const calls = listedCalls(state);
    const selected = calls.find((call) => call.call === state.selected) ?? null;
    const hadFocus = detail.contains(document.activeElement) ? document.activeElement : null;
    updateCalls(state, nowMs);
    updateLineBar(selected, selected && lineOf(state, selected));
    for (const id of details.keys()) {
      if (!calls.some((call) => call.call === id)) details.delete(id);
    }
    if (selected === null) {
      setChildren(detail, state.loaded ? [empty] : []);
    } else {
      if (!details.has(selected.call)) details.set(selected.call, createCallDetail(selected.call, commands));
      details.get(selected.call).update(state, selected, nowMs);
      setChildren(detail, [details.get(selected.call).node]);
    }
    showBanner(banner, state);
    keepFocus(hadFocus, detail, details.get(state.selected));
  }

  return { update, focusForm: (call) => details.get(call)?.focusForm() };
}

function showBanner(banner, state) {
  const words = CONNECTION_WORDS[state.connection] ?? state.notice;
  setText(banner, words);
  banner.hidden = words === "";
}

function keepFocus(hadFocus, detail, shown) {
  if (hadFocus === null || hadFocus === detail) return;
  const isGone = !hadFocus.isConnected || hadFocus.disabled || hadFocus.closest("[hidden]") !== null;
  // A keyboard user whose button is gone goes on at the heading of what took its place.
  if (isGone) (shown?.heading() ?? detail).focus();
}

function createEmpty() {
  return element(
    "section",
    { class: "empty" },
    element("span", { class: "empty-mark" }, icon("phone")),
    element("h2", {}, "No call right now"),
    element("p", {}, "Calls to you appear here by themselves."),
  );
}
