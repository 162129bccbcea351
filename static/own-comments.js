// @ts-check
/**
 * What sets a reader's own comments apart: which they are, which of them may still be changed and with what token, and the
 * answers to what was written here. Loaded for those who have written. Owns the moment at which each comment ceases to be
 * changeable; promises one timer for all of them.
 */
import { childOf, makeButton, setChild } from "./elements.js";
import { limitsOf, tokenFor } from "./rights.js";
import { addOwn, dropHeld } from "./thread-pages.js";

/** @typedef {import("./types.js").Comment} Comment */

/** What says something about a comment that was there already. */
const EDITS = new Set(["comment.edited", "comment.removed"]);

export class OwnComments {
  #thread;
  #expiry = 0;
  /** Own comments on the screen that can be edited, and until when. @type {Map<number, number>} */
  #editable = new Map();

  /** @param {import("./thread.js").Thread} thread */
  constructor(thread) {
    this.#thread = thread;
    thread.signal.addEventListener("abort", () => clearTimeout(this.#expiry));
  }

  /** Ids of the reader's comments, loaded or known from before; the latest 500. */
  get ids() {
    const loaded = [...this.#thread.state.comments.values()].filter((comment) => this.has(comment)).map(({ id }) => id);
    return [...new Set([...(this.#thread.last?.own ?? []), ...loaded])].sort((a, b) => a - b).slice(-500);
  }

  /** What to say of an answer that stands there unasked; nothing of one's own words. @param {Comment} comment */
  spoken(comment) {
    const name = comment.author?.name;
    return name && !this.has(comment) ? this.#thread.words("answered", { name }) : "";
  }

  /** Offer to change a comment while that can be done. @param {import("./comment-view.js").CommentView} view */
  offer({ entry, shown }) {
    const actions = childOf(entry, ".actions");
    if (!actions || !shown) return;
    const editable = this.#isEditable(shown);
    // Nobody votes on their own words; what others think of them is shown.
    for (const act of /** @type {const} */ (["up", "down"])) {
      const button = childOf(actions, `[data-ripost=${act}]`);
      button?.toggleAttribute("hidden", this.has(shown) && !shown[act] && !button.matches(":focus"));
    }
    for (const act of ["edit", "delete"]) {
      setChild(actions, `[data-ripost=${act}]`, editable, () => makeButton(act, this.#thread.words(act)), childOf(actions, "[data-ripost=up]") ?? childOf(actions, ".fresh-replies"));
    }
  }

  /** @param {Comment} comment */
  #isEditable(comment) {
    const thread = this.#thread;
    const until = Date.parse(comment.created_at) + 1000 * limitsOf(thread).edit_seconds;
    if (!["visible", "pending"].includes(comment.status) || until <= Date.now() || !this.has(comment) || !tokenFor(thread, comment)) return false;
    this.#editable.set(comment.id, until);
    clearTimeout(this.#expiry);
    this.#expiry = window.setTimeout(() => {
      const over = [...this.#editable].filter(([, end]) => end <= Date.now()).map(([id]) => id);
      for (const id of over) this.#editable.delete(id);
      thread.view.update(over);
    }, Math.min(...this.#editable.values()) - Date.now() + 50);
    return true;
  }

  /** @param {Comment} comment */
  has({ ref, author }) {
    const { store, state } = this.#thread;
    const person = author?.id;
    const known = person !== undefined && (state.viewer?.person.id === person || store.identities.some(({ id }) => id === person));
    return known || (ref !== null && store.own.includes(ref));
  }

  /** Whether one of them waits for a moderator. */
  get waiting() {
    return [...this.#thread.state.comments.values()].some((comment) => comment.status === "pending" && this.has(comment));
  }

  /** What a moderator decided. A comment that was accepted comes as any other. @param {{type: string, id: number, status: string}} frame */
  hear({ type, id, status }) {
    if (type === "subscribed") void this.#thread.loader().then((loader) => loader.knowHeld());
    if (type !== "comment.decided" || status === "visible") return;
    dropHeld(this.#thread.state, id);
    this.#thread.view.update([id]);
    this.#thread.acting?.check(); // it may be about to be changed
  }

  /** Take the answer to something this reader did. @param {{event: import("./types.js").ThreadEvent}} answer */
  accept({ event }) {
    const thread = this.#thread;
    const { comment } = event;
    if (event.seq === undefined) {
      if (comment) addOwn(thread.state, comment);
      else dropHeld(thread.state, event.id ?? 0); // what waited is deleted
      thread.connection.listenPersonally();
    } else if (!thread.take(event)) {
      // Events before it are still to come. What was just written is shown at once; the rest follows in order.
      if (comment && !EDITS.has(event.type)) addOwn(thread.state, comment);
      thread.connection.recheck();
      thread.connection.resubscribe();
    }
    thread.view.update([comment?.id ?? event.id ?? 0]);
    thread.view.flush();
  }
}
