// My calls: one button each, the chosen one marked with aria-current.

import { element, setAttribute, setChildren, setText } from "./dom.js";
import { lineState } from "./line_bar.js";
import { callMode, currentSession, durationText, lineOf, listedCalls } from "./state.js";

const STATE_WORDS = { ringing: "Ringing", talking: "Talking", held: "On hold", ended: "Ended" };

/** Return the words for a call's state. */
export function stateWords(call) {
  return STATE_WORDS[call.state] ?? call.state;
}

/** Fill the list; `onSelect(call)`. Returns `update(state, nowMs)`. */
export function createCallsList(nav, onSelect) {
  const list = element("ul", { class: "calls-list" });
  const none = element("p", { class: "calls-none" }, "None");
  const rows = new Map();
  return (state, nowMs) => {
    const calls = listedCalls(state);
    for (const id of rows.keys()) {
      if (!calls.some((call) => call.call === id)) rows.delete(id);
    }
    const items = calls.map((call) => {
      if (!rows.has(call.call)) rows.set(call.call, createRow(call.call, onSelect));
      const row = rows.get(call.call);
      row.update(state, call, nowMs);
      return row.node;
    });
    setChildren(list, items);
    setChildren(nav, [nav.firstElementChild, items.length ? list : none]);
  };
}

function createRow(id, onSelect) {
  const caller = element("span", { class: "call-caller" });
  const since = element("span", { class: "call-since" });
  const about = element("span", { class: "call-about" });
  const payment = element("span", { class: "call-payment" });
  const button = element("button", { type: "button", class: "call-row", "data-call": id }, caller, since, about, payment);
  button.addEventListener("click", () => onSelect(id));
  return {
    node: element("li", {}, button),
    update(state, call, nowMs) {
      setText(caller, call.caller || "Ended call");
      setText(since, call.live ? durationText(state, call.started_at, nowMs) : "");
      setText(about, aboutCall(state, call));
      setText(payment, aboutPayment(state, call));
      setAttribute(button, "aria-current", state.selected === call.call ? "true" : null);
      setAttribute(button, "data-live", String(call.live));
      setAttribute(button, "data-secure", String(lineOf(state, call).secure));
    },
  };
}

function aboutCall(state, call) {
  if (!call.live) return "Call ended";
  return `${stateWords(call)} · ${lineState(lineOf(state, call).secure).text}`;
}

function aboutPayment(state, call) {
  const session = currentSession(state, call.call);
  if (session === null || callMode(state, call) === "form") return "";
  return `${session.amount.text} · ${session.headline}`;
}
