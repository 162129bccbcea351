// @ts-check
/**
 * What stands below a comment: the container of its replies and the line that folds them, and the tombstone of a comment
 * that is being answered. Loaded with what makes comments. Never moves a reply.
 */
import { make, makeButton, setAttribute } from "./elements.js";

/** @typedef {import("./comment-view.js").CommentView} CommentView @typedef {import("./wording.js").Words} Words */

/** @param {CommentView} view @returns {HTMLElement | null} */
const below = ({ element }) => element.querySelector(":scope > .replies");

/** The container of the replies, made when first asked for. @param {CommentView} view @param {Words} words @returns {HTMLElement} */
export function repliesOf(view, words) {
  const there = below(view);
  if (there) return there;
  const { commentId } = view.element.dataset;
  const label = labelOf(view, words);
  const replies = make("div", { class: "replies", part: "replies", id: `replies-${commentId}`, role: "group", "aria-label": label });
  const fold = makeButton("fold", "", { class: "fold", part: "fold", "aria-expanded": "true", "aria-controls": replies.id, "aria-label": label });
  view.element.append(fold, replies);
  return replies;
}

/** @param {CommentView} view @param {Words} words */
function labelOf({ shown }, words) {
  const name = shown?.author?.name;
  return name ? words("repliesTo", { name }) : words("replies");
}

/** Comment, container and branch line are called after who wrote the comment, for as long as that may be said. @param {CommentView} view @param {Words} words */
export function nameParts(view, words) {
  const { commentId: id, depth } = view.element.dataset;
  setAttribute(view.element, "aria-labelledby", depth === "0" ? `by-${id}` : `by-${id} on-${id}`);
  const replies = below(view);
  if (!replies) return;
  setAttribute(replies, "aria-label", labelOf(view, words));
  if (!view.element.hasAttribute("data-folded")) setAttribute(/** @type {Element} */ (replies.previousElementSibling), "aria-label", labelOf(view, words));
}

/** An article before anything stands in it. @param {number} id */
export function makeArticle(id) {
  return make("article", { class: "comment", part: "comment", id: `comment-${id}`, "data-comment-id": `${id}`, tabindex: "-1" }, make("div", { class: "entry" }));
}

/** Say where in the feed each top-level comment stands, and of how many. @param {import("./thread-state.js").ThreadState} state @param {Map<number, CommentView>} views */
export function number({ roots, next, edge }, views) {
  const shown = roots.slice(0, next === null || edge === null ? undefined : roots.lastIndexOf(edge) + 1).filter((id) => views.has(id));
  const size = `${next === null ? shown.length : -1}`;
  shown.forEach((id, at) => {
    const element = /** @type {CommentView} */ (views.get(id)).element;
    setAttribute(element, "aria-posinset", `${at + 1}`);
    setAttribute(element, "aria-setsize", size);
  });
}

/** Show that a comment is gone although the thread has let go of it. @param {CommentView} view @param {Pick<import("./comment-view.js").Setting, "words" | "clock">} setting */
export function bury(view, { words, clock }) {
  const { shown } = view;
  if (!shown || shown.status === "removed") return;
  const gone = /** @type {import("./types.js").Comment} */ ({ ...shown, author: null, tree: null, status: "removed", pinned: false });
  view.show(gone, { words, clock, parent: undefined, closed: true, editable: false, vote: 0, link: (id) => `?comment=${id}` });
}
