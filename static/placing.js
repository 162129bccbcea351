// @ts-check
/**
 * Where a comment stands in the document: below its parent, in the order of the thread, flat where the thread is deeper
 * than the page nests. Loaded when something is put between what stands there; never moves what stands where it belongs.
 */
import { point, repliesOf } from "./branching.js";
import { CommentView } from "./comment-view.js";
import { make, setChild } from "./elements.js";
import { makeArticle } from "./making.js";
import { LEVELS } from "./nesting.js";
import { settleRoots } from "./root-order.js";
export { fill, makeComposer } from "./making.js";

/** Top-level comments that stand together. One box each costs the browser a look at every frame, all in one a layout of all. */
const CHUNK = 25;

/** @typedef {import("./thread-view.js").ThreadView} ThreadView */

/** Put a comment on the screen, and those above it first. @param {ThreadView} view @param {number} id */
export function put(view, id) {
  const { state, views } = view;
  settleRoots(state);
  const path = [];
  /** @type {number | null | undefined} */
  let at = id;
  while (at != null && !views.has(at)) {
    path.push(at);
    at = state.comments.get(at)?.parent;
  }
  for (const one of path.reverse()) {
    view.waiting.delete(one);
    views.set(one, new CommentView(makeArticle(/** @type {import("./types.js").Comment} */ (state.comments.get(one)))));
    view.show(one);
    place(view, one);
    view.numbered = false;
  }
}

/** Bring all that is shown to where it belongs in another order, and up to date. @param {ThreadView} view */
export function arrange(view) {
  settleRoots(view.state);
  for (const id of view.state.comments.keys()) {
    if (!view.views.has(id)) continue;
    view.show(id);
    place(view, id);
  }
}

/** Bring what stands around the comments up to date. @param {ThreadView} view */
export function settle(view) {
  const { later } = view.frame;
  settleRoots(view.state);
  // A page that was loaded may have closed the distance to some of them.
  for (const article of [...(later?.children ?? [])]) {
    const id = Number(/** @type {HTMLElement} */ (article).dataset["commentId"]);
    if (view.state.comments.has(id)) place(view, id); // not one that is gone but is being answered
  }
  if (later && !later.firstElementChild) later.remove();
  point(view);
}

/** Put an element where it belongs, unless it is there. @param {ThreadView} view @param {number} id */
function place(view, id) {
  const { frame, options, state, views } = view;
  const { comments, children, roots } = state;
  const { parent, depth } = /** @type {import("./types.js").Comment} */ (comments.get(id));
  const { element } = /** @type {CommentView} */ (views.get(id));
  const siblings = parent === null ? roots : (children.get(parent) ?? []);
  /** @type {HTMLElement | null} */
  let container = frame.feed;
  let at = siblings[0] === id ? 0 : siblings.lastIndexOf(id);
  if (parent === null) container = isLater(state, at) ? laterOf(view) : container;
  else {
    const above = views.get(parent);
    if (!above) return;
    container = depth > LEVELS ? above.element.parentElement : repliesOf(above, options.words);
  }
  const home = (/** @type {HTMLElement} */ one) => (parent === null ? one.closest(".feed") : one.parentElement);
  /** @type {HTMLElement | null} */
  let before = null;
  while (!before && --at >= 0) {
    const sibling = /** @type {number} */ (siblings[at]);
    const shown = views.get(sibling);
    if (shown && depth >= LEVELS) before = lastBelow(view, sibling);
    else if (shown && home(shown.element) === container) before = shown.element;
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

/** The last element of a branch that stands flat. @param {ThreadView} view @param {number} id */
function lastBelow({ state, views }, id) {
  let last = id;
  for (;;) {
    const below = state.children.get(last)?.findLast((reply) => views.get(reply)?.element.parentElement);
    if (below === undefined) return views.get(last)?.element ?? null;
    last = below;
  }
}

/** The place of live roots that belong behind pages not loaded yet, made when first asked for. @param {ThreadView} view */
function laterOf({ frame, options }) {
  return setChild(frame.section, ".later", true, () => make("div", { class: "feed later", role: "group", "aria-label": options.words("newHere") }), frame.part("status"));
}

/** Whether a root belongs there. @param {import("./thread-state.js").ThreadState} state @param {number} at  its index */
function isLater({ next, edge, roots }, at) {
  return next !== null && edge !== null && at > roots.lastIndexOf(edge);
}
