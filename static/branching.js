// @ts-check
/**
 * What stands around comments: containers of replies with the lines that fold them, links to what is not loaded, their
 * numbers in the feed. Moves nothing.
 */
import { childOf, makePart, makeButton, setAttribute, setChild } from "./elements.js";

/** @typedef {import("./thread-view.js").ThreadView} ThreadView @typedef {import("./comment-view.js").CommentView} CommentView */

/** Links to what is not loaded, and numbers in the feed. @param {ThreadView} view */
export function point(view) {
  const { branches, frame, options, state, views } = view;
  const { words, link } = options;
  const more = (/** @type {string} */ action, /** @type {string | null} */ place, /** @type {string | null} */ branch = null) => () =>
    makePart("p", "more", { "data-ripost": place },
      makePart("a", "more-link", { href: "", "data-ripost": action, "data-branch": branch }, words(branch ? "moreReplies" : "moreComments")));
  const next = setChild(frame.section, "[data-ripost=more-place]", state.next !== null, more("more", "more-place"), frame.feed.nextElementSibling)?.firstElementChild;
  if (next) setAttribute(next, "href", link({ sort: state.sort, cursor: state.next ?? "" }));
  for (const id of branches.keys()) {
    if (state.branches.has(id) || !branches.delete(id)) continue;
    const above = views.get(id)?.element;
    if (above) childOf(childOf(above, ".replies") ?? above, ".more")?.remove();
  }
  for (const [id, cursor] of state.branches) {
    const above = views.get(id);
    if (!above || branches.get(id) === cursor) continue;
    branches.set(id, cursor);
    const replies = repliesOf(above, words);
    const anchor = setChild(replies, ".more", true, more("more-replies", null, `${id}`))?.firstElementChild;
    if (anchor) setAttribute(anchor, "href", link({ comment: `${id}`, cursor }));
  }
  if (!view.numbered) number(view);
  view.numbered = true;
}

/** The container of the replies, made when first asked for. @param {CommentView} view @param {import("./words.js").Words} words @returns {HTMLElement} */
export function repliesOf(view, words) {
  const there = childOf(view.element, ".replies");
  if (there) return there;
  const replies = makePart("div", "replies", { id: `replies-${view.element.dataset["commentId"]}`, role: "group" });
  view.element.append(makeButton("fold", "", { class: "fold", part: "fold", "aria-expanded": "true", "aria-controls": replies.id }), replies);
  view.nameReplies(words);
  return replies;
}

/** Say where in the feed each top-level comment stands, and of how many. @param {ThreadView} view */
function number({ state, views }) {
  const { roots, next, edge } = state;
  const shown = roots.slice(0, next === null || edge === null ? undefined : roots.lastIndexOf(edge) + 1).filter((id) => views.has(id));
  shown.forEach((id, at) => {
    const { element } = /** @type {CommentView} */ (views.get(id));
    setAttribute(element, "aria-posinset", `${at + 1}`);
    setAttribute(element, "aria-setsize", `${next === null ? shown.length : -1}`);
  });
}
