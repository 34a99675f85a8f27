// Puts the page together: messages change the state, the state is shown, what the agent does goes out as commands.

import { announcements } from "./announcements.js";
import { Channel } from "./channel.js";
import { element } from "./dom.js";
import { createPage } from "./render.js";
import { callSelected, commandSent, connectionChanged, initialState, newPaymentAsked, received } from "./state.js";

const TICK_MS = 250; // a shown second is never late by more than this
const ANNOUNCEMENTS_KEPT = 3;

const { channel: channelPath, signIn: signInPath } = document.body.dataset;
const idPrefix = Array.from(crypto.getRandomValues(new Uint32Array(2)), (word) => word.toString(36)).join("");
let commandsSent = 0;
let state = initialState();

const page = createPage({
  select: (call) => change(callSelected(state, call)),
  newPayment(call) {
    change(newPaymentAsked(state, call));
    page.focusForm(call);
  },
  start: (call, values) => command({ type: "start", call, ...values }),
  capture: (session, field) => command({ type: "capture", session, field }),
  submit: (session) => command({ type: "submit", session }),
  cancel: (session) => command({ type: "cancel", session }),
});

const channel = new Channel(new URL(channelPath, location.href.replace(/^http/, "ws")).href, {
  onMessage: (message) => change(received(state, message, Date.now())),
  onLost: () => change(connectionChanged(state, "lost")),
  onRefused: () => change(connectionChanged(state, "ended")),
  onSignedOut: () => location.assign(`${signInPath}?ended=1`),
});

function command(body) {
  const sent = { ...body, id: `${idPrefix}-${(commandsSent += 1)}` };
  if (channel.send(sent)) change(commandSent(state, sent));
}

function change(next) {
  const said = announcements(state, next);
  state = next;
  page.update(state, Date.now());
  for (const { text, urgent } of said) announce(urgent ? "assertive" : "polite", text);
}

function announce(region, text) {
  const node = document.getElementById(region);
  node.append(element("p", {}, text));
  while (node.childElementCount > ANNOUNCEMENTS_KEPT) node.firstElementChild.remove();
}

setInterval(() => page.update(state, Date.now()), TICK_MS);
page.update(state, Date.now());
channel.open();
