// One payment: what happens, its fields, and what the agent can do about it.

import { element, setAttribute, setChildren, setText } from "./dom.js";
import { createFieldRow } from "./field_row.js";
import { icon } from "./icons.js";

const TONES = {
  succeeded: { tone: "good", icon: "tick" },
  declined: { tone: "bad", icon: "cross" },
  failed: { tone: "bad", icon: "cross" },
  review: { tone: "unsure", icon: "question" },
  cancelled: { tone: "quiet", icon: "off" },
  "customer-declined": { tone: "quiet", icon: "off" },
  expired: { tone: "quiet", icon: "off" },
};

/** Return `{node, update(session, view), heading}`; `on` has capture(field), submit(), cancel(), again(). */
export function createPaymentCard(session, on) {
  const outcome = createOutcome();
  const rows = new Map(session.fields.map((field) => [field.name, createFieldRow(field, () => on.capture(field.name))]));
  const fields = element("ol", { class: "fields" }, ...[...rows.values()].map((row) => row.node));
  const group = element("fieldset", { class: "field-set" }, element("legend", {}, "Card details, keyed by the caller"), fields);
  const problem = element("p", { class: "alert", role: "alert", hidden: true });
  const actions = createActions(on);
  const node = element("section", { class: "card payment", "data-session": session.session, "aria-label": "Payment" }, outcome.node, group, problem, actions.node);
  return {
    node,
    heading: outcome.heading,
    update(now, view) {
      setAttribute(node, "data-status", now.status);
      setAttribute(node, "data-tone", TONES[now.status]?.tone ?? "going");
      outcome.update(now);
      for (const field of now.fields) {
        const isCurrent = now.collecting === field.name;
        rows.get(field.name)?.update(field, { ...view, ended: now.ended, isCurrent });
      }
      setText(problem, view.problem);
      problem.hidden = view.problem === "";
      actions.update(now, view);
    },
  };
}

function createOutcome() {
  const mark = element("span", { class: "outcome-mark" });
  const heading = element("h3", { class: "outcome-title", tabindex: "-1" });
  const amount = element("span", { class: "outcome-amount" });
  const about = element("p", { class: "outcome-about" });
  const message = element("p", { class: "outcome-message" });
  const confirmation = element("p", { class: "outcome-confirmation" }, "Confirmation ", element("strong", { class: "confirmation" }));
  const guidance = element("p", { class: "outcome-guidance" });
  const node = element("div", { class: "outcome" }, mark, element("div", { class: "outcome-words" }, heading, message, confirmation, guidance), element("div", { class: "outcome-sum" }, amount, about));
  return {
    node,
    heading,
    update(session) {
      const drawing = TONES[session.status]?.icon ?? null;
      if (mark.dataset.icon !== (drawing ?? "")) {
        mark.dataset.icon = drawing ?? "";
        setChildren(mark, drawing ? [icon(drawing)] : [element("span", { class: "pulse" })]);
      }
      setText(heading, session.headline);
      setText(amount, session.amount.text);
      setText(about, [session.payee, session.interaction_label, session.reason].filter(Boolean).join(" · "));
      show(message, session.message);
      setText(confirmation.lastElementChild, session.confirmation);
      confirmation.hidden = session.confirmation === "";
      show(guidance, session.guidance);
    },
  };
}

function createActions(on) {
  const submit = element("button", { type: "button", class: "button primary submit" });
  const cancel = element("button", { type: "button", class: "button cancel" }, "Cancel payment");
  const again = element("button", { type: "button", class: "button again" }, "New payment on this call");
  onPress(submit, on.submit);
  onPress(cancel, on.cancel);
  onPress(again, on.again);
  const node = element("div", { class: "actions" }, submit, cancel, again);
  return {
    node,
    update(session, { pending, live }) {
      setText(submit, `Submit ${session.amount.text}`);
      submit.hidden = session.ended || session.status === "processing";
      submit.disabled = !session.can_submit;
      cancel.hidden = !session.can_cancel;
      again.hidden = !(session.ended && live);
      for (const button of [submit, cancel]) setAttribute(button, "aria-disabled", pending ? "true" : null);
      node.hidden = submit.hidden && cancel.hidden && again.hidden;
    },
  };
}

function onPress(button, act) {
  button.addEventListener("click", () => button.getAttribute("aria-disabled") === "true" || act());
}

function show(node, text) {
  setText(node, text);
  node.hidden = text === "";
}
