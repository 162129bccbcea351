// @ts-check
/**
 * Everything around the comments: count, notes, the place of the composer, the pill, the status line. Adopts what the
 * server rendered, or has it made, so that a foreign page gets the same. Knows nothing of single comments.
 */
import { childOf, makePart, makeButton, setAttribute, setChild, setText } from "./elements.js";
import { isMakerLoaded, maker } from "./maker.js";
import { isClosed } from "./thread-state.js";

/** @typedef {import("./words.js").Words} Words @typedef {import("./thread-state.js").ThreadState} ThreadState */

const SPEAKING = 5000; // milliseconds between two words about new comments, to those who hear the page

export class ThreadFrame {
  #words;
  #n = 0; // comments behind the pill
  #heard = 0; // how many of them have been spoken of
  #speaking = 0;

  /** @param {HTMLElement} section @param {Words} words */
  constructor(section, words) {
    this.#words = words;
    this.section = section;
    this.feed = this.part("feed");
  }

  /** @param {string} name  its data-ripost @returns {HTMLElement} */
  part(name) {
    return /** @type {HTMLElement} */ (childOf(this.section, `[data-ripost="${name}"]`));
  }

  get #count() {
    return /** @type {HTMLElement} */ (this.section.querySelector("[data-ripost=count]"));
  }

  /** A paragraph that is there or not. @param {string} name @param {boolean} wanted @param {Element} before @param {string} [key]  its words */
  #note(name, wanted, before, key = name) {
    const note = setChild(this.section, `[data-ripost=${name}]`, wanted, () => makePart("p", name === "empty" ? name : "note", { "data-ripost": name }), before);
    if (note) setText(note, this.#words(key));
  }

  /** @param {ThreadState} state @param {boolean} empty  no comment is shown */
  show(state, empty) {
    const { section, feed } = this;
    const { article } = state;
    const composer = this.part("composer");
    setAttribute(section, "data-article-state", article.state);
    setAttribute(section, "aria-busy", null);
    setText(this.#count, this.#words("comments", { n: article.comment_count }));
    for (const name of ["closed", "premoderated"]) this.#note(name, article.state === name, composer);
    this.#note("empty", empty, feed, article.state === "closed" ? "noComments" : "empty");
    this.#note("failure", false, feed);
    const form = composer.querySelector("form");
    // Text that is there outlives the closing; the composer says what happened.
    if (!isClosed(state)) {
      if (!form && isMakerLoaded()) composer.prepend(maker().makeComposer(this.#words));
    } else if (!form?.matches(":focus-within") && !form?.querySelector("textarea")?.value) form?.remove();
  }

  /** Where live roots stand that belong behind pages not loaded yet, if there are any. @returns {HTMLElement | null} */
  get later() {
    return childOf(this.section, ".later");
  }

  /** @param {number} n  comments that wait to be shown @param {boolean} away  those just shown are out of sight */
  pill(n, away) {
    this.#n = n;
    // Spoken of once in a while, together, and never again: not after a reconnect, either.
    if (n > this.#heard) this.#speaking ||= window.setTimeout(() => {
      this.#speaking = 0;
      if (this.#n > this.#heard) this.say(this.#words("newComments", { n: this.#n }));
      this.#heard = this.#n;
    }, SPEAKING);
    else this.#heard = n;
    const pill = setChild(this.part("pill"), "[data-ripost=new]", n > 0 || away, () => makeButton("new", "", { class: "pill", part: "pill" }));
    if (!pill) return;
    setText(pill, this.#words(n > 0 ? "newComments" : "goToNew", { n }));
    setAttribute(pill, "data-count", `${n}`);
  }

  /** Say something to those who do not see it; the same as before, too. @param {string} text */
  say(text) {
    const said = this.part("said");
    setText(said, said.textContent === text ? `${text}\u00a0` : text);
  }

  /** @param {import("./types.js").LinkState} state @param {string} text  empty while there is nothing to say */
  status(state, text) {
    const status = this.part("status");
    setAttribute(status, "data-state", state);
    setText(status, text);
  }

  /** What could not be done, once more. */
  again = () => {};

  /** Say that something could not be loaded, and offer to try again. @param {string} reason  a sentence @param {() => void} [again]  where it is not tried again by itself */
  fail(reason, again = () => {}) {
    this.again = again;
    setAttribute(this.section, "aria-busy", null);
    if (this.#count.textContent === this.#words("loading")) setText(this.#count, this.#words("discussion"));
    const note = setChild(this.section, "[data-ripost=failure]", true, () => makePart("p", "note", { class: "note failure", role: "alert", "data-ripost": "failure" }), this.feed);
    note?.replaceChildren(reason, " ", makeButton("retry", this.#words("tryAgain"), { class: "action inline" }));
  }
}
