// What the page knows, and how messages change it. Pure: no page, no socket, no clock.

const SESSIONS_KEPT = 50; // a long shift's payments; what is older is in the history, not here

/** Return the state of a page that has heard nothing yet. */
export function initialState() {
  return {
    connection: "connecting", // connecting | open | lost | ended
    loaded: false,
    profiles: [],
    interactionTypes: [],
    calls: [], // live, as the server last said
    endedCalls: {}, // by call: the last view of calls that went away while this page was open
    sessions: [], // newest first
    heardAtMs: {}, // by session: when its view arrived, which is when `seconds_left` was true
    clockOffsetMs: 0, // server's clock minus this machine's
    selected: null,
    pending: {}, // by command id: {type, call, session}
    formErrors: {}, // by call: {field, message}
    sessionErrors: {}, // by session: message
    formAfter: {}, // by call: the ended session after which the agent asked for a new form
    notice: "",
  };
}

/** Return the state after a message from the server. */
export function received(state, message, nowMs) {
  switch (message.type) {
    case "snapshot":
      return withSnapshot(state, message, nowMs);
    case "calls":
      return withCalls(state, message.calls);
    case "session":
      return withSession(state, message.session, nowMs);
    case "reply":
      return withSession(withoutPending(state, message.id), message.session, nowMs);
    case "error":
      return withError(state, message);
    default:
      return state;
  }
}

/** Return the state once the connection is `open`, `lost` or `ended`; commands on their way are forgotten. */
export function connectionChanged(state, connection) {
  return { ...state, connection, pending: connection === "open" ? state.pending : {} };
}

/** Return the state once a command has been sent. */
export function commandSent(state, command) {
  const pending = { type: command.type, call: command.call ?? null, session: command.session ?? null };
  return {
    ...state,
    notice: "",
    pending: { ...state.pending, [command.id]: pending },
    formErrors: command.call ? without(state.formErrors, command.call) : state.formErrors,
    sessionErrors: command.session ? without(state.sessionErrors, command.session) : state.sessionErrors,
  };
}

/** Return the state once the agent has chosen a call. */
export function callSelected(state, call) {
  return { ...state, selected: call };
}

/** Return the state once the agent wants another payment on a call. */
export function newPaymentAsked(state, call) {
  const session = currentSession(state, call);
  return { ...state, formAfter: { ...state.formAfter, [call]: session?.session ?? null } };
}

/** Return the calls to list: live ones, then ended ones that had a payment, newest first. */
export function listedCalls(state) {
  const live = state.calls.map((call) => ({ ...call, live: true }));
  const known = new Set(live.map((call) => call.call));
  const ended = [];
  for (const { call } of state.sessions) {
    if (known.has(call)) continue;
    known.add(call);
    ended.push({ caller: "", called: "", ...state.endedCalls[call], call, state: "ended", live: false });
  }
  return [...live, ...ended.slice(0, 5)];
}

/** Return the newest session of a call, or null. */
export function currentSession(state, call) {
  return state.sessions.find((session) => session.call === call) ?? null;
}

/** Return what a call shows: `form`, `payment` (running), or `result` (ended). */
export function callMode(state, call) {
  const session = currentSession(state, call.call);
  if (session === null) return call.live ? "form" : "ended";
  if (!session.ended) return "payment";
  return call.live && state.formAfter[call.call] === session.session ? "form" : "result";
}

/** Return `{secure, recorder, caller_muted}` of a call; a running session knows sooner than the call. */
export function lineOf(state, call) {
  if (!call.live) return { secure: false, recorder: "off", caller_muted: false };
  const session = currentSession(state, call.call);
  const { secure, recorder, caller_muted } = session !== null && !session.ended ? session : call;
  return { secure, recorder, caller_muted };
}

/** Return whether a command for this call or session is on its way. */
export function isPending(state, target) {
  return Object.values(state.pending).some((sent) => sent.call === target || sent.session === target);
}

/** Return `{left_s, whole_s}` of a session's running timeout, or null; `whole_s` is what was left when it was heard of. */
export function runningTimeout(state, session, nowMs) {
  const whole_s = session.seconds_left;
  if (!whole_s) return null;
  const gone_s = (nowMs - (state.heardAtMs[session.session] ?? nowMs)) / 1000;
  return { left_s: Math.max(0, whole_s - gone_s), whole_s };
}

/** Return how long a call has lasted, as `m:ss` or `h:mm:ss`. */
export function durationText(state, startedAt, nowMs) {
  const seconds = Math.max(0, Math.floor((nowMs + state.clockOffsetMs - Date.parse(startedAt)) / 1000));
  if (Number.isNaN(seconds)) return "";
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const tail = String(seconds % 60).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
}

function withSnapshot(state, message, nowMs) {
  return withSelection({
    ...withEndedCalls(state, message.calls),
    loaded: true,
    connection: "open",
    pending: {},
    profiles: message.profiles,
    interactionTypes: message.interaction_types,
    calls: message.calls,
    sessions: message.sessions,
    heardAtMs: Object.fromEntries(message.sessions.map((session) => [session.session, nowMs])),
    clockOffsetMs: Date.parse(message.now) - nowMs,
  });
}

function withCalls(state, calls) {
  return withSelection({ ...withEndedCalls(state, calls), calls });
}

function withEndedCalls(state, calls) {
  const live = new Set(calls.map((call) => call.call));
  const gone = state.calls.filter((call) => !live.has(call.call));
  const wanted = new Set(state.sessions.map((session) => session.call));
  const kept = Object.entries(state.endedCalls).filter(([call]) => wanted.has(call));
  return { ...state, endedCalls: { ...Object.fromEntries(kept), ...Object.fromEntries(gone.map((call) => [call.call, call])) } };
}

function withSession(state, session, nowMs) {
  const index = state.sessions.findIndex((known) => known.session === session.session);
  if (index >= 0 && state.sessions[index].seq >= session.seq) return state;
  const sessions = index < 0 ? [session, ...state.sessions].slice(0, SESSIONS_KEPT) : state.sessions.with(index, session);
  return withSelection({ ...state, sessions, heardAtMs: { ...state.heardAtMs, [session.session]: nowMs } });
}

function withError(state, { id, message, field }) {
  const sent = state.pending[id];
  const next = withoutPending(state, id);
  if (sent?.type === "start") {
    return { ...next, formErrors: { ...next.formErrors, [sent.call]: { field, message } } };
  }
  if (sent?.session) {
    return { ...next, sessionErrors: { ...next.sessionErrors, [sent.session]: message } };
  }
  return { ...next, notice: message };
}

function withSelection(state) {
  const listed = listedCalls(state);
  const chosen = listed.find((call) => call.call === state.selected);
  // A call that has ended gives way to the next live one; a live call never does.
  if (chosen?.live) return state;
  const live = listed.find((call) => call.live);
  return { ...state, selected: (live ?? chosen ?? listed[0])?.call ?? null };
}

function withoutPending(state, id) {
  return { ...state, pending: without(state.pending, id) };
}

function without(object, key) {
  const { [key]: _, ...rest } = object;
  return rest;
}
