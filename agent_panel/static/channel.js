// The WebSocket to the server: opens it, and opens it again for as long as the page is there.

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 10_000;
const SILENCE_LIMIT_MS = 50_000; // the server pings every 20 s
const SIGNED_OUT = 4401;
const NO_AGENT_ROLE = 4403;
const VERSION = 1;

export class Channel {
  #url;
  #handlers;
  #socket = null;
  #failures = 0;
  #silence = 0;
  #retry = 0;

  /** `handlers`: onMessage(message), onLost(), onSignedOut(), onRefused(). */
  constructor(url, handlers) {
    this.#url = url;
    this.#handlers = handlers;
    window.addEventListener("online", () => this.#retryNow());
  }

  /** Connect; call it once. */
  open() {
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    socket.addEventListener("message", (event) => this.#receive(JSON.parse(event.data)));
    socket.addEventListener("close", (event) => {
      if (this.#socket === socket) this.#closed(event.code);
    });
    this.#watchSilence();
  }

  /** Send a command; returns false where there is no connection. */
  send(command) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify({ v: VERSION, ...command }));
    return true;
  }

  #receive(message) {
    this.#failures = 0;
    this.#watchSilence();
    if (message.type === "ping") this.send({ type: "pong" });
    else this.#handlers.onMessage(message);
  }

  #closed(code) {
    clearTimeout(this.#silence);
    this.#socket = null;
    if (code === SIGNED_OUT) return this.#handlers.onSignedOut();
    if (code === NO_AGENT_ROLE) return this.#handlers.onRefused();
    this.#handlers.onLost();
    const delay = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** this.#failures);
    this.#failures += 1;
    // Spread out: after a restart of the server, not everybody knocks at the same moment.
    this.#retry = setTimeout(() => this.open(), delay * (0.5 + Math.random() / 2));
  }

  #retryNow() {
    if (this.#socket !== null) return;
    clearTimeout(this.#retry);
    this.open();
  }

  #watchSilence() {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => {
      const socket = this.#socket;
      // close() alone waits for an answer that a dead connection never gives.
      this.#socket = null;
      socket?.close();
      this.#closed(0);
    }, SILENCE_LIMIT_MS);
  }
}
