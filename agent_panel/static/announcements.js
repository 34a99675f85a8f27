// What a screen reader is told when the state changes: sparingly while keys arrive, at once when it matters. Pure.

import { currentSession } from "./state.js";

const KEYS_PER_ANNOUNCEMENT = 4;
const RESULTS = ["succeeded", "declined", "failed", "review", "cancelled", "customer-declined", "expired"];

/** Return `[{text, urgent}]` for what changed from `before` to `after`. */
export function announcements(before, after) {
  return [...aboutConnection(before, after), ...aboutCalls(before, after), ...aboutSessions(before, after)];
}

function aboutConnection(before, after) {
  if (before.connection === after.connection) return [];
  if (after.connection === "lost") return [{ text: "Connection lost, trying again", urgent: true }];
  if (before.connection === "lost" && after.connection === "open") return [{ text: "Connected again", urgent: false }];
  return [];
}

function aboutCalls(before, after) {
  if (!before.loaded) return [];
  const known = new Set(before.calls.map((call) => call.call));
  return after.calls
    .filter((call) => !known.has(call.call))
    .map((call) => ({ text: `New call from ${call.caller}`, urgent: false }));
}

function aboutSessions(before, after) {
  const said = [];
  for (const session of after.sessions) {
    const old = before.sessions.find((known) => known.session === session.session);
    if (old === undefined || old.seq === session.seq) continue;
    const isShown = session.call === after.selected && currentSession(after, session.call) === session;
    said.push(...aboutStatus(old, session));
    if (isShown) said.push(...aboutLine(old, session), ...aboutFields(old, session));
  }
  return said;
}

function aboutStatus(old, session) {
  if (old.status === session.status) return [];
  if (RESULTS.includes(session.status)) {
    return [{ text: sentence(session.headline, session.message, session.guidance), urgent: true }];
  }
  if (session.status === "collected") return [{ text: "All fields are in. Submit is ready.", urgent: false }];
  return [{ text: session.headline, urgent: false }];
}

function aboutLine(old, session) {
  const said = [];
  if (old.secure !== session.secure) {
    said.push({ text: session.secure ? "Line is secure" : "Line is open", urgent: false });
  }
  if (old.caller_muted !== session.caller_muted) {
    said.push({ text: session.caller_muted ? "Caller muted while keying" : "Caller is heard again", urgent: false });
  }
  if (old.recorder !== session.recorder && session.recorder === "failed") {
    said.push({ text: "The recorder has failed", urgent: true });
  }
  return said;
}

function aboutFields(old, session) {
  return session.fields.flatMap((field) => {
    const was = old.fields.find((known) => known.name === field.name);
    return was === undefined ? [] : aboutField(was, field);
  });
}

function aboutField(was, field) {
  if (field.state !== was.state) {
    if (field.state === "valid") return [{ text: `${field.label} complete${detail(field)}`, urgent: false }];
    if (field.state === "invalid") return [{ text: `${field.label}: ${field.message}`, urgent: true }];
    if (field.state === "collecting") return [{ text: `${field.label}: waiting for keys`, urgent: false }];
  }
  const keys = field.mask.length;
  const isMilestone = keys > was.mask.length && keys % KEYS_PER_ANNOUNCEMENT === 0;
  return field.state === "collecting" && isMilestone
    ? [{ text: `${field.label}: ${keys} digits`, urgent: false }]
    : [];
}

function detail(field) {
  const lastFour = field.mask.replaceAll("*", "");
  return [field.brand_label, lastFour && `ending ${[...lastFour].join(" ")}`].filter(Boolean).map((part) => `, ${part}`).join("");
}

function sentence(...parts) {
  return parts.filter(Boolean).map((part) => (/[.!?]$/.test(part) ? part : `${part}.`)).join(" ");
}
