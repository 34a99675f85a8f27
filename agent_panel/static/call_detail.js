// One call: who it is, and its payment or the form for one. Lives as long as the call is listed, so that a
// half-filled form survives a look at another call.

import { stateWords } from "./calls_list.js";
import { element, setChildren, setText } from "./dom.js";
import { createPaymentCard } from "./payment_card.js";
import { createPaymentForm } from "./payment_form.js";
import { callMode, currentSession, durationText, isPending, runningTimeout } from "./state.js";

/** Return `{node, update(state, call, nowMs), focusForm()}` for one call; `commands` are those of panel.js. */
export function createCallDetail(id, commands) {
  const title = element("h2", { class: "call-title", tabindex: "-1" });
  const about = element("p", { class: "call-line" });
  const node = element("article", { class: "call-detail", "data-call": id }, element("header", { class: "call-header" }, title, about));
  const earlier = createEarlier();
  let form = null;
  let card = null;

  const formFor = () => (form ??= createPaymentForm((values) => commands.start(id, values)));
  const cardFor = (session) => {
    if (card?.session === session.session) return card;
    form = null; // the next payment starts from an empty form
    card = { session: session.session, ...createPaymentCard(session, actionsOf(id, session.session, commands)) };
    return card;
  };

  return {
    node,
    focusForm: () => form?.focus(),
    /** Where the focus goes when what had it is gone. */
    heading: () => (card?.node.isConnected ? card.heading : (form?.node.querySelector("h3") ?? title)),
    update(state, call, nowMs) {
      setText(title, call.caller || "Ended call");
      setText(about, aboutLine(state, call, nowMs));
      const mode = callMode(state, call);
      const session = currentSession(state, id);
      const parts = [node.firstElementChild];
      if (mode === "form") {
        formFor().update(formView(state, id));
        parts.push(form.node);
      } else if (session !== null) {
        cardFor(session).update(session, cardView(state, session, call, nowMs));
        parts.push(card.node);
      }
      const past = state.sessions.filter((known) => known.call === id && (mode === "form" || known !== session));
      earlier.update(past);
      if (past.length) parts.push(earlier.node);
      setChildren(node, parts);
    },
  };
}

function actionsOf(call, session, commands) {
  return {
    capture: (field) => commands.capture(session, field),
    submit: () => commands.submit(session),
    cancel: () => commands.cancel(session),
    again: () => commands.newPayment(call),
  };
}

function formView(state, call) {
  return {
    profiles: state.profiles,
    interactionTypes: state.interactionTypes,
    pending: isPending(state, call),
    connected: state.connection === "open",
    error: state.formErrors[call] ?? null,
  };
}

function cardView(state, session, call, nowMs) {
  return {
    pending: isPending(state, session.session) || state.connection !== "open",
    problem: state.sessionErrors[session.session] ?? "",
    timeout: runningTimeout(state, session, nowMs),
    live: call.live,
  };
}

function aboutLine(state, call, nowMs) {
  if (!call.live) return "Call ended";
  return `${stateWords(call)} · ${durationText(state, call.started_at, nowMs)} · dialled ${call.called}`;
}

function createEarlier() {
  const list = element("ul", { class: "earlier-list" });
  const node = element("section", { class: "earlier" }, element("h3", {}, "Earlier on this call"), list);
  return {
    node,
    update(sessions) {
      const key = sessions.map((session) => `${session.session} ${session.seq}`).join("\n");
      if (node.dataset.key === key) return;
      node.dataset.key = key;
      list.replaceChildren(
        ...sessions.map((session) =>
          element(
            "li",
            { "data-status": session.status },
            element("span", {}, `${session.amount.text} to ${session.payee}`),
            element("span", { class: "earlier-status" }, [session.headline, session.confirmation].filter(Boolean).join(" · ")),
          ),
        ),
      );
    },
  };
}
