// Small drawings, each beside words that say the same.

import { element, shape } from "./dom.js";

const STROKES = {
  "lock-closed": ["M6 11h12v9H6z", "M8.5 11V8a3.5 3.5 0 0 1 7 0v3"],
  "lock-open": ["M6 11h12v9H6z", "M8.5 11V7a3.5 3.5 0 0 1 6.6-1.6"],
  phone: ["M6 4h3l1.5 4-2 1.5a11 11 0 0 0 6 6l1.5-2 4 1.5v3a2 2 0 0 1-2 2A15 15 0 0 1 4 6a2 2 0 0 1 2-2z"],
  recording: ["M12 6.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11z"],
  paused: ["M9 6v12", "M15 6v12"],
  off: ["M5 12h14"],
  failed: ["M12 4 21 20H3z", "M12 10v4", "M12 17v.5"],
  muted: ["M5 9.5v5h3.5L13 18V6L8.5 9.5z", "M16 9.5l5 5", "M21 9.5l-5 5"],
  tick: ["M5 12.5 10 17.5 19 7"],
  cross: ["M6.5 6.5l11 11", "M17.5 6.5l-11 11"],
  question: ["M9 9a3 3 0 1 1 4.5 2.6c-1 .6-1.5 1.2-1.5 2.4", "M12 17.5v.5"],
  clock: ["M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16z", "M12 8v4l3 2"],
  keypad: ["M7 6v.5", "M12 6v.5", "M17 6v.5", "M7 12v.5", "M12 12v.5", "M17 12v.5", "M12 18v.5"],
};

/** Return a line drawing. */
export function icon(name) {
  const paths = STROKES[name].map((d) => shape("path", { d }));
  return shape(
    "svg",
    { class: `icon icon-${name}`, viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" },
    ...paths,
  );
}

const BRANDS = {
  visa: () => [rect("brand-blue", 0, 4), rect("brand-white", 4, 8), rect("brand-gold", 12, 4)],
  mastercard: () => [rect("brand-dark", 0, 16), circle("brand-red", 9.5), circle("brand-orange", 14.5)],
  maestro: () => [rect("brand-dark", 0, 16), circle("brand-red", 9.5), circle("brand-blue", 14.5)],
  amex: () => [rect("brand-sky", 0, 16), shape("path", { class: "brand-line", d: "M5 11l2.5-6L10 11M14 5l5 6M19 5l-5 6" })],
  discover: () => [rect("brand-white", 0, 16), circle("brand-orange", 16)],
};

/** Return a card brand: a drawing and its name. */
export function brandBadge(brand, label) {
  const drawing = BRANDS[brand]?.() ?? [rect("brand-grey", 0, 16), rect("brand-dark", 3, 3)];
  const clip = shape("svg", { class: "brand-card", viewBox: "0 0 24 16", "aria-hidden": "true", focusable: "false" }, ...drawing);
  return element("span", { class: "brand", "data-brand": brand }, clip, label);
}

function rect(name, y, height) {
  return shape("rect", { class: name, x: 0, y, width: 24, height });
}

function circle(name, cx) {
  return shape("circle", { class: name, cx, cy: 8, r: 4.5 });
}
