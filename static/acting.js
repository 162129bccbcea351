// @ts-check
/**
 * What a reader does by hand: the presses, links and keys of a thread, and what each of them needs. Loaded by the first
 * of them, by the first word that is typed, or for drafts that are there already. Owns the composer, the controls and the
 * marks of what is unread, each loaded when it is used; knows nothing of how they work.
 */
import { setAttribute, setText } from "./elements.js";
import { keepTrying, loadModule } from "./keep-trying.js";
import { moderates } from "./rights.js";
import { Showing } from "./showing.js";
import { addStyle } from "./styles.js";
import { loadWords } from "./words.js";

export class Acting {
  #thread;
  /** @type {Promise<import("./own-comments.js").OwnComments> | null} */
  #own = null;
  /** @type {Promise<import("./composer.js").Composer> | null} */
  #composer = null;
  /** @type {Promise<import("./controls.js").Controls> | null} */
  #controls = null;
  /** @type {import("./unread.js").Unread | null} */
  #unread = null;
  #submitted = false; // something was sent before the composer was loaded

  /** @param {import("./thread.js").Thread} thread */
  constructor(thread) {
    this.#thread = thread;
    this.showing = new Showing(thread);
    void addStyle(thread.root, "acting.css");
  }

  /**
   * For a reader who was here before, or comes for something: what is theirs, what is new, what they were writing.
   *
   * @param {number} linked  the comment that a shared link is about; 0: none @param {boolean} writing @param {boolean} unread
   */
  async begin(linked, writing, unread) {
    const thread = this.#thread;
    const { token, store } = thread;
    await Promise.allSettled([linked && this.showing.goTo(linked), (token || store.own.length) && this.knowOwn(), token && thread.loader().then((loader) => loader.knowViewer()), writing && this.composer()]);
    if (unread) void this.unread(thread.last);
    const staff = moderates(thread);
    // Who moderates writes under the name they moderate under.
    if (staff) thread.member ??= thread.token;
    this.check();
    if (staff) void this.controls();
  }

  /** Tell one's own comments, and which of them can be changed. */
  async knowOwn() {
    const thread = this.#thread;
    this.#own ??= keepTrying(loadModule("./own-comments.js"), thread.signal, () => null).then(({ OwnComments }) => (thread.own = new OwnComments(thread)));
    await this.#own;
    // An answer to them may have come before they were known.
    thread.view.unhold((comment) => thread.showsAtOnce(comment));
    thread.view.updateAll();
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
      retry: () => this.#thread.loader().then((loader) => loader.retry()),
      replay: () => import("./replay.js").then(({ openReplay }) => openReplay(this.#thread, target)).catch(() => this.#thread.frame.fail(this.#thread.words("unreachable"))),
    };
    if (Object.hasOwn(acts, act)) acts[act]?.();
  }

  /** Let nothing change by itself, or everything as it comes again, beginning with what was missed. @param {HTMLElement} button */
  #pause(button) {
    const { clock, connection, words } = this.#thread;
    clock.paused = button.getAttribute("aria-pressed") !== "true";
    connection.pause(clock.paused);
    setAttribute(button, "aria-pressed", `${clock.paused}`);
    setText(button, clock.paused ? words("paused") : "");
  }

  /** Posting, editing and drafts; the server may be away for a moment. @returns {Promise<import("./composer.js").Composer>} */
  composer() {
    const thread = this.#thread;
    this.#composer ??= keepTrying(async (tries) => {
      /** @type {[typeof import("./composer.js"), ...unknown[]]} */
      const [{ Composer }] = await Promise.all([loadModule("./composer.js")(tries), thread.prepare(), this.knowOwn()]);
      thread.view.update([]);
      return new Composer(thread);
    }, this.#thread.signal, () => this.#submitted && this.#thread.frame.fail(thread.words("waiting")));
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
      /** @type {[typeof import("./controls.js"), {words: import("./words.js").Words}]} */
      const [{ Controls }, { words }] = await Promise.all([loadModule("./controls.js")(tries), loadWords(thread.language, "more-", thread.words)]);
      return new Controls(thread, words);
    }, this.#thread.signal, () => this.#thread.frame.fail(thread.words("unreachable")));
    return this.#controls;
  }

  /** What is new since the last visit. @param {import("./types.js").Visit | null} [last] */
  async unread(last = null) {
    const { Unread } = await import("./unread.js");
    return (this.#unread ??= new Unread(this.#thread, last));
  }

  /** A key that leads to what is unread, unless it is the browser's or the page wants none. @param {KeyboardEvent} event */
  press({ key, ctrlKey, metaKey, altKey }) {
    if (!ctrlKey && !metaKey && !altKey && this.#thread.host.getAttribute("keys") !== "off") return this.step(key === "n" ? 1 : -1);
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
