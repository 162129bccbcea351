// @ts-check
/**
 * What a reader asks to see: what waits behind the pill, a certain comment. Loaded when they ask. Owns where the reader is
 * brought; promises that nothing moves under them that they did not ask for. What stands where is the view's own.
 */
import { Problem } from "./api.js";
import { fail } from "./failure.js";
import { put } from "./placing.js";
import { treeOrder } from "./tree-order.js";

const FAR = 20; // comments below unloaded ones that are asked for at a time, each by itself
const TURNS = 10; // so often for one press; what is left stays counted

export class Showing {
  #thread;
  #view;

  /** @param {import("./thread.js").Thread} thread */
  constructor(thread) {
    this.#thread = thread;
    this.#view = thread.view;
  }

  /** Show what waits, all of it or what is below one comment. @param {number | null} below */
  async reveal(below = null) {
    const view = this.#view;
    const thread = this.#thread;
    await thread.prepare();
    const far = await this.#bring(below);
    view.flush();
    if (!view.waiting.size && view.away !== null) return void (await this.goTo(view.away));
    const ids = treeOrder(thread.state, below === null ? undefined : [below]).filter((id) => view.waiting.has(id) || far.includes(id));
    const first = ids[0];
    if (first === undefined) {
      if (far.some((id) => thread.state.unloaded.has(id))) thread.frame.fail(thread.words("unreachable"), () => this.reveal(below));
      return;
    }
    // A reader at the top has nothing above to lose: what is new may push down what follows.
    view.away = first; // until it is known to be in sight: the button that was pressed stays, and the focus with it
    const atTop = view.frame.section.getBoundingClientRect().top >= 0;
    const show = () => {
      for (const id of ids) {
        put(view, id);
        unfold(view, id);
        view.element(id)?.setAttribute("data-fresh", "");
      }
      view.around();
    };
    if (atTop || below !== null) show();
    else view.keep(show);
    const seen = ids.find((id) => isOnScreen(view.element(id)));
    if (seen === undefined) return this.#offer(first);
    view.away = null;
    view.around();
    // What was pressed is gone.
    const root = /** @type {ShadowRoot} */ (view.frame.section.getRootNode());
    if (!root.activeElement && seen !== undefined) view.element(seen)?.focus({ preventScroll: true });
  }

  /** Load what was said below comments that are not loaded. One often brings others. @param {number | null} below @returns {Promise<number[]>} what that was about */
  async #bring(below) {
    const { state } = this.#thread;
    const far = [...state.unloaded].filter(([, above]) => below === null || above.includes(below)).map(([id]) => id);
    for (let turn = 0; turn < TURNS; turn++) {
      const missing = far.filter((id) => this.#thread.state.unloaded.has(id)).slice(0, FAR);
      if (!missing.length) break;
      const loader = await this.#thread.loader();
      const answers = await Promise.allSettled(missing.map((id) => loader.aside(id)));
      answers.forEach((answer, at) => answer.status === "rejected" && isGone(answer.reason) && this.#thread.state.unloaded.delete(missing[at] ?? 0));
      if (answers.every(({ status }) => status === "rejected")) break;
    }
    return far;
  }

  /** Let the pill lead to what it has shown out of sight, until the reader has been there. @param {number} id */
  #offer(id) {
    const view = this.#view;
    const entry = view.element(id)?.firstElementChild;
    if (!entry) return;
    const seen = new IntersectionObserver((entries) => {
      if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
      seen.disconnect();
      if (view.away === id) view.away = null;
      view.around();
    });
    seen.observe(entry);
  }

  /**
   * Bring a comment to the reader, with focus; load it if need be.
   *
   * @param {number} id
   * @returns {Promise<boolean | null>} whether there is such a comment; null: it could not be asked for, and that was said
   */
  async goTo(id) {
    const view = this.#view;
    const { state } = this.#thread;
    try {
      if (!state.comments.has(id) && !(await (await this.#thread.loader()).aside(id))) return this.#giveUp(id);
    } catch (error) {
      if (isGone(error)) return this.#giveUp(id);
      fail(this.#thread, error, () => this.goTo(id));
      return null;
    }
    if (!view.views.has(id)) await this.#thread.prepare();
    if (this.#thread.state.comments.has(id)) put(view, id);
    view.away = null;
    view.around();
    const element = view.element(id);
    if (!element) return false; // taken down while it was loaded
    unfold(view, id);
    element.setAttribute("data-fresh", "");
    const entry = /** @type {HTMLElement} */ (element.querySelector(".entry"));
    // At once, whatever the page's scroll-behavior: a long glide over a thread makes people ill.
    entry.scrollIntoView({ block: entry.offsetHeight < window.innerHeight / 2 ? "center" : "start", behavior: "instant" });
    element.focus({ preventScroll: true });
    return true;
  }

  /** There is no such comment any more: nothing leads to it. @param {number} id */
  #giveUp(id) {
    if (this.#view.away === id) this.#view.away = null;
    this.#view.around();
    return false;
  }
}

/** Open the branches that a comment stands in. @param {import("./thread-view.js").ThreadView} view @param {number} id */
export function unfold(view, id) {
  for (let at = view.element(id)?.parentElement; at; at = at.parentElement) {
    if (at.dataset["folded"] !== undefined) view.fold(Number(at.dataset["commentId"]));
  }
}

/** @param {unknown} error */
const isGone = (error) => error instanceof Problem && error.status === 404;

/** @param {HTMLElement | null} element */
function isOnScreen(element) {
  const box = element?.getBoundingClientRect();
  return box !== undefined && box.top < window.innerHeight && box.bottom > 0;
}
