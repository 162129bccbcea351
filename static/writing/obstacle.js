// @ts-check
/**
 * What stands in the way of sending a text from where it is written: the comment it answers or changes is gone, the
 * discussion is closed, one has to wait. Decides from what holds at this moment and keeps nothing, so that no obstacle
 * outlives its reason.
 *
 * @typedef {object} Obstacle
 * @property {"removed" | "removedParent" | "closedDraft" | "slowDown"} why  the word for it
 * @property {number} n  seconds until it is over; 0 when nobody knows
 */
import { moderates } from "../rights.js";
import { isClosed } from "../thread-state.js";

/** Seconds between two comments of this reader; 0: as they like. @param {import("../thread.js").Thread} thread */
export const slowMode = (thread) => (moderates(thread) ? 0 : thread.state.article.slow_mode_seconds);

/**
 * @param {import("../thread.js").Thread} thread @param {import("./form.js").Writing} writing
 * @param {number} posted  when this reader last posted here, in milliseconds since 1970
 * @returns {Obstacle | null}
 */
export function obstacleTo(thread, { form, parent, edits, busy, tries, gone, until }, posted) {
  const { state } = thread;
  const id = parent ?? edits;
  if (busy && !tries) return null; // what becomes of it is about to be known
  // One that is off the page is elsewhere, not gone.
  const status = state.comments.get(id ?? 0)?.status;
  const there = status === "visible" || (edits !== null && status === "pending"); // what waits can be changed, not answered
  if (id !== null && form.isConnected && (gone === state.seq || !there)) {
    return { why: edits === null ? "removedParent" : "removed", n: 0 };
  }
  if (isClosed(state)) return { why: "closedDraft", n: 0 };
  const slow = edits === null ? slowMode(thread) : 0;
  const n = Math.ceil((Math.max(until, slow && posted + 1000 * slow) - Date.now()) / 1000);
  return n > 0 && !busy ? { why: "slowDown", n } : null;
}
