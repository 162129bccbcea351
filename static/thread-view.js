// @ts-check
/**
 * The comments of a thread on the screen. Owns which comments stand in the DOM, where, and which wait behind the pill;
 * takes over the nodes the server rendered, by id. Promises that patches happen once per frame, that nothing that is
 * already there is moved or written again, and that what is being read stays where it is. Reads the state, never changes it.
 */
import { CommentView, CONTEXT, LEVELS } from "./comment-view.js";
import { setAttribute, setChild } from "./elements.js";
import { isMakerLoaded, maker } from "./maker.js";
import { keepPlace } from "./reading-place.js";
import { makeMore } from "./thread-frame.js";
import { treeOrder } from "./thread-state.js";

/** @typedef {import("./types.js").Comment} Comment @typedef {import("./thread-state.js").ThreadState} ThreadState */

/** Comments from which on the browser may leave out what is off the screen. */
const LARGE = 200;

export class ThreadView {
  #root;
  #frame;
  #options;
  /** @type {ThreadState} */
  #state;
  /** @type {Map<number, CommentView>} */
  #views = new Map();
  /** In the state, not on the screen, until the reader asks. @type {Set<number>} */
  #waiting = new Set();
  /** @type {Set<number>} */
  #folded = new Set();
  /** Branches that say they go on. @type {Set<number>} */
  #branches = new Set();
  /** @type {Set<number>} */
  #dirty = new Set();
  /** Replies waiting below a comment that is shown. @type {Map<number, number>} */
  #announced = new Map();
  /** Shown last by the pill and out of sight. @type {number | null} */
  #away = null;
  #frameAsked = 0;

  /**
   * @param {ShadowRoot} root @param {import("./thread-frame.js").ThreadFrame} frame @param {ThreadState} state
   * @param {object} options
   * @param {import("./words.js").Words} options.words
   * @param {import("./clock.js").Clock} options.clock
   * @param {(query: Record<string, string>) => string} options.link  the page with this query
   * @param {(comment: Comment) => boolean} options.editable
   * @param {() => Promise<void>} options.prepare  load what makes comments
   */
  constructor(root, frame, state, options) {
    this.#root = root;
    this.#frame = frame;
    this.#state = state;
    this.#options = options;
    for (const element of /** @type {NodeListOf<HTMLElement>} */ (frame.section.querySelectorAll("article[data-comment-id]"))) {
      const id = Number(element.dataset["commentId"]);
      if (state.comments.has(id)) this.#views.set(id, new CommentView(id, element));
      else element.remove();
    }
    this.#all();
  }

  /** Show another state of the same thread; `hold` keeps what was not there before behind the pill. @param {ThreadState} state @param {(id: number) => boolean} hold */
  replace(state, hold) {
    this.#state = state;
    this.#away = null;
    this.#waiting.clear();
    for (const id of state.comments.keys()) if (!this.#views.has(id) && hold(id)) this.#waiting.add(id);
    this.#keep(() => {
      for (const id of this.#views.keys()) if (!state.comments.has(id)) this.#remove(id);
      this.#all();
    });
  }

  /** Patch these comments in the next frame. @param {Iterable<number>} ids */
  update(ids) {
    for (const id of ids) this.#dirty.add(id);
    // A hidden tab has no frames; it is patched when it is looked at.
    this.#frameAsked ||= requestAnimationFrame(() => this.flush());
  }

  /** Every comment anew: something they all depend on has changed. */
  updateAll() {
    this.update(this.#views.keys());
  }

  /** Let a comment that has just come wait behind the pill. @param {number} id */
  hold(id) {
    if (!this.#views.has(id)) this.#waiting.add(id);
  }

  /** Patch now what is to be patched. */
  flush() {
    cancelAnimationFrame(this.#frameAsked);
    this.#frameAsked = 0;
    const dirty = [...this.#dirty];
    if (!isMakerLoaded() && dirty.some((id) => this.#mustMake(id))) return void this.#options.prepare().then(() => this.flush(), () => null);
    this.#dirty.clear();
    this.#keep(() => {
      for (const id of dirty) {
        if (!this.#state.comments.has(id)) this.#remove(id);
        else if (this.#views.has(id)) this.#showNamed(id);
        else if (!this.#waits(id)) this.#reveal(id);
      }
      this.#around();
    });
  }

  /** @param {number} id */
  #mustMake(id) {
    const comment = this.#state.comments.get(id);
    return comment !== undefined && (this.#views.get(id)?.isAnother(comment) ?? !this.#waits(id));
  }

  /** Show what waits, all of it or what is below one comment. @param {number | null} below */
  async reveal(below = null) {
    await this.#options.prepare();
    this.flush();
    if (!this.#waiting.size && this.#away !== null) return this.goTo(this.#away);
    const ids = treeOrder(this.#state, below === null ? undefined : [below]).filter((id) => this.#waiting.has(id));
    const first = ids[0];
    if (first === undefined) return;
    // A reader at the top has nothing above to lose: what is new may push down what follows.
    const atTop = this.#frame.section.getBoundingClientRect().top >= 0;
    const show = () => {
      for (const id of ids) {
        this.#reveal(id);
        this.#views.get(id)?.element.setAttribute("data-fresh", "");
      }
      this.#around();
    };
    if (atTop || below !== null) show();
    else this.#keep(show);
    if (!ids.some((id) => isOnScreen(this.#views.get(id)?.element))) this.#offer(first);
    this.#frame.pill(this.#waiting.size, this.#away !== null);
  }

  /** Let the pill lead to what it has shown out of sight, until the reader has been there. @param {number} id */
  #offer(id) {
    this.#away = id;
    const seen = new IntersectionObserver((entries) => {
      if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
      seen.disconnect();
      if (this.#away === id) this.#away = null;
      this.#around();
    });
    const entry = this.#views.get(id)?.element.firstElementChild;
    if (entry) seen.observe(entry);
  }

  /** Bring a comment to the reader, with focus. @param {number} id */
  async goTo(id) {
    if (!this.#views.has(id)) await this.#options.prepare();
    if (this.#state.comments.has(id)) this.#reveal(id);
    this.#away = null;
    this.#around();
    const element = this.#views.get(id)?.element;
    if (!element) return;
    for (let at = element.parentElement; at; at = at.parentElement) {
      if (at.dataset["folded"] !== undefined) this.fold(Number(at.dataset["commentId"]));
    }
    element.setAttribute("data-fresh", "");
    const entry = /** @type {HTMLElement} */ (element.querySelector(".entry"));
    // At once, whatever the page's scroll-behavior: a long glide over a thread makes people ill.
    entry.scrollIntoView({ block: entry.offsetHeight < window.innerHeight / 2 ? "center" : "start", behavior: "instant" });
    element.focus({ preventScroll: true });
  }

  /** Fold a branch, or unfold it. @param {number} id */
  fold(id) {
    const folded = !this.#folded.delete(id);
    if (folded) this.#folded.add(id);
    this.#views.get(id)?.fold(folded, this.#options.words);
  }

  /** The article of a comment that is shown. @param {number} id */
  element(id) {
    return this.#views.get(id)?.element ?? null;
  }

  /** Let go of a removed comment that was kept for the reply being written to it. @param {number} id */
  release(id) {
    if (!this.#state.comments.has(id)) this.update([id]);
  }

  /** Whether a comment is shown on the screen of this thread already. @param {number} id */
  has(id) {
    return this.#views.has(id);
  }

  get size() {
    return this.#views.size;
  }

  #all() {
    for (const id of treeOrder(this.#state)) {
      if (this.#waits(id)) continue;
      if (!this.#views.has(id)) {
        if (!isMakerLoaded()) {
          this.update([id]);
          continue;
        }
        this.#views.set(id, new CommentView(id));
      }
      this.#show(id);
      if (isMakerLoaded()) this.#place(id); // what the server rendered stands where it belongs
    }
    this.#around();
  }

  /** @param {() => void} change */
  #keep(change) {
    keepPlace(this.#root, this.#frame.feed, change);
  }

  /** Whether the comment, or one above it that is not shown, waits behind the pill. @param {number} id */
  #waits(id) {
    /** @type {number | null | undefined} */
    let at = id;
    while (at != null && !this.#views.has(at)) {
      if (this.#waiting.has(at)) return true;
      at = this.#state.comments.get(at)?.parent;
    }
    return false;
  }

  /** Put a comment on the screen, and those above it first. @param {number} id */
  #reveal(id) {
    const path = [];
    /** @type {number | null | undefined} */
    let at = id;
    while (at != null && !this.#views.has(at)) {
      path.push(at);
      at = this.#state.comments.get(at)?.parent;
    }
    for (const one of path.reverse()) {
      this.#waiting.delete(one);
      this.#views.set(one, new CommentView(one));
      this.#show(one);
      this.#place(one);
    }
  }

  /** @param {number} id */
  #show(id) {
    const { comments, article } = this.#state;
    const comment = /** @type {Comment} */ (comments.get(id));
    const { words, clock, link, editable } = this.#options;
    const parent = comment.parent === null ? undefined : comments.get(comment.parent);
    this.#views.get(id)?.show(comment, {
      words,
      clock,
      parent,
      closed: article.state === "closed",
      editable: editable(comment),
      vote: this.#state.viewer?.votes?.[id] ?? 0,
      link: (target) => link({ comment: `${target}` }),
    });
  }

  /** Show a comment, and the deep replies that say whom they answer. @param {number} id */
  #showNamed(id) {
    this.#show(id);
    if ((this.#state.comments.get(id)?.depth ?? 0) < CONTEXT) return;
    for (const reply of this.#state.children.get(id) ?? []) if (this.#views.has(reply)) this.#show(reply);
  }

  /** @param {number} id */
  #remove(id) {
    this.#waiting.delete(id);
    this.#folded.delete(id);
    const view = this.#views.get(id);
    if (!view) return;
    // A reply is being written to it: the text outlives the comment, which stays as a tombstone for as long.
    if (view.element.querySelector(":scope > .entry > form")) return view.bury(this.#options);
    const above = view.element.parentElement?.closest("article") ?? this.#frame.section;
    const focused = view.element.contains(this.#root.activeElement);
    this.#views.delete(id);
    view.element.remove();
    const parent = above instanceof HTMLElement ? Number(above.dataset["commentId"]) : NaN;
    this.#views.get(parent)?.trim();
    if (focused && above instanceof HTMLElement) {
      if (!above.hasAttribute("tabindex")) above.tabIndex = -1;
      above.focus({ preventScroll: true });
    }
  }

  /** Put an element where it belongs, unless it is there. @param {number} id */
  #place(id) {
    maker().place(id, this.#views, this.#state, this.#frame, this.#options.words);
  }

  /** What depends on the whole: frame, pill, folded counts, branches that go on. */
  #around() {
    const state = this.#state;
    const { words, link } = this.#options;
    const later = this.#frame.later(false);
    // A page that was loaded may have closed the distance to some of them.
    if (later) for (const article of [...later.children]) this.#place(Number(/** @type {HTMLElement} */ (article).dataset["commentId"]));
    if (later && !later.firstElementChild) later.remove();
    for (const id of this.#folded) this.#views.get(id)?.fold(true, words);
    for (const id of this.#branches) {
      if (state.branches.has(id)) continue;
      this.#views.get(id)?.element.querySelector(":scope > .replies > .more")?.remove();
      this.#branches.delete(id);
    }
    for (const [id, cursor] of state.branches) {
      const view = this.#views.get(id);
      if (!view) continue;
      this.#branches.add(id);
      const replies = view.replies(words);
      setChild(replies, ".more", true, () => makeMore("more-replies", words("moreReplies"), { branch: `${id}` }));
      const anchor = replies.querySelector(":scope > .more > a");
      if (anchor) setAttribute(anchor, "href", link({ comment: `${id}`, cursor }));
    }
    if (this.#views.size > LARGE) setAttribute(this.#frame.feed, "data-large", "");
    const waiting = this.#countWaiting();
    this.#frame.show(state, this.#views.size, link);
    this.#frame.pill(waiting, this.#away !== null);
  }

  #countWaiting() {
    const announced = /** @type {Map<number, number>} */ (new Map());
    let total = 0;
    for (const id of this.#waiting) {
      const comment = this.#state.comments.get(id);
      if (!comment) this.#waiting.delete(id);
      if (comment?.status !== "visible") continue;
      total++;
      /** @type {number | null | undefined} */
      let at = comment.parent;
      while (at != null && !this.#views.has(at)) at = this.#state.comments.get(at)?.parent;
      if (at != null) announced.set(at, (announced.get(at) ?? 0) + 1);
    }
    for (const id of new Set([...this.#announced.keys(), ...announced.keys()])) {
      this.#views.get(id)?.announce(announced.get(id) ?? 0, this.#options.words);
    }
    this.#announced = announced;
    return total;
  }
}

/** @param {HTMLElement | undefined} element */
function isOnScreen(element) {
  const box = element?.getBoundingClientRect();
  return box !== undefined && box.top < window.innerHeight && box.bottom > 0;
}
