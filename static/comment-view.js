// @ts-check
/**
 * One comment as DOM: makes its article element, or adopts the one the server rendered, and brings it up to date part by
 * part. Owns what stands inside its own `.entry`; branching.js has what stands below it. Never touches where the article
 * stands, nor another comment.
 */
import { childOf, make, makeButton, setAttribute, setChild, setText } from "./elements.js";
import { maker } from "./maker.js";
import { LEVELS } from "./nesting.js";

/** @typedef {import("./types.js").Comment} Comment
 *
 * @typedef {object} Setting  what a comment looks like depends on, besides itself
 * @property {import("./wording.js").Words} words
 * @property {import("./clock.js").Clock} clock
 * @property {Comment | undefined} parent
 * @property {boolean} closed  nobody can reply
 * @property {boolean} editable  by this reader, now
 * @property {number} vote  this reader's: 1, -1, or 0 for none
 * @property {(id: number) => string} link
 */

export class CommentView {
  /** @type {HTMLElement} */
  element;
  /** What the DOM shows, to compare with. @type {Comment | null} */
  shown = null;
  #adopted;

  /** @param {number} id @param {HTMLElement | null} existing  the server's article, to be kept */
  constructor(id, existing = null) {
    this.#adopted = existing !== null;
    this.element = existing ?? maker().makeArticle(id);
  }

  /** Take branch line and container away when the last reply is gone. */
  trim() {
    const replies = this.element.querySelector(":scope > .replies");
    if (!replies || replies.firstElementChild) return;
    replies.previousElementSibling?.remove();
    replies.remove();
  }

  /** @param {boolean} folded @param {import("./wording.js").Words} words */
  fold(folded, words) {
    const replies = /** @type {HTMLElement | null} */ (childOf(this.element, ".replies"));
    const button = replies?.previousElementSibling;
    if (!button) return;
    const n = folded ? replies.querySelectorAll("article:not([data-status=removed],[data-status=deleted])").length : 0;
    replies.hidden = folded;
    setAttribute(this.element, "data-folded", folded ? "" : null);
    setAttribute(button, "aria-expanded", String(!folded));
    setText(button, folded ? words("showReplies", { n }) : "");
    setAttribute(button, "aria-label", folded ? null : replies.getAttribute("aria-label"));
  }

  /** Whether showing it takes more than touching up what is there. @param {Comment} comment */
  isAnother(comment) {
    const before = this.shown;
    return before ? face(before) !== face(comment) || !sameText(before, comment) : !this.#adopted;
  }

  /** Bring the element up to date. @param {Comment} comment @param {Setting} setting */
  show(comment, setting) {
    const { element } = this;
    const before = this.shown;
    const adopting = this.#adopted && !before;
    this.shown = comment;
    const { id, depth, status } = comment;
    setAttribute(element, "data-level", `${Math.min(depth, LEVELS)}`);
    setAttribute(element, "data-depth", `${depth}`);
    setAttribute(element, "data-deep", depth > LEVELS ? "" : null);
    setAttribute(element, "data-pinned", comment.pinned ? "" : null);
    const entry = /** @type {HTMLElement} */ (element.querySelector(":scope > .entry"));
    const readable = comment.author !== null && comment.tree !== null;
    // Another kind of comment than before: what stands in the entry is of no use, except a reply being written there.
    if (!adopting && (!before || face(before) !== face(comment))) {
      const focused = element.getRootNode() instanceof ShadowRoot && entry.contains(/** @type {ShadowRoot} */ (element.getRootNode()).activeElement);
      const others = [...entry.children].filter((child) => !child.matches("form"));
      const own = focused && others.some((child) => child.matches(":focus-within"));
      // A form that is moved would lose the focus.
      entry.prepend(...maker().makeEntry(comment, setting));
      for (const child of others) child.remove();
      maker().nameParts(this, setting.words);
      // Focus on what went away goes to the comment itself, not to the top of the page.
      if (own) element.focus({ preventScroll: true });
    } else if (before && !sameText(before, comment)) {
      entry.querySelector(":scope > .body")?.replaceChildren(maker().renderTree(comment.tree ?? []));
    }
    setAttribute(element, "data-status", status);
    const byline = /** @type {HTMLElement} */ (entry.querySelector(":scope > .byline"));
    if (adopting) {
      const time = byline.querySelector("time");
      if (time) setting.clock.keep(time);
      const permalink = byline.querySelector("a");
      if (permalink) setAttribute(permalink, "href", setting.link(id));
    }
    const { words } = setting;
    const mark = (/** @type {string} */ name) => () => make("span", { class: name, part: name }, words(name === "pin" ? "pinned" : name));
    setChild(byline, ".edited", readable && comment.edited_at !== null, mark("edited"));
    setChild(byline, ".pin", comment.pinned, mark("pin"));
    const { parent } = setting;
    const whom = entry.querySelector(":scope > .context > a");
    if (whom && parent) setText(whom.firstElementChild ?? whom, parent.author?.name ?? words("aRemovedComment"));
    this.#actions(entry, comment, setting);
  }

  /** @param {HTMLElement} entry @param {Comment} comment @param {Setting} setting */
  #actions(entry, comment, { words, closed, editable, vote }) {
    const actions = entry.querySelector(":scope > .actions");
    if (!actions) return;
    const name = comment.author?.name ?? "";
    const fresh = actions.querySelector(".fresh-replies");
    const button = (/** @type {string} */ action, /** @type {string} */ text, /** @type {string | null} */ label = null) => () =>
      makeButton(action, text, { "aria-label": label });
    setChild(actions, "[data-ripost=reply]", comment.status === "visible" && !closed, button("reply", words("reply"), words("replyTo", { name })), actions.firstElementChild);
    setChild(actions, "[data-ripost=edit]", editable, button("edit", words("edit")), fresh);
    setChild(actions, "[data-ripost=delete]", editable, button("delete", words("delete")), fresh);
    // What these do is loaded when they are used.
    for (const [act, sign, n] of /** @type {["up" | "down" | "options", string, number][]} */ ([["up", "\u2191", comment.up], ["down", "\u2193", comment.down], ["options", "\u2026", 0]])) {
      setChild(actions, `[data-ripost=${act}]`, comment.status === "visible", button(act, ""), fresh);
      const control = actions.querySelector(`[data-ripost=${act}]`);
      if (!control) continue;
      setText(control, n ? `${sign}\u00a0${n}` : sign);
      setAttribute(control, "aria-label", words(act, { name, n }));
      if (act !== "options") setAttribute(control, "aria-pressed", `${vote === (act === "up" ? 1 : -1)}`);
    }
  }

  /** How many replies wait to be shown below this comment. @param {number} n @param {import("./wording.js").Words} words */
  announce(n, words) {
    const entry = this.element.querySelector(":scope > .entry");
    const place = entry?.querySelector(":scope > .actions") ?? entry?.querySelector(":scope > .byline");
    if (!place) return;
    setChild(place, ".fresh-replies", n > 0, () => makeButton("new-replies", "", { class: "action fresh-replies", part: "action fresh" }));
    const button = place.querySelector(".fresh-replies");
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
