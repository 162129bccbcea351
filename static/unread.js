// @ts-check
/**
 * What is new since the reader was last here: marks, a button that counts it and leads to the next, and the keys `n` and
 * `p`. Loaded when there is something new, or by the first press of such a key. Asks the log what was said since then, so
 * that what is not on the page is counted too. Owns which comments are still unread: one ceases to be when it has stood in
 * the window for a moment. Never scrolls unless it is asked to.
 */
import { ask } from "./api.js";
import { makeButton, setAttribute, setText } from "./elements.js";
import { addStyle } from "./styles.js";

const MOMENT = 1500; // milliseconds in the window after which a comment counts as seen
const PAGES = 8; // of 500 events: who was away for longer is told of the newest comments only
const MOST = 2000; // comments that can be unread
const SHARE = 0.4; // of the comment, or of the window where the comment is the longer, that must be in sight
// A comment of up to 1000 windows comes to fill most of one at some of these.
const SHARES = Array.from({ length: 11 }, (_, n) => SHARE / 2 ** n);

export class Unread {
  #thread;
  #root;
  #button;
  /** Unread comments and those they answer. @type {Map<number, number | null>} */
  #ids = new Map();
  /** Where the reader has been brought. @type {Set<number>} */
  #visited = new Set();
  #last;
  #observer;
  /** In the window, and the timer until it is seen. @type {Map<number, number>} */
  #looking = new Map();
  #found;

  /**
   * @param {import("./thread.js").Thread} thread @param {import("./types.js").Visit | null} last  null: nothing is new
   * @param {number} until  the position at which this visit began; what has come since is told by the pill
   */
  constructor(thread, last, until) {
    this.#thread = thread;
    this.#root = thread.root;
    this.#last = last;
    this.#button = makeButton("next-unread", "", { class: "pill quiet", part: "pill unread", "aria-keyshortcuts": "n" });
    this.#observer = new IntersectionObserver((entries) => {
      for (const { target, intersectionRatio, intersectionRect, rootBounds } of entries) {
        const id = idOf(target);
        const inSight = intersectionRatio >= SHARE || intersectionRect.height >= SHARE * (rootBounds ?? screen).height;
        if (inSight && this.#looking.has(id)) continue;
        clearTimeout(this.#looking.get(id));
        this.#looking.delete(id);
        if (inSight) this.#looking.set(id, window.setTimeout(() => this.#see(id), MOMENT));
      }
    }, { threshold: SHARES });
    thread.signal.addEventListener("abort", () => {
      this.#observer.disconnect();
      this.#looking.forEach((timer) => clearTimeout(timer));
    });
    // What is taken down is nothing to read, on the page or not.
    thread.host.addEventListener("ripost:comment", (event) => {
      const { type, id } = /** @type {CustomEvent} */ (event).detail;
      if (type === "comment.removed") this.#forget(id);
    }, { signal: thread.signal });
    this.#found = this.#find(until);
  }

  /** What is still unread. */
  get left() {
    return [...this.#ids.keys()].slice(-MOST);
  }

  /** Mark a comment that was put on the screen, or brought up to date, if it is unread. @param {import("./comment-view.js").CommentView} view */
  shown(view) {
    const { element, shown } = view;
    if (!shown || !this.#ids.has(shown.id)) return;
    if (shown.status !== "visible" || this.#thread.isOwn(shown)) return this.#forget(shown.id);
    setAttribute(element, "data-unread", "");
    this.#observer.observe(view.entry);
  }

  /** To the next unread comment, or the one before; past those that are gone. @param {1 | -1} step */
  async move(step) {
    await this.#found;
    for (let id = this.#next(step); id; id = this.#next(step)) {
      const to = id;
      const there = await this.#thread.act((acting) => acting.goTo(to));
      if (there === null) return; // it cannot be had now, and that was said
      this.#visited.add(id);
      if (there) return this.#see(id);
      this.#forget(id);
    }
    this.#say(this.#thread.words("nothingUnread"));
  }

  /** The next from where the focus is; 0: there is none. @param {1 | -1} step @returns {number} */
  #next(step) {
    const { state, view } = this.#thread;
    const all = /** @type {HTMLElement[]} */ ([...this.#root.querySelectorAll("article[data-unread], article[data-fresh]")]);
    const isNew = (/** @type {number} */ id) => {
      const comment = state.comments.get(id); // one's own is fresh as well, and not new
      return comment !== undefined && !this.#visited.has(id) && !this.#thread.isOwn(comment);
    };
    const marked = all.filter((one) => this.#ids.has(idOf(one)) || (one.dataset["fresh"] !== undefined && isNew(idOf(one))));
    const from = this.#root.activeElement?.closest("article");
    const follows = (/** @type {Element} */ one) => from && from !== one && Boolean(from.compareDocumentPosition(one) & (step > 0 ? Node.DOCUMENT_POSITION_FOLLOWING : Node.DOCUMENT_POSITION_PRECEDING));
    const next = from ? (step > 0 ? marked.find(follows) : marked.findLast(follows)) : marked.at(step > 0 ? 0 : -1);
    // What is not loaded comes last; coming to the end, one begins again.
    return next ? idOf(next) : step > 0 ? ([...this.#ids.keys()].find((one) => !view.views.has(one)) ?? (marked[0] && marked[0] !== from ? idOf(marked[0]) : 0)) : 0;
  }

  /** Ask what was said since the last visit, and mark it. @param {number} until */
  async #find(until) {
    if (!this.#last) return;
    const { state } = this.#thread;
    for (const id of this.#last.left) this.#ids.set(id, state.comments.get(id)?.parent ?? null);
    try {
      await this.#read(this.#last.epoch, this.#last.seq, until);
    } catch {
      // What was unread before is still known; the rest is not worth a word.
    }
    const { view } = this.#thread;
    for (const id of this.#ids.keys()) {
      const shown = view.views.get(id);
      const comment = this.#thread.state.comments.get(id);
      if (comment && (comment.status !== "visible" || this.#thread.isOwn(comment))) this.#ids.delete(id);
      else if (shown) this.shown(shown);
    }
    if (this.#ids.size) await addStyle(this.#root, "unread.css");
    this.#count();
  }

  /** @param {string} epoch @param {number} since @param {number} until */
  async #read(epoch, since, until) {
    const thread = this.#thread;
    for (let page = 0; page < PAGES && since < until; page++) {
      const query = new URLSearchParams({ epoch, since: `${since}`, wait: "0" });
      const { events = [], seq = since } = await ask(thread, `/api/articles/${thread.state.article.id}/events?${query}`);
      for (const { type, comment, id, seq: at } of events) {
        if (at > until) return;
        if (comment?.status === "visible" && type !== "comment.edited" && !thread.isOwn(comment)) this.#ids.set(comment.id, comment.parent);
        else if (type === "comment.removed") this.#ids.delete(id);
      }
      if (seq <= since) return;
      since = seq;
    }
  }

  /** A passing word, where nothing else is said. @param {string} text */
  #say(text) {
    const status = this.#root.querySelector("[data-ripost=status]");
    if (!status || status.textContent) return;
    status.textContent = text;
    setTimeout(() => status.textContent === text && setText(status, ""), 4000);
  }

  /** @param {number} id */
  #see(id) {
    const entry = this.#thread.view.element(id)?.querySelector(":scope > .entry");
    if (entry) this.#observer.unobserve(entry);
    clearTimeout(this.#looking.get(id));
    this.#looking.delete(id);
    if (this.#ids.delete(id) && this.#button.isConnected) this.#count();
  }

  /** It is gone, or the reader's own. @param {number} id */
  #forget(id) {
    this.#see(id);
    this.#thread.view.element(id)?.removeAttribute("data-unread");
  }

  #count() {
    const thread = this.#thread;
    const { words, state } = thread;
    const n = this.#ids.size;
    if (!n) return this.#button.remove();
    const own = new Set(this.#last?.own);
    let mine = 0;
    for (const parent of this.#ids.values()) {
      const above = parent === null ? undefined : state.comments.get(parent);
      if (parent !== null && (own.has(parent) || (above && thread.isOwn(above)))) mine++;
    }
    const counted = words("unread", { n });
    const text = mine ? words("unreadToYou", { new: counted, n: mine }) : counted;
    setText(this.#button, text);
    setAttribute(this.#button, "aria-label", words("nextUnread", { counted: text }));
    setAttribute(this.#button, "data-count", `${n}`);
    if (!this.#button.isConnected) this.#root.querySelector("[data-ripost=pill]")?.append(this.#button);
  }
}

/** @param {Element} inside */
const idOf = (inside) => Number(/** @type {HTMLElement} */ (inside.closest("article"))?.dataset["commentId"]);
