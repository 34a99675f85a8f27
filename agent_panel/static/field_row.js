// One field of the card: a label, an asterisk a key, what is wrong in words, and the way to ask again.

import { element, setAttribute, setChildren, setText } from "./dom.js";
import { brandBadge, icon } from "./icons.js";

const STATE_WORDS = { idle: "Not asked yet", collecting: "Waiting for keys", valid: "Complete", invalid: "Not accepted" };
const STATE_ICONS = { idle: "off", collecting: "keypad", valid: "tick", invalid: "cross" };

// Where groups of a card number begin, as on the card (ISO/IEC 7812 leaves this to the issuers).
const GROUPS = { amex: [4, 10], default: [4, 8, 12, 16] };

/** Return `{node, update(field, view)}`; `onCapture()` asks for the field (again). */
export function createFieldRow(field, onCapture) {
  const mask = element("span", { class: "mask", "aria-hidden": "true" });
  const spoken = element("span", { class: "visually-hidden mask-spoken" });
  const brand = element("span", { class: "field-brand" });
  const status = element("span", { class: "field-status" });
  const attempt = element("span", { class: "field-attempt" });
  const error = element("p", { class: "field-error", hidden: true });
  const bar = element("span", { class: "time-bar", hidden: true });
  const button = element("button", { type: "button", class: "button small" });
  button.addEventListener("click", () => button.getAttribute("aria-disabled") === "true" || onCapture());
  const label = element("span", { class: "field-label" }, field.label);
  const entry = element("span", { class: "field-entry" }, mask, spoken, brand);
  const about = element("span", { class: "field-about" }, status, attempt);
  const node = element("li", { class: "field", "data-field": field.name }, label, entry, about, button, error, bar);
  return { node, update: (now, view) => update({ node, mask, spoken, brand, status, attempt, error, bar, button }, now, view) };
}

function update(parts, field, { pending, ended, isCurrent, timeout }) {
  setAttribute(parts.node, "data-state", field.state);
  setAttribute(parts.node, "aria-current", isCurrent ? "step" : null);
  showMask(parts.mask, field);
  setText(parts.spoken, spokenMask(field));
  showBrand(parts.brand, field);
  const running = isCurrent ? timeout : null;
  showStatus(parts.status, field, running);
  parts.bar.hidden = running === null;
  parts.bar.style.transform = `scaleX(${running === null ? 0 : running.left_s / running.whole_s})`;
  const several = field.attempt > 0 && field.state !== "valid" && !ended;
  setText(parts.attempt, several ? `Attempt ${field.attempt} of ${field.attempts_allowed}` : "");
  const message = field.state === "invalid" || field.state === "collecting" ? field.message : "";
  setText(parts.error, message);
  parts.error.hidden = message === "";
  const asked = field.attempt > 0 ? "Ask again" : "Ask now";
  setText(parts.button, asked);
  setAttribute(parts.button, "aria-label", `${asked}: ${field.label}`);
  parts.button.hidden = !field.can_capture;
  setAttribute(parts.button, "aria-disabled", pending ? "true" : null);
}

function showMask(node, field) {
  if (node.dataset.mask === field.mask && node.dataset.brand === (field.brand ?? "")) return;
  const grown = field.mask.length > (node.dataset.mask ?? "").length;
  node.dataset.mask = field.mask;
  node.dataset.brand = field.brand ?? "";
  const starts = field.name === "payment-card-number" ? (GROUPS[field.brand] ?? GROUPS.default) : [];
  node.replaceChildren(
    ...[...field.mask].map((char, index) =>
      element("span", { class: starts.includes(index) ? "key group-start" : "key", "data-new": grown && index === field.mask.length - 1 }, char),
    ),
  );
}

function spokenMask(field) {
  const lastFour = field.mask.replaceAll("*", "");
  if (lastFour) return `ending ${[...lastFour].join(" ")}`;
  return field.mask ? `${field.mask.length} keys pressed` : "nothing keyed";
}

function showBrand(node, field) {
  if (node.dataset.brand === (field.brand ?? "")) return;
  node.dataset.brand = field.brand ?? "";
  node.replaceChildren(...(field.brand ? [brandBadge(field.brand, field.brand_label)] : []));
}

function showStatus(node, field, running) {
  const words = STATE_WORDS[field.state];
  const left = running === null ? "" : `${Math.ceil(running.left_s)} s left`;
  const drawing = left ? "clock" : STATE_ICONS[field.state];
  if (node.dataset.icon !== drawing) {
    node.dataset.icon = drawing;
    setChildren(node, [icon(drawing), element("span", { class: "status-words" }), element("span", { class: "timer", role: "timer" })]);
  }
  setText(node.children[1], words);
  setText(node.children[2], left);
}
