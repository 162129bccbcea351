// @ts-check
/**
 * What a reader does by hand: the presses, links and keys of a thread, and what each of them needs. Loaded by the first
 * of them, by the first word that is typed, or for drafts that are there already. Owns the composer, the controls and the
 * marks of what is unread, each loaded when it is used; knows nothing of how they work.
 */
import { setAttribute, setText } from "./elements.js";
import { keepTrying } from "./keep-trying.js";
import { Showing } from "./showing.js";
import { addEnglish } from "./wording.js";

export class Acting {
  #thread;
  #root;
  #frame;
  #signal;
  /** @type {Promise<import("./composer.js").Composer> | null} */
  #composer = null;
  /** @type {Promise<import("./controls.js").Controls> | null} */
  #controls = null;
  /** @type {import("./unread.js").Unread | null} */
  #unread = null;
  #submitted = false; // something was sent before the composer was loaded

  /** @param {import("./thread.js").Thread} thread @param {ShadowRoot} root @param {import("./thread-frame.js").ThreadFrame} frame @param {AbortSignal} signal */
  constructor(thread, root, frame, signal) {
    addEnglish({ paused: "Paused" });
    this.#thread = thread;
    this.#root = root;
    this.#frame = frame;
    this.#signal = signal;
    this.showing = new Showing(thread);
  }

  /** Carry out what a button or link of the thread is for. @param {HTMLElement} target */
  act(target) {
    const { showing } = this;
    const { ripost: act = "", sort = "oldest" } = target.dataset;
    const id = Number(/** @type {HTMLElement | null} */ (target.closest("article"))?.dataset["commentId"]);
    const control = () => this.controls().then((controls) => controls.act(act, id, target));
    const more = () => this.#thread.loader().then((loader) => loader.more(target));
    /** @type {Record<string, () => unknown>} */
    const acts = {
      reply: () => this.compose("reply", id),
      edit: () => this.compose("edit", id),
      delete: () => this.compose("remove", id),
      up: control,
      down: control,
      options: control,
      new: () => showing.reveal(),
      "new-replies": () => showing.reveal(id),
      "next-unread": () => this.step(1),
      more,
      "more-replies": more,
      sort: () => this.#thread.loader().then((loader) => loader.reorder(sort)),
      pause: () => this.#pause(target),
      replay: () => import("./replay.js").then(({ openReplay }) => openReplay(this.#thread, this.#root, target, this.#signal)).catch(() => this.#frame.fail(this.#thread.words("unreachable"))),
    };
    if (Object.hasOwn(acts, act)) acts[act]?.();
  }

  /** Let nothing change by itself, or everything as it comes again, beginning with what was missed. @param {HTMLElement} button */
  #pause(button) {
    const { clock, connection, words } = this.#thread;
    clock.paused = button.getAttribute("aria-pressed") !== "true";
    connection?.pause(clock.paused);
    setAttribute(button, "aria-pressed", `${clock.paused}`);
    setText(button, clock.paused ? words("paused") : "");
  }

  /** Posting, editing and drafts; the server may be away for a moment. @returns {Promise<import("./composer.js").Composer>} */
  composer() {
    const thread = this.#thread;
    // Another query each time, since browsers remember a module that failed to load.
    this.#composer ??= keepTrying(async (tries) => {
      /** @type {[typeof import("./composer.js"), ...unknown[]]} */
      const [{ Composer }] = await Promise.all([tries ? import(`./composer.js?again=${tries}`) : import("./composer.js"), thread.prepare(), thread.knowOwn(), thread.here()]);
      thread.view.update([]);
      return new Composer(thread, this.#signal);
    }, this.#signal, () => this.#submitted && this.#frame.fail(thread.words("waiting")));
    return this.#composer;
  }

  /** @param {"reply" | "edit" | "remove"} act @param {number} id */
  async compose(act, id) {
    await (await this.composer())[act](id);
  }

  /** @param {HTMLFormElement} form */
  async submit(form) {
    this.#submitted = true;
    (await this.composer()).submit(form);
  }

  /** Something has changed that what is being written may depend on. */
  check() {
    void this.#composer?.then((composer) => composer.check());
  }

  /** Votes, reports and what moderators do. @returns {Promise<import("./controls.js").Controls>} */
  controls() {
    const thread = this.#thread;
    this.#controls ??= keepTrying(async (tries) => {
      /** @type {typeof import("./controls.js")} */
      const { Controls } = await (tries ? import(`./controls.js?again=${tries}`) : import("./controls.js"));
      return new Controls(thread, this.#root, this.#signal);
    }, this.#signal, () => this.#frame.fail(thread.words("unreachable")));
    return this.#controls;
  }

  /** What is new since the last visit. @param {import("./types.js").Visit | null} [last] */
  async unread(last = null) {
    const { Unread } = await import("./unread.js");
    return (this.#unread ??= new Unread(this.#thread, this.#root, last, this.#signal));
  }

  /** To the next comment that is unread, or the one before. @param {1 | -1} by */
  async step(by) {
    await (await this.unread()).move(by);
  }

  /** Comments that are still unread. @returns {number[] | undefined}  undefined: nobody has looked */
  get left() {
    return this.#unread?.left;
  }
}
