// @ts-check
/**
 * Replay: the discussion grows again, comment by comment, in the order in which it was written. Loaded when asked for.
 * Stands in place of the comments while it runs; the live thread goes on behind it and is there, with what has come
 * meanwhile, when it is closed. Promises that nothing is shown that is taken down, also when that happens meanwhile.
 */
import { ask } from "./api.js";
import { make, makeButton, setAttribute, setText } from "./elements.js";
import { makeEntry } from "./making.js";
import { pageLink } from "./page-address.js";
import { readWhole } from "./replay-reading.js";
import { makeTimeline } from "./replay-timeline.js";
import { addStyle } from "./styles.js";

/** @typedef {import("./types.js").Comment} Comment
 *
 * @typedef {object} Shown  a comment as an element
 * @property {HTMLElement} element
 * @property {HTMLElement} container  where it stands
 * @property {number} held  for a tombstone: how many comments that are shown stand below it
 */


const LEVELS = 6; // of nesting, as in the thread
const SPEEDS = [1, 2, 4];
const CALM = 250; // milliseconds between two comments from which on scrolling glides

/**
 * @param {import("./thread.js").Thread} thread @param {HTMLElement} opener  what was pressed: it gets the focus back
 */
export async function openReplay(thread, opener) {
  const { root, signal } = thread;
  await Promise.all([thread.prepare(), addStyle(root, "replay.css")]);
  const section = /** @type {HTMLElement | null} */ (root.querySelector(".thread"));
  if (!section || signal.aborted || section.querySelector(".replay")) return;
  await new Replay(thread, root, section, opener, signal).start();
}

class Replay {
  #thread;
  #section;
  #opener;
  #place;
  #ends = new AbortController();
  #panel;
  #bar;
  #feed;
  #play;
  #speed;
  #slider;
  #said;
  #date;
  #epoch;
  /** @type {Map<number, Comment>} */
  #comments = new Map();
  /** @type {import("./replay-timeline.js").Step[]} */
  #steps = [];
  /** @type {Map<number, Shown>} */
  #elements = new Map();
  #shown = 0; // of the steps
  #timer = 0;
  #playing = false;
  #following = true; // the newest comment is brought into the window, until the reader scrolls
  #calm = matchMedia("(prefers-reduced-motion: reduce)").matches;

  /** @param {import("./thread.js").Thread} thread @param {ShadowRoot} root @param {HTMLElement} section @param {HTMLElement} opener @param {AbortSignal} outer */
  constructor(thread, root, section, opener, outer) {
    const { words } = thread;
    const { signal } = this.#ends;
    this.#thread = thread;
    this.#section = section;
    this.#opener = opener;
    this.#place = opener.getBoundingClientRect().top;
    this.#epoch = thread.state.epoch;
    this.#date = new Intl.DateTimeFormat(section.lang, { dateStyle: "medium", timeStyle: "short" });
    this.#play = makeButton("replay-play", "", { class: "primary play", part: "replay-play", "aria-label": words("replayPlay"), disabled: "" });
    this.#speed = makeButton("replay-speed", "", { class: "action speed" });
    this.#slider = /** @type {HTMLInputElement} */ (make("input", { class: "slider", part: "replay-slider", type: "range", min: "0", max: "0", value: "0", "aria-label": words("replayTime"), disabled: "" }));
    this.#said = make("p", { class: "moment", part: "replay-time", role: "status" }, words("loading"));
    const close = makeButton("replay-close", words("replayClose"), { class: "action inline" });
    this.#bar = make("div", { class: "bar", part: "replay-bar" }, this.#play, this.#slider, this.#speed, this.#said, close);
    this.#feed = make("div", { class: "feed", part: "feed" });
    this.#panel = make("section", { class: "replay", part: "replay", "aria-label": words("replayOf") }, this.#bar, this.#feed);
    this.#setSpeed(1);
    this.#play.addEventListener("click", () => this.#toggle());
    this.#speed.addEventListener("click", () => this.#setSpeed(SPEEDS[(SPEEDS.indexOf(this.#rate) + 1) % SPEEDS.length] ?? 1));
    this.#slider.addEventListener("input", () => {
      this.#stop();
      this.#following = true;
      this.#show(Number(this.#slider.value));
    });
    close.addEventListener("click", () => this.close());
    this.#panel.addEventListener("click", ({ target }) => target instanceof Element && target.closest(".permalink") && this.close());
    this.#panel.addEventListener("keydown", (event) => this.#press(event));
    for (const name of ["wheel", "touchmove"]) window.addEventListener(name, () => (this.#following = false), { passive: true, signal });
    document.addEventListener("visibilitychange", () => document.hidden && this.#stop(), { signal });
    root.host.addEventListener("ripost:comment", (event) => this.#hear(/** @type {CustomEvent} */ (event).detail), { signal });
    outer.addEventListener("abort", () => this.close(), { signal });
  }

  #rate = 1;

  /** Load the discussion and begin. */
  async start() {
    const { words } = this.#thread;
    setAttribute(this.#section, "data-replaying", "");
    this.#section.querySelector(".header")?.after(this.#panel);
    this.#panel.scrollIntoView({ block: "start", behavior: "instant" });
    /** @type {HTMLElement | null} */ (this.#bar.querySelector("[data-ripost=replay-close]"))?.focus({ preventScroll: true });
    const { signal } = this.#ends;
    let whole;
    try {
      whole = await readWhole((path) => ask(this.#thread, path), this.#thread.state.article.id, (n) => setText(this.#said, words("replayLoading", { n })), signal);
    } catch {
      if (!signal.aborted) setText(this.#said, words("unreachable"));
      return;
    }
    if (signal.aborted) return;
    // What was taken down while the pages came.
    for (const [id, status] of this.#gone) this.#takeDown(whole.comments, id, status);
    this.#comments = whole.comments;
    this.#said.removeAttribute("role"); // from here on the slider says where it is
    this.#build();
    if (!this.#steps.length) return;
    if (whole.cut) this.#bar.after(make("p", { class: "note", part: "note" }, words("replayCut", { n: this.#steps.length })));
    this.#play.focus({ preventScroll: true });
    this.#show(this.#calm ? 1 : 0);
    if (!this.#calm) this.#toggle();
  }

  /** Back to the thread, where it was left. */
  close() {
    if (this.#ends.signal.aborted) return;
    this.#stop();
    this.#ends.abort();
    this.#panel.remove();
    setAttribute(this.#section, "data-replaying", null);
    const moved = this.#opener.getBoundingClientRect().top - this.#place;
    window.scrollBy({ top: moved, behavior: "instant" });
    this.#opener.focus({ preventScroll: true });
  }

  /** Taken down, and what it is now. @type {Map<number, Comment["status"]>} */
  #gone = new Map();

  /** What happens to a comment happens to it here, too. @param {import("./types.js").ThreadEvent} event */
  #hear({ type, id, status, comment, epoch }) {
    if (epoch !== this.#epoch) return this.close(); // another history
    if (type === "comment.removed" && id !== undefined) {
      this.#gone.set(id, status ?? "removed");
      if (!this.#takeDown(this.#comments, id, status ?? "removed")) return;
    } else if (type === "comment.edited" && comment && this.#comments.has(comment.id)) this.#comments.set(comment.id, comment);
    else return;
    this.#build();
  }

  /** @param {Map<number, Comment>} comments @param {number} id @param {Comment["status"]} status */
  #takeDown(comments, id, status) {
    const comment = comments.get(id);
    if (comment) comments.set(id, { ...comment, status, author: null, tree: null });
    return comment !== undefined;
  }

  /** Everything anew, at the place where it is. */
  #build() {
    const before = new Set(this.#steps.slice(0, this.#shown).map(({ id }) => id));
    this.#steps = makeTimeline(this.#comments);
    this.#feed.replaceChildren();
    this.#elements.clear();
    this.#shown = 0;
    this.#slider.max = `${this.#steps.length}`;
    this.#show(this.#steps.filter(({ id }) => before.has(id)).length);
    this.#play.disabled = this.#slider.disabled = !this.#steps.length;
    if (!this.#steps.length) setText(this.#said, this.#thread.words("replayNone"));
    if (this.#playing) this.#next();
  }

  /** Show the first `n` comments and no other. @param {number} n */
  #show(n) {
    const before = this.#steps[this.#shown - 1];
    for (; this.#shown < n; this.#shown++) this.#set(this.#steps[this.#shown]?.id, true);
    while (this.#shown > n) this.#set(this.#steps[--this.#shown]?.id, false);
    const now = this.#steps[n - 1];
    if (before !== now) this.#mark(before, now);
    const { words } = this.#thread;
    const time = !now ? "" : now.at === -Infinity ? words("replayUndated") : this.#date.format(now.at);
    const said = [words("replayAt", { shown: n, all: this.#steps.length }), time].filter(Boolean).join(" · ");
    setText(this.#said, said);
    this.#slider.value = `${n}`;
    setAttribute(this.#slider, "aria-valuetext", said);
  }

  /** @param {import("./replay-timeline.js").Step | undefined} before @param {import("./replay-timeline.js").Step | undefined} now */
  #mark(before, now) {
    if (before) this.#elements.get(before.id)?.element.removeAttribute("data-fresh");
    const element = now && this.#elements.get(now.id)?.element;
    if (!element) return;
    element.setAttribute("data-fresh", "");
    const entry = element.firstElementChild;
    if (!entry || !this.#following || (this.#playing && this.#calm)) return;
    const top = this.#bar.getBoundingClientRect().bottom;
    const box = entry.getBoundingClientRect();
    if (box.top >= top && box.bottom <= window.innerHeight) return;
    const glides = this.#playing && this.#wait(this.#shown) >= CALM;
    window.scrollBy({ top: box.top - top - (window.innerHeight - top) / 3, behavior: glides ? "smooth" : "instant" });
  }

  /** Show one comment, or hide it again; what is taken down is there as long as something stands below it. @param {number | undefined} id @param {boolean} wanted */
  #set(id, wanted) {
    if (id === undefined) return;
    this.#make(id).element.hidden = !wanted;
    for (let at = this.#comments.get(id)?.parent ?? null; at !== null; at = this.#comments.get(at)?.parent ?? null) {
      const above = this.#elements.get(at);
      if (!above || this.#comments.get(at)?.status === "visible") continue;
      above.held += wanted ? 1 : -1;
      above.element.hidden = above.held === 0;
    }
  }

  /** @param {number} id @returns {Shown} */
  #make(id) {
    // Those above first, from the top, without recursion: a thread may be thousands deep.
    const path = [];
    for (let at = /** @type {number | null} */ (id); at !== null && this.#comments.has(at) && !this.#elements.has(at); at = this.#comments.get(at)?.parent ?? null) path.push(at);
    for (const one of path.reverse()) this.#elements.set(one, this.#element(/** @type {Comment} */ (this.#comments.get(one))));
    return /** @type {Shown} */ (this.#elements.get(id));
  }

  /** @param {Comment} comment @returns {Shown} */
  #element(comment) {
    const { words, clock } = this.#thread;
    const { parent, depth, author, status } = comment;
    const above = parent === null ? undefined : this.#elements.get(parent);
    const entry = make("div", { class: "entry" }, ...makeEntry(comment, /** @type {any} */ ({ words, clock, link: pageLink })));
    // The same comment stands in the thread behind: ids are that one's.
    for (const one of entry.querySelectorAll("[id]")) one.removeAttribute("id");
    entry.querySelector(".actions")?.remove();
    const name = parent === null ? undefined : this.#comments.get(parent)?.author?.name;
    if (author && name) entry.querySelector(".body")?.before(make("p", { class: "context", part: "context" }, `${words("replyingTo")} `, make("bdi", {}, name)));
    const element = make("article", {
      class: "comment", part: "comment", "aria-label": author?.name ?? words(status === "deleted" ? "deleted" : "removed"), "data-level": `${Math.min(depth, LEVELS)}`,
      "data-deep": depth > LEVELS ? "" : null, hidden: "",
    }, entry);
    const container = !above ? this.#feed : depth > LEVELS ? above.container : repliesOf(above.element);
    container.append(element);
    return { element, container, held: 0 };
  }

  /** Milliseconds until the step after the first `n`. @param {number} n */
  #wait(n) {
    return (this.#steps[n]?.wait ?? 0) / this.#rate;
  }

  #toggle() {
    if (this.#playing) return this.#stop();
    if (this.#shown >= this.#steps.length) this.#show(0);
    this.#following = true;
    this.#playing = true;
    this.#name();
    this.#next();
  }

  /** One step after the other; what is to come may have changed since the last. */
  #next() {
    clearTimeout(this.#timer);
    if (this.#shown >= this.#steps.length) return this.#stop();
    this.#timer = window.setTimeout(() => {
      this.#show(this.#shown + 1);
      this.#next();
    }, this.#wait(this.#shown));
  }

  #stop() {
    clearTimeout(this.#timer);
    this.#playing = false;
    this.#name();
  }

  #name() {
    setAttribute(this.#play, "aria-label", this.#thread.words(this.#playing ? "replayPause" : "replayPlay"));
    setAttribute(this.#play, "data-playing", this.#playing ? "" : null);
  }

  /** @param {number} rate */
  #setSpeed(rate) {
    this.#rate = rate;
    setText(this.#speed, `${rate}×`);
    setAttribute(this.#speed, "aria-label", this.#thread.words("replaySpeed", { n: rate }));
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    event.stopPropagation(); // the thread's own keys are for the thread
    const { key, target } = event;
    if (key === "Escape") this.close();
    else if (key === " " && !(/** @type {Element} */ (target).matches("button, a"))) {
      event.preventDefault();
      this.#toggle();
    }
  }
}

/** The container of replies, made with the line of its branch when first asked for. @param {HTMLElement} element @returns {HTMLElement} */
function repliesOf(element) {
  const there = element.querySelector(":scope > .replies");
  if (there) return /** @type {HTMLElement} */ (there);
  const replies = make("div", { class: "replies", part: "replies" });
  element.append(make("span", { class: "fold", part: "fold", "aria-hidden": "true" }), replies);
  return replies;
}
