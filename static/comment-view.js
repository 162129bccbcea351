// @ts-check
/**
 * One comment as DOM: brings its article element up to date part by part, whether the server or making.js made it. Owns
 * what stands inside its own `.entry`; branching.js has what stands below it. Never touches where the article stands, nor
 * another comment.
 */
import { childOf, makePart, makeButton, setAttribute, setChild, setText } from "./elements.js";
import { maker } from "./maker.js";
import { renderTree } from "./tree-view.js";

/** @typedef {import("./types.js").Comment} Comment @typedef {import("./words.js").Words} Words
 *
 * @typedef {object} Setting  what a comment looks like depends on, besides itself
 * @property {Words} words
 * @property {import("./clock.js").Clock} clock
 * @property {Comment | undefined} parent
 * @property {boolean} closed  nobody can reply
 * @property {number} vote  this reader's: 1, -1, or 0 for none
 * @property {(query: Record<string, string>) => string} link  the page with this query
 */

export class CommentView {
  /** @param {HTMLElement} element @param {Comment | null} shown  what stands in it; null: nothing yet */
  constructor(element, shown = null) {
    this.element = element;
    this.shown = shown; // what the DOM shows, to compare with
  }

  get entry() {
    return /** @type {HTMLElement} */ (this.element.querySelector(":scope > .entry"));
  }

  /** Whether it says whom it answers. */
  get isNaming() {
    return childOf(this.entry, ".context");
  }

  /** Take branch line and container away when the last reply is gone. */
  trim() {
    const replies = childOf(this.element, ".replies");
    if (!replies || replies.firstElementChild) return;
    replies.previousElementSibling?.remove();
    replies.remove();
  }

  /** @param {boolean} folded @param {Words} words */
  fold(folded, words) {
    const replies = childOf(this.element, ".replies");
    const button = replies?.previousElementSibling;
    if (!button) return;
    const n = folded ? replies.querySelectorAll("article:not([data-status=removed],[data-status=deleted])").length : 0;
    replies.hidden = folded;
    setAttribute(this.element, "data-folded", folded ? "" : null);
    setAttribute(button, "aria-expanded", `${!folded}`);
    setText(button, folded ? words("showReplies", { n }) : "");
    this.nameReplies(words);
  }

  /** What stands below is called after who wrote the comment, for as long as that may be said. @param {Words} words */
  nameReplies(words) {
    const replies = childOf(this.element, ".replies");
    const button = replies?.previousElementSibling;
    if (!button) return;
    const name = this.shown?.author?.name;
    const label = name ? words("repliesTo", { name }) : words("replies");
    setAttribute(replies, "aria-label", label);
    setAttribute(button, "aria-label", replies.hidden ? null : label);
  }

  /** Whether showing it takes more than touching up what is there. @param {Comment} comment */
  isAnother(comment) {
    return !this.shown || (comment.author !== null && face(this.shown) !== face(comment));
  }

  /** Bring the element up to date. @param {Comment} comment @param {Setting} setting */
  show(comment, setting) {
    const { element, entry, shown } = this;
    const { words, parent } = setting;
    const another = this.isAnother(comment);
    this.shown = comment;
    if (another) maker().fill(this, setting);
    else if (!comment.author) this.#bury(words);
    else if (shown && !sameText(shown, comment)) childOf(entry, ".body")?.replaceChildren(renderTree(comment.tree ?? []));
    setAttribute(element, "data-status", comment.status);
    setAttribute(element, "data-pinned", comment.pinned ? "" : null);
    const byline = /** @type {HTMLElement} */ (childOf(entry, ".byline"));
    const mark = (/** @type {string} */ name, /** @type {boolean} */ wanted, key = name) => setChild(byline, `.${name}`, wanted, () => makePart("span", name, {}, words(key)));
    mark("edited", comment.author !== null && comment.edited_at !== null);
    mark("pin", comment.pinned, "pinned");
    const whom = this.isNaming?.querySelector("a");
    if (whom && parent) setText(whom.firstElementChild ?? whom, parent.author?.name ?? words("aRemovedComment"));
    this.#actions(comment, setting);
  }

  /** A tombstone in place of what was there; a reply that is being written to it stays. @param {Words} words */
  #bury(words) {
    const { element, entry, shown } = this;
    const by = /** @type {HTMLElement} */ (entry.querySelector(".author, .gone"));
    const avatar = /** @type {HTMLElement} */ (entry.querySelector(".avatar"));
    const focused = /** @type {ShadowRoot} */ (element.getRootNode()).activeElement;
    avatar.textContent = "";
    delete avatar.dataset["hue"];
    by.replaceWith(makePart("span", "gone", { id: by.id }, words(shown?.status === "deleted" ? "deleted" : "removed")));
    for (const part of entry.querySelectorAll(":scope > :not(.byline, form), .role")) {
      // Focus on what goes away goes to the comment itself, not to the top of the page.
      if (part.contains(focused)) element.focus({ preventScroll: true });
      part.remove();
    }
    this.nameReplies(words);
  }

  /** @param {Comment} comment @param {Setting} setting */
  #actions({ author, status, up, down }, { words, closed, vote }) {
    const actions = childOf(this.entry, ".actions");
    if (!actions) return;
    const name = author?.name ?? "";
    setChild(actions, "[data-ripost=reply]", status === "visible" && !closed, () => makeButton("reply", words("reply"), { "aria-label": words("replyTo", { name }) }), actions.firstElementChild);
    for (const [act, sign, n, value] of /** @type {const} */ ([["up", "\u2191", up, 1], ["down", "\u2193", down, -1]])) {
      const button = childOf(actions, `[data-ripost=${act}]`);
      if (!button) continue;
      setText(button, n ? `${sign}\u00a0${n}` : sign);
      setAttribute(button, "aria-label", words(act, { name, n }));
      setAttribute(button, "aria-pressed", `${vote === value}`);
    }
  }

  /** How many replies wait to be shown below this comment. @param {number} n @param {Words} words */
  announce(n, words) {
    const place = childOf(this.entry, ".actions") ?? childOf(this.entry, ".byline");
    if (!place) return;
    const button = setChild(place, ".fresh-replies", n > 0, () => makeButton("new-replies", "", { class: "action fresh-replies", part: "action fresh", "aria-describedby": `by-${this.shown?.id}` }));
    if (button) setText(button, words("newReplies", { n }));
  }
}

/** Two comments with the same face differ in details only. @param {Comment} comment */
function face({ author, status }) {
  return author ? `${author.id} ${author.role} ${author.name} ${status}` : status;
}

/** @param {Comment} a @param {Comment} b */
function sameText({ tree: a }, { tree: b }) {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
