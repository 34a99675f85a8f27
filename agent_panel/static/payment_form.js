// The form that starts a payment. The server checks it; the page shows what the server says, at the input.

import { element, setAttribute, setText } from "./dom.js";

const FIELDS = ["payee", "interaction_type", "profile", "amount", "reason"];
let formsMade = 0;

/** Return `{node, update(view), focus()}`; `onStart(values)` is called with what was typed. */
export function createPaymentForm(onStart) {
  const inputs = createInputs(`form-${(formsMade += 1)}`);
  const title = element("h3", { tabindex: "-1" }, "Take a payment");
  const problem = element("p", { class: "alert", role: "alert", hidden: true });
  const button = element("button", { class: "button primary", type: "submit" }, "Take payment");
  const grid = element("div", { class: "form-grid" }, ...FIELDS.map((name) => inputs[name].group));
  const note = element("p", { class: "hint" }, "The line is made secure first; then the caller keys the card.");
  const form = element("form", { class: "card payment-form", novalidate: true, autocomplete: "off" }, title, problem, grid, element("div", { class: "actions" }, button, note));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (button.getAttribute("aria-disabled") === "true") return;
    onStart(Object.fromEntries(FIELDS.map((name) => [name, inputs[name].input.value])));
  });
  inputs.profile.input.addEventListener("change", () => showLimits(inputs));
  let shownError = null;
  return {
    node: form,
    focus: () => inputs.payee.input.focus(),
    update({ profiles, interactionTypes, pending, connected, error }) {
      setOptions(inputs.interaction_type.input, interactionTypes);
      inputs.profiles = profiles;
      setOptions(inputs.profile.input, profiles);
      showLimits(inputs);
      setAttribute(button, "aria-disabled", pending || !connected ? "true" : null);
      setText(button, pending ? "Securing the line…" : "Take payment");
      if (error === shownError) return;
      shownError = error;
      showError(form, inputs, problem, error);
    },
  };
}

function createInputs(prefix) {
  const input = (name, attributes) => element("input", { name, type: "text", autocomplete: "off", ...attributes });
  const select = (name) => element("select", { name, required: true });
  return {
    payee: createGroup(prefix, "Payee", input("payee", { required: true, maxlength: 80 })),
    interaction_type: createGroup(prefix, "Interaction type", select("interaction_type")),
    profile: createGroup(prefix, "Payment profile", select("profile")),
    amount: createGroup(prefix, "Amount", input("amount", { required: true, inputmode: "decimal", maxlength: 24 }), " "),
    reason: createGroup(prefix, "Reason (optional)", input("reason", { maxlength: 200 })),
  };
}

function createGroup(prefix, label, input, hintText = null) {
  const id = `${prefix}-${input.name}`;
  input.id = id;
  const hint = hintText === null ? null : element("p", { class: "hint", id: `${id}-hint` }, hintText);
  const error = element("p", { class: "input-error", id: `${id}-error`, hidden: true });
  const group = element("div", { class: `input-group group-${input.name}` }, element("label", { for: id }, label), input, hint, error);
  describe(input, hint, error);
  return { group, input, hint, error };
}

function describe(input, hint, error) {
  const ids = [error.hidden ? null : error.id, hint?.id ?? null].filter(Boolean).join(" ");
  setAttribute(input, "aria-describedby", ids || null);
}

function setOptions(select, options) {
  const wanted = options.map((option) => option.name).join("\n");
  if (select.dataset.options === wanted) return;
  const chosen = select.value;
  select.replaceChildren(...options.map((option) => element("option", { value: option.name }, option.label)));
  if (options.some((option) => option.name === chosen)) select.value = chosen;
  select.dataset.options = wanted;
}

function showLimits(inputs) {
  const profile = (inputs.profiles ?? []).find((known) => known.name === inputs.profile.input.value);
  const text = profile ? `${profile.currency}, from ${profile.minimum.text} to ${profile.maximum.text}` : " ";
  setText(inputs.amount.hint, text);
}

function showError(form, inputs, problem, error) {
  for (const name of FIELDS) {
    const { input, hint, error: place } = inputs[name];
    const text = error?.field === name ? error.message : "";
    setText(place, text);
    place.hidden = text === "";
    setAttribute(input, "aria-invalid", text ? "true" : null);
    describe(input, hint, place);
  }
  const general = error && !FIELDS.includes(error.field) ? error.message : "";
  setText(problem, general);
  problem.hidden = general === "";
  // Only from within the form: an agent who has moved on keeps the focus.
  if (error && FIELDS.includes(error.field) && form.contains(document.activeElement)) {
    inputs[error.field].input.focus();
  }
}
