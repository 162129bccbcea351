// @ts-check
/**
 * Everything around the comments: count, order, notes, the place of the composer, the pill, "more", the status line.
 * Adopts what the server rendered and makes what is missing, so that a foreign page gets the same. Knows nothing of
 * single comments.
 */
import { isMakerLoaded, maker } from "./maker.js";
import { childOf, make, makeButton, setAttribute, setChild, setText } from "./elements.js";
import { isClosed } from "./thread-state.js";

/** @typedef {import("./wording.js").Words} Words @typedef {import("./thread-state.js").ThreadState} ThreadState */

const SPEAKING = 5000; // milliseconds between two words about new comments, to those who hear the page

export class ThreadFrame {
  #words;
  #n = 0; // comments behind the pill
  #heard = 0; // how many of them have been spoken of
  #speaking = 0;
  /** @type {HTMLElement} */
  section;
  /** @type {HTMLElement} */
  feed;

  /** @param {ShadowRoot} root @param {Words} words @param {string} language @param {URL} stylesheet */
  constructor(root, words, language, stylesheet) {
    this.#words = words;
    const there = root.querySelector(".thread");
    this.section = /** @type {HTMLElement} */ (there ?? maker().makeSection(words));
    if (!there) {
      const link = make("link", { rel: "stylesheet", href: stylesheet.href });
      // Unstyled comments must not flash; an unreachable stylesheet must not hide them.
      this.section.hidden = true;
      for (const name of ["load", "error"]) link.addEventListener(name, () => (this.section.hidden = false), { once: true });
      root.append(link, this.section);
    }
    this.section.lang = language;
    this.section.dir = /^ar/.test(language) && !root.host.hasAttribute("dir") ? "rtl" : "";
    this.feed = this.part("feed");
  }

  /** @param {string} name  its data-ripost @returns {HTMLElement} */
  part(name) {
    return /** @type {HTMLElement} */ (childOf(this.section, `[data-ripost="${name}"]`));
  }

  /** @param {ThreadState} state @param {number} shown  comments in the DOM @param {(query: Record<string, string>) => string} link */
  show(state, shown, link) {
    const words = this.#words;
    const { article, sort, next } = state;
    setAttribute(this.section, "data-article-state", article.state);
    setAttribute(this.section, "aria-busy", null);
    const count = this.section.querySelector("[data-ripost=count]");
    if (count) setText(count, words("comments", { n: article.comment_count }));
    for (const anchor of this.section.querySelector(".sorts")?.children ?? []) {
      const order = /** @type {HTMLElement} */ (anchor).dataset["sort"] ?? "";
      setAttribute(anchor, "aria-current", order === sort ? "true" : null);
      setAttribute(anchor, "href", link({ sort: order }));
    }
    const composer = this.part("composer");
    for (const name of ["closed", "premoderated"]) {
      setChild(this.section, `[data-ripost=${name}]`, article.state === name, () => make("p", { class: "note", part: "note", "data-ripost": name }, words(name)), composer);
    }
    setChild(this.section, "[data-ripost=empty]", shown === 0, () => make("p", { class: "empty", part: "empty", "data-ripost": "empty" }, words("empty")), this.feed);
    setChild(this.section, "[data-ripost=failure]", false, () => make("p"));
    setChild(this.section, "[data-ripost=more-place]", next !== null, () => makeMore("more", words("moreComments"), { place: "more-place" }), this.feed.nextElementSibling);
    const more = childOf(this.section, "[data-ripost=more-place]")?.firstElementChild;
    if (more && next !== null) setAttribute(more, "href", link({ sort, cursor: next }));
    const form = composer.querySelector("form");
    // Text that is there outlives the closing; the composer says what happened.
    const closed = isClosed(state);
    if (closed && form && !form.querySelector("textarea")?.value) form.remove();
    else if (!closed && !form && isMakerLoaded()) composer.prepend(maker().makeComposer(words));
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
    const place = this.part("pill");
    setChild(place, "[data-ripost=new]", n > 0 || away, () => makeButton("new", "", { class: "pill", part: "pill" }));
    const pill = place.querySelector("[data-ripost=new]");
    if (!pill) return;
    setText(pill, n > 0 ? this.#words("newComments", { n }) : this.#words("goToNew"));
    setAttribute(pill, "data-count", `${n}`);
  }

  /** Say something to those who do not see it. @param {string} text */
  say(text) {
    setText(this.part("said"), text);
  }

  /** @param {import("./types.js").LinkState} state @param {string} text  empty while there is nothing to say */
  status(state, text) {
    const status = this.part("status");
    setAttribute(status, "data-state", state);
    setText(status, text);
  }

  /** Say that nothing could be loaded, and offer to try again. @param {string} reason  a sentence */
  fail(reason) {
    setAttribute(this.section, "aria-busy", null);
    const count = this.section.querySelector("[data-ripost=count]");
    if (count?.textContent === this.#words("loading")) setText(count, this.#words("discussion"));
    setChild(this.section, "[data-ripost=failure]", true, () => make("p", { class: "note failure", part: "note", role: "alert", "data-ripost": "failure" }), this.feed);
    this.part("failure").replaceChildren(reason, " ", makeButton("retry", this.#words("tryAgain"), { class: "action inline" }));
  }
}

/** @param {string} action @param {string} text @param {{place?: string, branch?: string}} where */
export function makeMore(action, text, { place, branch }) {
  const anchor = make("a", { class: "more-link", part: "more-link", href: "", "data-ripost": action, "data-branch": branch ?? null }, text);
  return make("p", { class: "more", part: "more", "data-ripost": place ?? null }, anchor);
}
