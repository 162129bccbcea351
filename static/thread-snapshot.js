// @ts-check
/** A thread's state as a page again: what tests compare with the server's own. No page loads it. */
import { comesBefore } from "./root-order.js";
import { treeOrder } from "./tree-order.js";

/** @typedef {import("./types.js").Comment} Comment @typedef {import("./types.js").Page} Page
 * @typedef {import("./thread-state.js").ThreadState} ThreadState */

/**
 * The state as the page a server would send for it now: pinned roots first, then by the sort. For comparing.
 *
 * @param {ThreadState} state
 * @returns {Page}
 */
export function toSnapshot(state) {
  const of = (/** @type {number} */ id) => /** @type {Comment} */ (state.comments.get(id));
  const roots = [...state.roots].sort(
    (a, b) =>
      Number(of(b).pinned) - Number(of(a).pinned) ||
      (of(a).pinned ? a - b : comesBefore(state.sort, of(a), of(b)) ? -1 : 1),
  );
  return {
    article: state.article,
    epoch: state.epoch,
    seq: state.seq,
    at: state.at,
    sort: state.sort,
    comments: treeOrder(state, roots).map(of).filter((comment) => comment.status !== "pending"),
    branches: Object.fromEntries(state.branches),
    next: state.next,
    viewer: state.viewer,
  };
}
