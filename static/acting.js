// @ts-check
/**
 * What a reader does by hand: the presses, links and keys of a thread, and what each of them needs. Loaded by the first
 * of them, by the first word that is typed, or for drafts that are there already. Owns the composer, the controls, the
 * marks of what is unread and the way to a comment, each loaded when it is used; knows nothing of how they work.
 */
import { childOf, makePart, setAttribute, setText } from "./elements.js";
import { keepTrying, loadModule } from "./keep-trying.js";
import { begin } from "./revising.js";
import { moderates } from "./rights.js";
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
  /** @type {Promise<import("./showing.js").Showing> | null} */
  #showing = null;
  /** @type {Promise<import("./unread.js").Unread> | null} */
  #marking = null;
  /** @type {import("./unread.js").Unread | null} */
  #unread = null;
  /** The last visit, if there is something new since then. @type {import("./types.js").Visit | null} */
  #last = null;
  #seq; // the position at which this visit began
  #missed = 0; // so often the replay could not be loaded
  #submitted = false; // something was sent before the composer was loaded

  /** @param {import("./thread.js").Thread} thread */
  constructor(thread) {
    this.#thread = thread;
    this.#seq = thread.state.seq;
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
    if (unread) this.#last = thread.last;
    const known = (token || store.own.length) && this.knowOwn().then(() => thread.connection.listenPersonally());
    // The server may take long to say who that is; the rest does not wait for it.
    if (token) void thread.loader().then((loader) => loader.knowViewer()).then(() => this.#moderate(), () => null);
    if (unread) void this.unread();
    await Promise.allSettled([linked && this.goTo(linked).then((found) => (found === false ? this.#sayGone() : undefined)), known, writing && this.composer()]);
    this.check();
  }

  /** There is no comment any more where a shared link leads: the reader is brought to where that is said. */
  async #sayGone() {
    const { frame, language, words } = this.#thread;
    const { words: more } = await loadWords(language, "more-", words);
    const note = makePart("p", "note", { "data-ripost": "gone", role: "status" });
    childOf(frame.section, ".header")?.after(note);
    setText(note, more("linkGone")); // what was there before it speaks is heard
    note.scrollIntoView({ block: "center", behavior: "instant" });
  }

  /** What depends on who reads here; a desk for those who decide about what others write. */
  #moderate() {
    const thread = this.#thread;
    const staff = moderates(thread);
    // Who moderates writes under the name they moderate under.
    if (staff) thread.member ??= thread.token;
    this.check();
    if (staff) void this.controls();
    if (staff) void this.composer(); // says so
  }

  /** What is loaded when it is needed, for as long as that takes. @param {(tries: number) => Promise<any>} load */
  async #need(load) {
    const { frame, signal, view, words } = this.#thread;
    let failed = false;
    const loaded = await keepTrying(load, signal, () => {
      failed = true;
      frame.fail(words("unreachable"));
    });
    if (failed) view.around();
    return loaded;
  }

  /** Tell one's own comments, and which of them can be changed. */
  async knowOwn() {
    const thread = this.#thread;
    this.#own ??= keepTrying(loadModule("./own-comments.js"), thread.signal, () => null).then(({ OwnComments }) => (thread.own = new OwnComments(thread)));
    await this.#own;
    // An answer to them may have come before they were known.
    const { state, view } = thread;
    const known = [...view.waiting].filter((id) => {
      const comment = state.comments.get(id);
      return comment && thread.showsAtOnce(comment);
    });
    for (const id of known) view.waiting.delete(id);
    view.update(known);
    view.updateAll();
  }

  /** Carry out what a button or link of the thread is for. @param {HTMLElement} target */
  act(target) {
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
      new: () => this.#shows().then((showing) => showing.reveal()),
      "new-replies": () => this.#shows().then((showing) => showing.reveal(id)),
      "next-unread": () => this.step(1),
      more,
      "more-replies": more,
      sort: () => this.#thread.loader().then((loader) => loader.reorder(sort)),
      pause: () => this.#pause(target),
      retry: () => {
        const { frame, view } = this.#thread;
        view.around(); // takes the word about it away
        frame.again();
      },
      replay: () => this.#replay(target),
    };
    if (Object.hasOwn(acts, act)) acts[act]?.();
  }

  /** What leads to comments and shows what waits. @returns {Promise<import("./showing.js").Showing>} */
  #shows() {
    this.#showing ??= this.#need(loadModule("./showing.js")).then(({ Showing }) => new Showing(this.#thread));
    return this.#showing;
  }

  /** Bring a comment to the reader. @param {number} id @returns {Promise<boolean | null>} whether there is such a comment; null: it could not be asked for */
  async goTo(id) {
    return (await this.#shows()).goTo(id);
  }

  /** A comment was put on the screen, or brought up to date. @param {import("./comment-view.js").CommentView} view */
  shown(view) {
    this.#unread?.shown(view);
  }

  /** Not tried again by itself: nobody wants it to begin a minute later. @param {HTMLElement} opener */
  async #replay(opener) {
    const { frame, view, words } = this.#thread;
    /** @type {typeof import("./replay.js")} */
    let replay;
    try {
      replay = await loadModule("./replay.js")(this.#missed);
    } catch {
      this.#missed++;
      return frame.fail(words("unreachable"), () => this.#replay(opener));
    }
    if (this.#missed) view.around();
    await replay.openReplay(this.#thread, opener);
  }

  /** Let nothing change by itself, or everything as it comes again, beginning with what was missed. @param {HTMLElement} button */
  #pause(button) {
    const { clock, connection, words } = this.#thread;
    clock.paused = button.getAttribute("aria-pressed") !== "true";
    connection.pause(clock.paused);
    setAttribute(button, "aria-pressed", `${clock.paused}`);
    setText(button, clock.paused ? words("paused") : "");
    // Who speaks to the page says what stands there.
    setAttribute(button, "aria-label", clock.paused ? `${words("paused")}: ${words("pause")}` : words("pause"));
  }

  /** Posting, editing and drafts; the server may be away for a moment. @returns {Promise<import("./composer.js").Composer>} */
  composer() {
    const thread = this.#thread;
    this.#composer ??= keepTrying(async (tries) => {
      /** @type {[typeof import("./composer.js"), ...unknown[]]} */
      const [{ Composer }] = await Promise.all([loadModule("./composer.js")(tries), thread.prepare(), this.knowOwn(), addStyle(thread.root, "acting.css")]);
      thread.view.update([]);
      return new Composer(thread);
    }, this.#thread.signal, () => this.#submitted && this.#thread.frame.fail(thread.words("waiting")));
    return this.#composer;
  }

  /** @param {"reply" | "edit" | "remove"} act @param {number} id */
  async compose(act, id) {
    if (act === "edit") begin(this.#thread, id);
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
    this.#controls ??= this.#need((tries) => Promise.all([loadModule("./controls.js")(tries), loadWords(thread.language, "more-", thread.words), ...["acting.css", "controls.css"].map((name) => addStyle(thread.root, name))]))
      .then(([{ Controls }, { words }]) => new Controls(thread, words));
    return this.#controls;
  }

  /** What is new since the last visit; one's own words are not. @returns {Promise<import("./unread.js").Unread>} */
  unread() {
    this.#marking ??= Promise.all([this.#need(loadModule("./unread.js")), this.#own])
      .then(([{ Unread }]) => (this.#unread = new Unread(this.#thread, this.#last, this.#seq)));
    return this.#marking;
  }

  /** The page says something else about the discussion. @returns {Promise<import("./types.js").InWords | null>} the words of what stands there now; null: begin anew */
  renew() {
    return loadModule("./renewing.js")(0).then(({ renew }) => renew(this.#thread)).catch(() => null);
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
