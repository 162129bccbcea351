// @ts-check
/**
 * Where the article of a comment stands in the document: below its parent, in the order of the thread, flat where the
 * thread is deeper than the page nests. Loaded with what makes comments; never moves what stands where it belongs.
 */
import { repliesOf } from "./branching.js";
import { LEVELS } from "./nesting.js";
import { make, setChild } from "./elements.js";

/** Top-level comments that stand together. One box each costs the browser a look at every frame, all in one a layout of all. */
const CHUNK = 25;

/** @typedef {import("./thread-state.js").ThreadState} ThreadState @typedef {Map<number, import("./comment-view.js").CommentView>} Views */

/**
 * Put an element where it belongs, unless it is there.
 *
 * @param {number} id @param {Views} views @param {ThreadState} state
 * @param {import("./thread-frame.js").ThreadFrame} frame @param {import("./wording.js").Words} words
 */
export function place(id, views, state, frame, words) {
  const { comments, children, roots } = state;
  const { parent, depth } = /** @type {import("./types.js").Comment} */ (comments.get(id));
  const { element } = /** @type {import("./comment-view.js").CommentView} */ (views.get(id));
  const siblings = parent === null ? roots : (children.get(parent) ?? []);
  /** @type {HTMLElement | null} */
  let container = frame.feed;
  let at = siblings[0] === id ? 0 : siblings.lastIndexOf(id);
  if (parent === null) container = isLater(state, at) ? later(frame, words) : container;
  else {
    const above = views.get(parent);
    if (!above) return;
    container = depth > LEVELS ? above.element.parentElement : repliesOf(above, words);
  }
  const home = (/** @type {HTMLElement} */ one) => (parent === null ? one.closest(".feed") : one.parentElement);
  /** @type {HTMLElement | null} */
  let before = null;
  while (!before && --at >= 0) {
    const sibling = /** @type {number} */ (siblings[at]);
    const view = views.get(sibling);
    if (view && depth >= LEVELS) before = lastBelow(sibling, views, children);
    else if (view && home(view.element) === container) before = view.element;
  }
  if (!before && parent !== null && depth > LEVELS) before = views.get(parent)?.element ?? null;
  if (home(element) === container && previous(element) === before) return;
  const box = before?.parentElement;
  if (!before) container?.prepend(element);
  // Further pages go into chunks, each after the one that is full. What comes in between stays where its neighbour is.
  else if (container === frame.feed && box && box.childElementCount >= CHUNK && !before.nextElementSibling && (box === container || !box.nextElementSibling)) {
    (box === container ? before : box).after(make("div", { class: "chunk" }, element));
  } else before.after(element);
}

/** What stands before an element, in its chunk or at the end of the chunk before. @param {HTMLElement} element */
function previous({ previousElementSibling, parentElement }) {
  let at = previousElementSibling ?? (parentElement?.matches(".chunk") ? parentElement.previousElementSibling : null);
  while (at?.matches(".chunk")) at = at.lastElementChild ?? at.previousElementSibling;
  return at;
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

/** The place of such roots, made when first asked for. @param {import("./thread-frame.js").ThreadFrame} frame @param {import("./wording.js").Words} words */
function later(frame, words) {
  setChild(frame.section, ".later", true, () => make("div", { class: "feed later", role: "group", "aria-label": words("newHere") }), frame.part("status"));
  return frame.later;
}

/** Whether a root belongs behind pages that are not loaded yet. @param {ThreadState} state @param {number} at  its index */
function isLater({ next, edge, roots }, at) {
  return next !== null && edge !== null && at > roots.lastIndexOf(edge);
}
