// @ts-check
/**
 * What sets a reader's own comments apart: which they are, which of them may still be changed and with what token, and the
 * answers to what was written here. Loaded for those who have written. Owns the moment at which each comment ceases to be
 * changeable; promises one timer for all of them.
 */
import { addOwn, EDITS } from "./thread-state.js";
import { addEnglish } from "./wording.js";

/** @typedef {import("./types.js").Comment} Comment */

export class OwnComments {
  #thread;
  #expiry = 0;
  /** Own comments on the screen that can be edited, and until when. @type {Map<number, number>} */
  #editable = new Map();

  #before;

  /** @param {import("./thread.js").Thread} thread @param {number[]} before  ids that were theirs at the last visit @param {AbortSignal} signal */
  constructor(thread, before, signal) {
    this.#thread = thread;
    this.#before = before;
    addEnglish({ answered: "{name} has answered you." });
    signal.addEventListener("abort", () => clearTimeout(this.#expiry));
  }

  /** Ids of the reader's comments, loaded or known from before; the latest 500. */
  get ids() {
    const loaded = [...this.#thread.state.comments.values()].filter((comment) => this.isOwn(comment)).map(({ id }) => id);
    return [...new Set([...this.#before, ...loaded])].sort((a, b) => a - b).slice(-500);
  }

  /** What to say of an answer that stands there unasked; nothing of one's own words. @param {Comment} comment */
  spoken(comment) {
    const name = comment.author?.name;
    return name && !this.isOwn(comment) ? this.#thread.words("answered", { name }) : "";
  }

  /** @param {Comment} comment */
  isEditable(comment) {
    const thread = this.#thread;
    const until = Date.parse(comment.created_at) + 1000 * thread.limits.edit_seconds;
    if (comment.status !== "visible" || until <= Date.now() || !thread.isOwn(comment) || !thread.tokenFor(comment)) return false;
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
  isOwn({ ref, author }) {
    const { store, state } = this.#thread;
    const person = author?.id;
    const known = person !== undefined && (state.viewer?.person.id === person || store.identities.some(({ id }) => id === person));
    return known || (ref !== null && store.own.includes(ref));
  }

  /** The token with which a comment can be changed. @param {Comment} comment */
  tokenFor({ author }) {
    const { store, member } = this.#thread;
    return store.identities.find(({ id }) => id === author?.id)?.token ?? member?.token ?? null;
  }

  /** Take the answer to something this reader did. @param {{event: import("./types.js").ThreadEvent}} answer */
  accept({ event }) {
    const thread = this.#thread;
    const { comment } = event;
    if (event.seq === undefined) {
      if (comment) addOwn(thread.state, comment);
      thread.connection?.listenPersonally();
    } else if (!thread.take(event)) {
      // Events before it are still to come. What was just written is shown at once; the rest follows in order.
      if (comment && !EDITS.has(event.type)) addOwn(thread.state, comment);
      thread.connection?.recheck();
      thread.connection?.resubscribe();
    }
    if (comment) thread.view.update([comment.id]);
    thread.view.flush();
  }
}
