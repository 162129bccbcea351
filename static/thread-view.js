// @ts-check
/**
 * The comments of a thread on the screen. Owns which comments stand in the DOM, and which wait behind the pill; takes over
 * the nodes the server rendered, by id. Promises that patches happen once per frame, that nothing that is already there is
 * moved or written again, and that what is being read stays where it is. Reads the state, never changes it.
 */
import { CommentView } from "./comment-view.js";
import { isMakerLoaded, maker } from "./maker.js";
import { keepPlace } from "./reading-place.js";
import { isClosed } from "./thread-state.js";

/** @typedef {import("./types.js").Comment} Comment @typedef {import("./thread-state.js").ThreadState} ThreadState */

export class ThreadView {
  #root;
  /** @type {Map<number, CommentView>} */
  views = new Map();
  /** In the state, not on the screen, until the reader asks. @type {Set<number>} */
  waiting = new Set();
  /** @type {Set<number>} */
  #folded = new Set();
  /** Branches that say they go on, and from where; "" as the server rendered it. @type {Map<number, string>} */
  branches;
  /** @type {Set<number>} */
  #dirty = new Set();
  /** Replies waiting below a comment that is shown. @type {Map<number, number>} */
  #announced = new Map();
  /** Shown last by the pill and out of sight. @type {number | null} */
  away = null;
  #frameAsked = 0;
  numbered = true; // every top-level comment says where it stands

  /**
   * @param {ShadowRoot} root @param {import("./thread-frame.js").ThreadFrame} frame @param {ThreadState} state
   * @param {object} options
   * @param {import("./words.js").Words} options.words
   * @param {import("./clock.js").Clock} options.clock
   * @param {(query: Record<string, string>) => string} options.link  the page with this query
   * @param {(view: CommentView) => void} options.shown  told of every comment that was brought up to date
   * @param {() => Promise<void>} options.prepare  load what makes comments
   */
  constructor(root, frame, state, options) {
    this.#root = root;
    this.frame = frame;
    this.state = state;
    this.options = options;
    this.branches = new Map([...state.branches.keys()].map((id) => [id, ""]));
    for (const element of /** @type {NodeListOf<HTMLElement>} */ (frame.section.querySelectorAll("article[data-comment-id]"))) {
      const comment = state.comments.get(Number(element.dataset["commentId"]));
      if (comment) this.views.set(comment.id, new CommentView(element, comment));
      else element.remove();
    }
    for (const time of frame.section.querySelectorAll("time")) options.clock.keep(time);
  }

  /** Show what is not shown yet, and what depends on the whole. */
  complete() {
    for (const id of this.state.comments.keys()) if (!this.views.has(id)) this.#dirty.add(id);
    this.flush();
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
    const dirty = this.#dirty;
    this.#dirty = new Set(); // what cannot be shown before there is something to make it with
    this.keep(() => {
      for (const id of dirty) {
        const comment = this.state.comments.get(id);
        if (!comment) this.remove(id);
        else if (!isMakerLoaded() && (this.views.get(id)?.isAnother(comment) ?? !this.#waits(id))) this.#dirty.add(id);
        else if (this.views.has(id)) this.#showNamed(id);
        else if (this.#waits(id)) this.waiting.add(id); // with what it stands below
        else maker().put(this, id);
      }
      this.around();
    });
    if (this.#dirty.size) this.options.prepare().then(() => this.flush(), () => null);
  }

  /** Fold a branch, or unfold it. @param {number} id */
  fold(id) {
    const folded = !this.#folded.delete(id);
    if (folded) this.#folded.add(id);
    this.views.get(id)?.fold(folded, this.options.words);
  }

  /** The article of a comment that is shown. @param {number} id */
  element(id) {
    return this.views.get(id)?.element ?? null;
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

  /** Bring a comment that stands there up to date. @param {number} id */
  show(id) {
    const { comments, viewer } = this.state;
    const comment = /** @type {Comment} */ (comments.get(id));
    const view = /** @type {CommentView} */ (this.views.get(id));
    const parent = comments.get(comment.parent ?? 0);
    view.show(comment, { ...this.options, parent, closed: isClosed(this.state), vote: viewer?.votes?.[id] ?? 0 });
    this.options.shown(view);
  }

  /** Show a comment, and the replies that say whom they answer. @param {number} id */
  #showNamed(id) {
    this.show(id);
    for (const reply of this.state.children.get(id) ?? []) if (this.views.get(reply)?.isNaming) this.show(reply);
  }

  /** @param {number} id @returns {void} */
  remove(id) {
    this.waiting.delete(id);
    this.#folded.delete(id);
    if (this.away === id) this.away = null;
    const view = this.views.get(id);
    if (!view?.shown) return;
    const { element, shown } = view;
    // A reply is being written to it, or below it: the text outlives the comment, which stays as a tombstone for as long.
    if (element.querySelector("form")) {
      return view.show({ ...shown, author: null, tree: null, status: "removed", pinned: false }, { ...this.options, parent: undefined, closed: true, vote: 0 });
    }
    const above = element.parentElement?.closest("article") ?? this.frame.section;
    const focused = element.contains(this.#root.activeElement);
    this.views.delete(id);
    this.numbered = false;
    element.remove();
    const parent = Number(above.dataset["commentId"]);
    this.views.get(parent)?.trim();
    if (parent && !this.state.comments.has(parent)) return this.remove(parent);
    if (!focused) return;
    if (!above.hasAttribute("tabindex")) above.tabIndex = -1;
    above.focus({ preventScroll: true });
  }

  /** What depends on the whole: frame, pill, folded counts, links to what is not loaded. */
  around() {
    if (isMakerLoaded()) maker().settle(this);
    for (const id of this.#folded) this.views.get(id)?.fold(true, this.options.words);
    this.frame.pill(this.#countWaiting(), this.away !== null);
    this.frame.show(this.state, !(this.views.size || this.state.article.comment_count));
  }

  /** How many wait; each is counted at the nearest comment above it that is shown, too. */
  #countWaiting() {
    const { comments, unloaded } = this.state;
    const announced = /** @type {Map<number, number>} */ (new Map());
    let total = 0;
    const count = (/** @type {number | null | undefined} */ at) => {
      total++;
      if (at != null) announced.set(at, (announced.get(at) ?? 0) + 1);
    };
    for (const id of this.waiting) {
      const comment = comments.get(id);
      if (!comment) this.waiting.delete(id);
      if (comment?.status !== "visible") continue;
      /** @type {number | null | undefined} */
      let at = comment.parent;
      while (at != null && !this.views.has(at)) at = comments.get(at)?.parent;
      count(at);
    }
    for (const above of unloaded.values()) count(above.findLast((one) => this.views.has(one)));
    for (const id of new Set([...this.#announced.keys(), ...announced.keys()])) {
      this.views.get(id)?.announce(announced.get(id) ?? 0, this.options.words);
    }
    this.#announced = announced;
    return total;
  }
}
