// @ts-check
/** What a transport hears, as frames for who listens. */

/** @param {string} text @param {import("./transports.js").Listener} listener */
export function decode(text, listener) {
  let frame;
  try {
    frame = JSON.parse(text);
  } catch {
    return listener.heard(); // Not ours; a broken frame shows as a gap in `seq`.
  }
  // Batches are frames side by side or in a list.
  for (const one of Array.isArray(frame) ? frame : [frame]) listener.frame(one);
}
