// @ts-check
/**
 * One open discussion: wires state, view and connection, and (once the reader does something) what acts for them. Owns the
 * order of things: what is applied before what is shown, and what others wrote before it is asked for. Ends with its signal.
 */
import { BrowserStore } from "./browser-store.js";
import { Clock } from "./clock.js";
import { Connection } from "./connection.js";
import { linkedComment, pageLink, renderedSnapshot } from "./page-address.js";
import { keepTrying } from "./keep-trying.js";
import { loadMaker } from "./maker.js";
import { ThreadFrame } from "./thread-frame.js";
import { addOwn, applyEvent, dropHeld, EDITS, makeState } from "./thread-state.js";
import { ThreadView } from "./thread-view.js";
import { findWords } from "./words.js";

/** @typedef {import("./types.js").Comment} Comment @typedef {import("./types.js").ThreadEvent} ThreadEvent */

const QUIET = 2000; // milliseconds without a live link before a word is said about it: most are over sooner
/** What holds for a reader the server does not know. */
const LIMITS = { text_max: 10_000, name_max: 60, edit_seconds: 900 };

export class Thread {
  #host;
  #root;
  #signal;
  #frame = /** @type {ThreadFrame} */ (/** @type {unknown} */ (null)); // there from the moment anything can be shown
  clock = /** @type {Clock} */ (/** @type {unknown} */ (null)); // from the moment the language is known
  words = /** @type {import("./wording.js").Words} */ (/** @type {unknown} */ (null));
  /** @type {ThreadView | null} */
  #view = null;
  /** @type {import("./thread-state.js").ThreadState | null} */
  #state = null;
  /** @type {Connection | null} */
  connection = null;
  #quiet = 0;
  #member; // the token the page gave us, until the server refuses it
  /** @type {Promise<void> | null} */
  #preparing = null;
  /** @type {Promise<import("./loading.js").Loader> | null} */
  #loading = null;
  /** @type {Promise<import("./acting.js").Acting> | null} */
  #starting = null;
  /** @type {import("./acting.js").Acting | null} */
  acting = null;
  /** @type {import("./presence.js").Presence | null} */
  #presence = null;
  /** @type {import("./own-comments.js").OwnComments | null} */
  #own = null;
  /** The last visit, and from where on something is new at the next. @type {import("./types.js").Visit | null} */
  #last = null;
  #calm = { epoch: "", seq: 0 };

  /** @param {HTMLElement} host @param {ShadowRoot} root @param {AbortSignal} signal */
  constructor(host, root, signal) {
    this.#host = host;
    this.#root = root;
    this.#signal = signal;
    this.server = new URL(host.getAttribute("server") || import.meta.url).origin;
    this.store = new BrowserStore(this.server);
    this.#member = host.getAttribute("token");
    signal.addEventListener("abort", () => clearTimeout(this.#quiet));
  }

  /** Load what the server has not rendered, show it, go live. Ends quietly with the signal. */
  async start() {
    const options = { signal: this.#signal };
    this.#root.addEventListener("click", (event) => this.#click(/** @type {MouseEvent} */ (event)), options);
    this.#root.addEventListener("submit", (event) => this.#submit(event), options);
    for (const name of ["focusin", "input"]) this.#root.addEventListener(name, (event) => this.#compose(event), options);
    this.#root.addEventListener("keydown", (event) => this.#press(/** @type {KeyboardEvent} */ (event)), options);
    // Another window of this person has posted: what is theirs there is theirs here.
    window.addEventListener("storage", ({ key }) => key === this.store.identitiesKey && this.#view && void this.knowOwn(), options);
    const there = /** @type {HTMLElement | null} */ (this.#root.querySelector(".thread"));
    const [{ language, words }] = await Promise.all([findWords(this.#host), there ?? this.prepare().catch(() => null)]);
    this.words = words;
    this.clock = new Clock(language, this.#signal);
    if (there && there.lang.slice(0, 2) !== language.slice(0, 2)) {
      there.remove(); // in other words
      await this.prepare().catch(() => null);
    }
    if (this.#signal.aborted) return;
    this.#frame = new ThreadFrame(this.#root, words, language, new URL("./ripost.css", import.meta.url));
    this.#say("offline", false);
    let snapshot = renderedSnapshot(this.#root, Number(this.#host.getAttribute("article")));
    if (!snapshot) [snapshot] = await Promise.all([this.loader().then((loader) => loader.first()), this.prepare()]).catch(() => [null]);
    if (!snapshot || this.#signal.aborted) return;
    this.#state = makeState(snapshot);
    this.#view = new ThreadView(this.#root, this.#frame, this.#state, {
      words,
      clock: this.clock,
      link: pageLink,
      editable: (comment) => this.#own?.isEditable(comment) ?? false,
      prepare: () => this.prepare(),
    });
    this.connection = new Connection({
      server: new URL(this.server),
      article: this.state.article.id,
      position: () => this.state,
      event: (event) => this.take(event),
      reset: () => this.loader().then((loader) => loader.reload()),
      status: (state, stopped) => this.#say(state, stopped),
      token: () => [...this.state.comments.values()].some(({ status }) => status === "pending") ? this.token : null,
      personal: (frame) => this.#hear(frame),
      signal: this.#signal,
    });
    const { id } = this.#state.article;
    this.#last = this.store.visit(id);
    this.#rest();
    const leave = () => document.hidden && this.store.setVisit(id, { ...this.#calm, left: this.acting?.left ?? this.#last?.left ?? [], own: this.#own?.ids ?? this.#last?.own ?? [] });
    document.addEventListener("visibilitychange", leave, options);
    // Words may also have been typed, or are about to be, before the script was there or while it started anew.
    const writing = this.store.draftPlaces(id).length || this.composerForm?.querySelector("textarea")?.value || this.#root.activeElement?.closest("form");
    const linked = linkedComment();
    await Promise.allSettled([linked && this.goTo(linked), (this.token || this.store.own.length) && this.knowOwn(), this.token && this.loader().then((loader) => loader.knowViewer()), writing && this.#act((acting) => acting.composer())]);
    const { seq, left } = this.#last ?? { seq: this.#calm.seq, left: [] };
    if (seq < this.#calm.seq || left.length) this.#act((acting) => acting.unread(this.#last));
    if (!this.moderates) return;
    // Who moderates writes under the name they moderate under.
    this.#member ??= this.token;
    this.acting?.check();
    this.#act((acting) => acting.controls());
  }

  get state() {
    if (!this.#state) throw new Error("The discussion is not loaded yet.");
    return this.#state;
  }

  get view() {
    return /** @type {ThreadView} */ (this.#view);
  }

  get composerForm() {
    return this.#frame.part("composer").querySelector("form");
  }

  get limits() {
    return this.state.viewer?.limits ?? this.state.article.limits ?? LIMITS;
  }

  /** The member that the page signed in, if any. */
  get member() {
    return this.#member ? { token: this.#member, name: this.state.viewer?.person.name ?? "" } : null;
  }

  /** The token of whoever reads here, member or guest. */
  get token() {
    return this.#member ?? this.store.identities[0]?.token ?? null;
  }

  /** Whether this reader decides about what others write. */
  get moderates() {
    return this.state.viewer?.can.includes("moderate") ?? false;
  }

  /** The server no longer knows this token. @param {string} token */
  forget(token) {
    if (this.#member === token) this.#member = null;
    this.store.forgetToken(token);
  }

  /** @param {string} path @param {Parameters<typeof import("./api.js").request>[2]} [options] */
  async request(path, options) {
    const { request } = await import("./api.js");
    return request(new URL(this.server), path, { ...options, signal: this.#signal, words: this.words });
  }

  set state(state) {
    this.#state = state;
  }

  /** Take the answer to something this reader did: the very event that everyone gets, or a comment that is held. @param {{event: ThreadEvent}} answer */
  accept(answer) {
    this.#own?.accept(answer);
  }

  /** The token with which a comment can be changed. @param {Comment} comment */
  tokenFor(comment) {
    return this.#own?.tokenFor(comment) ?? this.token;
  }

  /** @param {Comment} comment */
  isOwn(comment) {
    return this.#own?.isOwn(comment) ?? false;
  }

  /** @param {ThreadEvent} event  @returns {boolean} false: one before it is missing */
  take(event) {
    const outcome = applyEvent(this.state, event);
    if (outcome.gap || outcome.reset) return false;
    const { comment } = event;
    if (comment && !EDITS.has(event.type)) {
      if (!this.showsAtOnce(comment)) for (const id of outcome.changed) this.view.hold(id);
      else if (this.#own) this.#frame.say(this.#own.spoken(comment));
    }
    if (event.type === "article.updated") {
      this.view.updateAll();
      if (!this.composerForm) void this.prepare().then(() => (this.view.flush(), this.acting?.check()));
    }
    if (event.type === "article.updated" || event.type === "comment.removed") this.acting?.check();
    this.view.update(outcome.changed);
    this.#rest();
    this.#emit("comment", event);
    return true;
  }

  /** One's own words and direct answers to them do not wait; nor does anything while nothing is being read. @param {Comment} comment */
  showsAtOnce(comment) {
    const parent = comment.parent === null ? undefined : this.state.comments.get(comment.parent);
    return this.view.size === 0 || this.isOwn(comment) || (parent !== undefined && this.isOwn(parent));
  }

  /** With nothing waiting to be shown, all of this has been here before at the next visit. */
  #rest() {
    const { epoch, seq, unloaded } = this.state;
    if (!this.view.waiting.size && !unloaded.size) this.#calm = { epoch, seq };
  }

  /** Tell one's own comments, and which of them can be changed: loaded for those who have written. */
  async knowOwn() {
    const { OwnComments } = await import("./own-comments.js");
    this.#own ??= new OwnComments(this, this.#last?.own ?? [], this.#signal);
    // An answer to them may have come before they were known.
    this.view.unhold((comment) => this.showsAtOnce(comment));
    this.view.updateAll();
  }

  /** Bring a comment to the reader, loaded or not. @param {number} id */
  goTo(id) {
    return this.#act((acting) => acting.showing.goTo(id));
  }

  /** What is loaded when it is needed, for as long as that takes. @template T @param {(tries: number) => Promise<T>} load */
  #need(load) {
    return keepTrying(load, this.#signal, () => this.#frame?.fail(this.words("unreachable")));
  }

  /** What makes comments and forms, loaded when the first has to be made. @returns {Promise<void>} */
  prepare() {
    return (this.#preparing ??= this.#need(loadMaker));
  }

  /** Asking the server for more than the page brought: loaded when there is something to ask. @returns {Promise<import("./loading.js").Loader>} */
  loader() {
    return (this.#loading ??= this.#need(async (tries) => {
      /** @type {typeof import("./loading.js")} */
      const { Loader } = await (tries ? import(`./loading.js?again=${tries}`) : import("./loading.js"));
      return new Loader(this, this.#host, this.#frame, this.#signal);
    }));
  }

  /** What a reader does by hand: loaded when they do. @param {(acting: import("./acting.js").Acting) => unknown} act */
  #act(act) {
    this.#starting ??= this.#need(async (tries) => {
      /** @type {typeof import("./acting.js")} */
      const { Acting } = await (tries ? import(`./acting.js?again=${tries}`) : import("./acting.js"));
      return (this.acting = new Acting(this, this.#root, this.#frame, this.#signal));
    });
    return this.#starting.then(act, () => null);
  }

  /** What is in no article's log: who is here, and what a moderator decided. A comment that was accepted comes as any other. @param {any} frame */
  #hear(frame) {
    const { type, id, status, readers, typing } = frame;
    if (type === "presence" && (this.#presence || readers > 1 || typing?.length)) return void this.here().then((presence) => presence.show(frame));
    if (type !== "comment.decided" || status === "visible") return;
    dropHeld(this.state, id);
    this.view.update([id]);
  }

  /** Who reads and writes here besides this reader. */
  async here() {
    const { Presence } = await import("./presence.js");
    return (this.#presence ??= new Presence(this, this.#root, this.#signal));
  }

  /** Write as the form of a comment would be asked to. @param {"reply" | "edit"} act @param {number} id */
  compose(act, id) {
    void this.#act((acting) => acting.compose(act, id));
  }

  /** @param {Event} event */
  #compose({ type, target }) {
    const form = target instanceof Element && target.closest("form");
    if (form) form.dataset["used"] = "";
    if (!this.#view || !form) return;
    void this.#act((acting) => acting.composer());
    // The server may be away, and the composer with it: what is typed is kept all the same.
    const place = `${this.state.article.id}:root`;
    const area = this.composerForm?.querySelector("textarea");
    if (type === "input" && target === area) this.store.setDraft(place, { ...this.store.draft(place), text: area.value });
  }

  /** `n` and `p` lead to what is unread: only with focus in here, never while something is written, not where `keys="off"`. @param {KeyboardEvent} event */
  #press({ key, target, ctrlKey, metaKey, altKey }) {
    if (!/^[np]$/.test(key) || ctrlKey || metaKey || altKey || !this.#view || this.#host.getAttribute("keys") === "off") return;
    if (target instanceof Element && !target.matches("input, textarea, select")) void this.#act((acting) => acting.step(key === "n" ? 1 : -1));
  }

  /** @param {Event} event */
  #submit(event) {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.target);
    if (this.#view) void this.#act((acting) => acting.submit(form));
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const target = event.target instanceof Element ? event.target.closest("[data-ripost], .permalink, .context > a") : null;
    if (!(target instanceof HTMLElement)) return;
    const { ripost } = target.dataset;
    if (target instanceof HTMLAnchorElement) {
      // A new tab, a download, a copied link are the browser's.
      if (event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
      const linked = ripost ? 0 : Number(new URL(target.href).searchParams.get("comment"));
      if (!ripost && !this.#state?.comments.has(linked)) return;
      event.preventDefault();
      if (linked) {
        history.replaceState(history.state, "", target.href);
        return void this.goTo(linked);
      }
    }
    if (!ripost || !this.#view) return;
    // Reading goes on without the server.
    if (ripost === "fold") this.view.fold(Number(/** @type {HTMLElement} */ (target.parentElement).dataset["commentId"]));
    else void this.#act((acting) => acting.act(target));
  }

  /** @param {import("./types.js").LinkState} state @param {boolean} stopped */
  #say(state, stopped) {
    if (this.#signal.aborted) return;
    clearTimeout(this.#quiet);
    // Nobody has to hear of a link that was let go on purpose.
    const words = /live|paused/.test(state) || document.hidden ? "" : this.words(stopped ? "stopped" : state === "offline" ? "offline" : "catchingUp");
    const status = this.#frame.part("status");
    // Once something was said, it is kept up to date; before that, a short break is nobody's business.
    const now = words && !status.textContent ? "" : words;
    this.#frame.status(state, now);
    if (now !== words) this.#quiet = window.setTimeout(() => this.#frame.status(state, words), QUIET);
    this.#emit("status", { state });
  }

  /** @param {string} name @param {unknown} detail */
  #emit(name, detail) {
    this.#host.dispatchEvent(new CustomEvent(`ripost:${name}`, { detail, bubbles: true, composed: true }));
  }
}
