// @ts-check
/**
 * The comments of a thread on the screen. Owns which comments stand in the DOM, where, and which wait behind the pill;
 * takes over the nodes the server rendered, by id. Promises that patches happen once per frame, that nothing that is
 * already there is moved or written again, and that what is being read stays where it is. Reads the state, never changes it.
 */
import { CommentView } from "./comment-view.js";
import { childOf, setAttribute, setChild } from "./elements.js";
import { isMakerLoaded, maker } from "./maker.js";
import { CONTEXT } from "./nesting.js";
import { keepPlace } from "./reading-place.js";
import { makeMore } from "./thread-frame.js";
import { isClosed, treeOrder } from "./thread-state.js";

/** @typedef {import("./types.js").Comment} Comment @typedef {import("./thread-state.js").ThreadState} ThreadState */

export class ThreadView {
  #root;
  frame;
  #options;
  /** @type {ThreadState} */
  state;
  /** @type {Map<number, CommentView>} */
  views = new Map();
  /** In the state, not on the screen, until the reader asks. @type {Set<number>} */
  waiting = new Set();
  /** @type {Set<number>} */
  #folded = new Set();
  /** Branches that say they go on, and from where; "" as the server rendered it. @type {Map<number, string>} */
  #branches = new Map();
  /** @type {Set<number>} */
  #dirty = new Set();
  /** Replies waiting below a comment that is shown. @type {Map<number, number>} */
  #announced = new Map();
  /** Shown last by the pill and out of sight. @type {number | null} */
  away = null;
  #frameAsked = 0;
  #numbered = true; // every top-level comment says where it stands

  /**
   * @param {ShadowRoot} root @param {import("./thread-frame.js").ThreadFrame} frame @param {ThreadState} state
   * @param {object} options
   * @param {import("./wording.js").Words} options.words
   * @param {import("./clock.js").Clock} options.clock
   * @param {(query: Record<string, string>) => string} options.link  the page with this query
   * @param {(comment: Comment) => boolean} options.editable
   * @param {() => Promise<void>} options.prepare  load what makes comments
   */
  constructor(root, frame, state, options) {
    this.#root = root;
    this.frame = frame;
    this.state = state;
    this.#options = options;
    for (const element of /** @type {NodeListOf<HTMLElement>} */ (frame.section.querySelectorAll("article[data-comment-id]"))) {
      const id = Number(element.dataset["commentId"]);
      if (state.comments.has(id)) this.views.set(id, new CommentView(id, element));
      else element.remove();
    }
    this.all();
  }

  /** Patch these comments in the next frame. @param {Iterable<number>} ids */
  update(ids) {
    for (const id of ids) this.#dirty.add(id);
    // A hidden tab has no frames; it is patched when it is looked at.
    this.#frameAsked ||= requestAnimationFrame(() => this.flush());
  }

  /** Every comment anew: something they all depend on has changed. */
  updateAll() {
    this.update(this.views.keys());
  }

  /** Let a comment that has just come wait behind the pill. @param {number} id */
  hold(id) {
    if (!this.views.has(id)) this.waiting.add(id);
  }

  /** Patch now what is to be patched. */
  flush() {
    cancelAnimationFrame(this.#frameAsked);
    this.#frameAsked = 0;
    const dirty = [...this.#dirty];
    if (!isMakerLoaded() && dirty.some((id) => this.#mustMake(id))) return void this.#options.prepare().then(() => this.flush(), () => null);
    this.#dirty.clear();
    this.keep(() => {
      for (const id of dirty) {
        if (!this.state.comments.has(id)) this.remove(id);
        else if (this.views.has(id)) this.#showNamed(id);
        else if (!this.#waits(id)) this.put(id);
      }
      this.around();
    });
  }

  /** @param {number} id */
  #mustMake(id) {
    const comment = this.state.comments.get(id);
    return comment !== undefined && (this.views.get(id)?.isAnother(comment) ?? !this.#waits(id));
  }

  /** Fold a branch, or unfold it. @param {number} id */
  fold(id) {
    const folded = !this.#folded.delete(id);
    if (folded) this.#folded.add(id);
    this.views.get(id)?.fold(folded, this.#options.words);
  }

  /** The article of a comment that is shown. @param {number} id */
  element(id) {
    return this.views.get(id)?.element ?? null;
  }

  /** Show those that wait although they need not. @param {(comment: Comment) => boolean} atOnce */
  unhold(atOnce) {
    for (const id of this.waiting) {
      const comment = this.state.comments.get(id);
      if (comment && atOnce(comment) && this.waiting.delete(id)) this.update([id]);
    }
  }

  /** Let go of a removed comment that was kept for the reply being written to it. @param {number} id */
  release(id) {
    if (!this.state.comments.has(id)) this.update([id]);
  }

  /** Whether a comment is shown on the screen of this thread already. @param {number} id */
  has(id) {
    return this.views.has(id);
  }

  get size() {
    return this.views.size;
  }

  all() {
    for (const id of treeOrder(this.state)) {
      if (this.#waits(id)) continue;
      if (!this.views.has(id)) {
        if (!isMakerLoaded()) {
          this.update([id]);
          continue;
        }
        this.views.set(id, new CommentView(id));
        this.#numbered = false;
      }
      this.#show(id);
      if (isMakerLoaded()) this.#place(id); // what the server rendered stands where it belongs
    }
    this.around();
  }

  /** @param {() => void} change */
  keep(change) {
    keepPlace(this.#root, this.frame.feed, change);
  }

  /** Whether the comment, or one above it that is not shown, waits behind the pill. @param {number} id */
  #waits(id) {
    /** @type {number | null | undefined} */
    let at = id;
    while (at != null && !this.views.has(at)) {
      if (this.waiting.has(at)) return true;
      at = this.state.comments.get(at)?.parent;
    }
    return false;
  }

  /** Put a comment on the screen, and those above it first. @param {number} id */
  put(id) {
    const path = [];
    /** @type {number | null | undefined} */
    let at = id;
    while (at != null && !this.views.has(at)) {
      path.push(at);
      at = this.state.comments.get(at)?.parent;
    }
    for (const one of path.reverse()) {
      this.waiting.delete(one);
      this.views.set(one, new CommentView(one));
      this.#show(one);
      this.#place(one);
      this.#numbered = false;
    }
  }

  /** @param {number} id */
  #show(id) {
    const { comments } = this.state;
    const comment = /** @type {Comment} */ (comments.get(id));
    const { words, clock, link, editable } = this.#options;
    const parent = comment.parent === null ? undefined : comments.get(comment.parent);
    this.views.get(id)?.show(comment, {
      words,
      clock,
      parent,
      closed: isClosed(this.state),
      editable: editable(comment),
      vote: this.state.viewer?.votes?.[id] ?? 0,
      link: (target) => link({ comment: `${target}` }),
    });
  }

  /** Show a comment, and the deep replies that say whom they answer. @param {number} id */
  #showNamed(id) {
    this.#show(id);
    if ((this.state.comments.get(id)?.depth ?? 0) < CONTEXT) return;
    for (const reply of this.state.children.get(id) ?? []) if (this.views.has(reply)) this.#show(reply);
  }

  /** @param {number} id */
  remove(id) {
    this.waiting.delete(id);
    this.#folded.delete(id);
    const view = this.views.get(id);
    if (!view) return;
    // A reply is being written to it: the text outlives the comment, which stays as a tombstone for as long.
    if (view.element.querySelector(":scope > .entry > form")) return maker().bury(view, this.#options);
    const above = view.element.parentElement?.closest("article") ?? this.frame.section;
    const focused = view.element.contains(this.#root.activeElement);
    this.views.delete(id);
    this.#numbered = false;
    view.element.remove();
    const parent = above instanceof HTMLElement ? Number(above.dataset["commentId"]) : NaN;
    this.views.get(parent)?.trim();
    if (focused && above instanceof HTMLElement) {
      if (!above.hasAttribute("tabindex")) above.tabIndex = -1;
      above.focus({ preventScroll: true });
    }
  }

  /** Put an element where it belongs, unless it is there. @param {number} id */
  #place(id) {
    maker().place(id, this.views, this.state, this.frame, this.#options.words);
  }

  /** What depends on the whole: frame, pill, folded counts, branches that go on. */
  around() {
    const state = this.state;
    const { words, link } = this.#options;
    const later = this.frame.later;
    // A page that was loaded may have closed the distance to some of them.
    if (later) for (const article of [...later.children]) this.#place(Number(/** @type {HTMLElement} */ (article).dataset["commentId"]));
    if (later && !later.firstElementChild) later.remove();
    for (const id of this.#folded) this.views.get(id)?.fold(true, words);
    for (const id of this.#branches.keys()) {
      if (state.branches.has(id)) continue;
      this.views.get(id)?.element.querySelector(":scope > .replies > .more")?.remove();
      this.#branches.delete(id);
    }
    for (const [id, cursor] of state.branches) {
      const view = this.views.get(id);
      if (!view || this.#branches.get(id) === cursor) continue;
      this.#branches.set(id, isMakerLoaded() ? cursor : "");
      if (!isMakerLoaded()) continue;
      const replies = maker().repliesOf(view, words);
      setChild(replies, ".more", true, () => makeMore("more-replies", words("moreReplies"), { branch: `${id}` }));
      const anchor = childOf(replies, ".more")?.firstElementChild;
      if (anchor) setAttribute(anchor, "href", link({ comment: `${id}`, cursor }));
    }
    if (!this.#numbered && isMakerLoaded()) {
      maker().number(state, this.views);
      this.#numbered = true;
    }
    const waiting = this.#countWaiting();
    this.frame.show(state, this.views.size, link);
    this.frame.pill(waiting, this.away !== null);
  }

  #countWaiting() {
    const announced = /** @type {Map<number, number>} */ (new Map());
    let total = 0;
    for (const id of this.waiting) {
      const comment = this.state.comments.get(id);
      if (!comment) this.waiting.delete(id);
      if (comment?.status !== "visible") continue;
      total++;
      /** @type {number | null | undefined} */
      let at = comment.parent;
      while (at != null && !this.views.has(at)) at = this.state.comments.get(at)?.parent;
      if (at != null) announced.set(at, (announced.get(at) ?? 0) + 1);
    }
    for (const above of this.state.unloaded.values()) {
      const at = above.findLast((one) => this.views.has(one));
      if (at === undefined) continue;
      total++;
      announced.set(at, (announced.get(at) ?? 0) + 1);
    }
    for (const id of new Set([...this.#announced.keys(), ...announced.keys()])) {
      this.views.get(id)?.announce(announced.get(id) ?? 0, this.#options.words);
    }
    this.#announced = announced;
    return total;
  }
}
