// @ts-check
/**
 * Where the article of a comment stands in the document: below its parent, in the order of the thread, flat where the
 * thread is deeper than the page nests. Loaded with what makes comments; never moves what stands where it belongs.
 */
import { LEVELS } from "./comment-view.js";

/** @typedef {import("./thread-state.js").ThreadState} ThreadState @typedef {Map<number, import("./comment-view.js").CommentView>} Views */

/**
 * Put an element where it belongs, unless it is there.
 *
 * @param {number} id @param {Views} views @param {ThreadState} state
 * @param {import("./thread-frame.js").ThreadFrame} frame @param {import("./words.js").Words} words
 */
export function place(id, views, state, frame, words) {
  const { comments, children, roots } = state;
  const { parent, depth } = /** @type {import("./types.js").Comment} */ (comments.get(id));
  const { element } = /** @type {import("./comment-view.js").CommentView} */ (views.get(id));
  const siblings = parent === null ? roots : (children.get(parent) ?? []);
  /** @type {HTMLElement | null} */
  let container = frame.feed;
  let at = siblings[0] === id ? 0 : siblings.lastIndexOf(id);
  if (parent === null) container = isLater(state, at) ? frame.later(true) : container;
  else {
    const above = views.get(parent);
    if (!above) return;
    container = depth > LEVELS ? above.element.parentElement : above.replies(words);
  }
  /** @type {HTMLElement | null} */
  let before = null;
  while (!before && --at >= 0) {
    const sibling = /** @type {number} */ (siblings[at]);
    const view = views.get(sibling);
    if (view && depth >= LEVELS) before = lastBelow(sibling, views, children);
    else if (view?.element.parentElement === container) before = view.element;
  }
  if (!before && parent !== null && depth > LEVELS) before = views.get(parent)?.element ?? null;
  if (element.parentElement === container && element.previousElementSibling === before) return;
  if (before) before.after(element);
  else container?.prepend(element);
}

/** The last element of a branch that stands flat. @param {number} id @param {Views} views @param {Map<number, number[]>} children */
function lastBelow(id, views, children) {
  let last = id;
  for (;;) {
    const below = children.get(last)?.findLast((reply) => views.get(reply)?.element.parentElement);
    if (below === undefined) return views.get(last)?.element ?? null;
    last = below;
  }
}

/** Whether a root belongs behind pages that are not loaded yet. @param {ThreadState} state @param {number} at  its index */
function isLater({ next, edge, roots }, at) {
  return next !== null && edge !== null && at > roots.lastIndexOf(edge);
}
