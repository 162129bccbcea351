// @ts-check
/** The comments of a thread in the order in which they are read. Changes nothing; runs under node. */
import { settleRoots } from "./root-order.js";

/**
 * Ids in display order, parents before replies. Iterative: a thread may be ten thousand deep.
 *
 * @param {import("./thread-state.js").ThreadState} state
 * @param {number[]} [from]  where to begin; the roots as displayed unless told
 * @returns {number[]}
 */
export function treeOrder(state, from) {
  settleRoots(state);
  const order = [];
  const stack = [...(from ?? state.roots)].reverse();
  for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
    order.push(id);
    const replies = state.children.get(id) ?? [];
    for (let at = replies.length - 1; at >= 0; at--) stack.push(/** @type {number} */ (replies[at]));
  }
  return order;
}
