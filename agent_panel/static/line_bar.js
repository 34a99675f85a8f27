// "Line is secure", the recorder's state and whether the caller is muted: words and a drawing, never colour alone.

import { element, setAttribute, setChildren, setText } from "./dom.js";
import { icon } from "./icons.js";

const RECORDER = {
  off: { icon: "off", text: "Not recording" },
  recording: { icon: "recording", text: "Recording" },
  paused: { icon: "paused", text: "Recording paused" },
  failed: { icon: "failed", text: "Recorder failed" },
};

/** Return the drawing and words of a line's state. */
export function lineState(secure) {
  return secure ? { icon: "lock-closed", text: "Line is secure" } : { icon: "lock-open", text: "Line is open" };
}

/** Fill the bar; returns `update(call, line)`, where both are null without a call. */
export function createLineBar(bar) {
  const whose = element("span", { class: "line-whose" });
  const line = createBadge("line-state");
  const recorder = createBadge("recorder-state");
  const muted = createBadge("muted-state");
  muted.show({ icon: "muted", text: "Caller muted while keying" });
  bar.append(whose, line.node, recorder.node, muted.node);
  return (call, state) => {
    const secure = state?.secure ?? false;
    setText(whose, call === null ? "No call" : call.caller || "Ended call");
    setAttribute(bar, "data-secure", String(secure));
    line.show(lineState(secure));
    setAttribute(recorder.node, "data-recorder", state?.recorder ?? "off");
    recorder.show(RECORDER[state?.recorder ?? "off"]);
    muted.node.hidden = !(state?.caller_muted ?? false);
  };
}

function createBadge(name) {
  const text = element("span");
  const node = element("span", { class: `badge ${name}` }, text);
  let shown = null;
  return {
    node,
    show(state) {
      setText(text, state.text);
      if (shown !== state.icon) setChildren(node, [icon(state.icon), text]);
      shown = state.icon;
    },
  };
}
