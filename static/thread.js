// @ts-check
/**
 * One open discussion: wires state, view, connection and (once something is written) the composer. Owns the order of
 * things: what is applied before what is shown, and what others wrote before it is asked for. Ends with its signal.
 */
import { BrowserStore } from "./browser-store.js";
import { Clock } from "./clock.js";
import { Connection } from "./connection.js";
import { linkedComment, pageLink, renderedSnapshot } from "./page-address.js";
import { keepTrying } from "./keep-trying.js";
import { loadMaker } from "./maker.js";
import { ThreadFrame } from "./thread-frame.js";
import { addOwn, applyEvent, dropHeld, makeState } from "./thread-state.js";
import { ThreadView } from "./thread-view.js";
import { makeWords } from "./words.js";

/** @typedef {import("./types.js").Comment} Comment @typedef {import("./types.js").ThreadEvent} ThreadEvent */

const QUIET = 2000; // milliseconds without a live link before a word is said about it: most are over sooner
const EDITS = { "comment.edited": true, "comment.removed": true };
/** What holds for a reader the server does not know. */
const LIMITS = { text_max: 10_000, name_max: 60, edit_seconds: 900 };

export class Thread {
  #host;
  #root;
  #signal;
  #frame = /** @type {ThreadFrame} */ (/** @type {unknown} */ (null)); // there from the moment anything can be shown
  #clock;
  /** @type {ThreadView | null} */
  #view = null;
  /** @type {Connection | null} */
  #connection = null;
  /** @type {Promise<import("./composer.js").Composer> | null} */
  #composer = null;
  /** @type {Promise<void> | null} */
  #preparing = null;
  /** @type {Promise<import("./loading.js").Loader> | null} */
  #loading = null;
  /** @type {Promise<import("./controls.js").Controls> | null} */
  #controls = null;
  #quiet = 0;
  #submitted = false; // something was sent before the composer was loaded
  #member; // the token the page gave us, until the server refuses it
  #expiry = 0;
  /** Own comments on the screen that can be edited, and until when. @type {Map<number, number>} */
  #editable = new Map();
  /** @type {import("./thread-state.js").ThreadState | null} */
  #state = null;

  /** @param {HTMLElement} host @param {ShadowRoot} root @param {AbortSignal} signal */
  constructor(host, root, signal) {
    this.#host = host;
    this.#root = root;
    this.#signal = signal;
    this.server = new URL(host.getAttribute("server") || import.meta.url).origin;
    this.store = new BrowserStore(this.server);
    this.words = makeWords("en");
    this.#member = host.getAttribute("token");
    this.#clock = new Clock("en", signal);
    signal.addEventListener("abort", () => [this.#quiet, this.#expiry].forEach(clearTimeout));
  }

  /** Load what the server has not rendered, show it, go live. Ends quietly with the signal. */
  async start() {
    const options = { signal: this.#signal };
    this.#root.addEventListener("click", (event) => this.#click(/** @type {MouseEvent} */ (event)), options);
    this.#root.addEventListener("submit", (event) => this.#submit(event), options);
    this.#root.addEventListener("focusin", (event) => this.#compose(event), options);
    this.#root.addEventListener("input", (event) => this.#compose(event), options);
    // Another window of this person has posted: what is theirs there is theirs here.
    window.addEventListener("storage", ({ key }) => key === this.store.identitiesKey && this.#view?.updateAll(), options);
    if (!this.#root.querySelector(".thread")) await this.prepare().catch(() => null);
    if (this.#signal.aborted) return;
    this.#frame = new ThreadFrame(this.#root, this.words, "en", new URL("./ripost.css", import.meta.url));
    this.#say("offline", false);
    let snapshot = renderedSnapshot(this.#root, Number(this.#host.getAttribute("article")));
    if (!snapshot) [snapshot] = await Promise.all([this.#loader().then((loader) => loader.first()), this.prepare()]).catch(() => [null]);
    if (!snapshot || this.#signal.aborted) return;
    this.#state = makeState(snapshot);
    const { words } = this;
    this.#view = new ThreadView(this.#root, this.#frame, this.#state, {
      words,
      clock: this.#clock,
      link: pageLink,
      editable: (comment) => this.#isEditable(comment),
      prepare: () => this.prepare(),
    });
    this.#connection = new Connection({
      server: new URL(this.server),
      article: this.state.article.id,
      position: () => this.state,
      event: (event) => this.#take(event),
      reset: () => this.#loader().then((loader) => loader.reload()),
      status: (state, stopped) => this.#say(state, stopped),
      token: () => [...this.state.comments.values()].some(({ status }) => status === "pending") ? this.token : null,
      personal: (frame) => this.#decided(frame),
      signal: this.#signal,
    });
    await Promise.allSettled([this.#goToTarget(), this.token && this.#loader().then((loader) => loader.knowViewer()), this.#resumeDrafts()]);
    if (!this.moderates) return;
    // Who moderates writes under the name they moderate under.
    this.#member ??= this.token;
    void this.#composer?.then((composer) => composer.check());
    void this.#loadControls();
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

  /** The token with which a comment can be changed. @param {Comment} comment */
  tokenFor(comment) {
    const own = this.store.identities.find((identity) => identity.id === comment.author?.id);
    return own?.token ?? this.#member;
  }

  /** @param {string} path @param {Parameters<typeof import("./api.js").request>[2]} [options] */
  async request(path, options) {
    const { request } = await import("./api.js");
    return request(new URL(this.server), path, { ...options, signal: this.#signal });
  }

  /** Show another snapshot; what of it waits behind the pill is told by `hold`. @param {import("./types.js").Page} snapshot @param {(comment: Comment) => boolean} hold */
  replace(snapshot, hold) {
    const held = [...this.state.comments.values()].filter((comment) => comment.status === "pending");
    this.#state = makeState(snapshot);
    for (const comment of held) addOwn(this.#state, comment);
    this.view.replace(this.#state, (id) => {
      const comment = this.state.comments.get(id);
      return comment !== undefined && hold(comment);
    });
  }

  /** Hear of what is decided about one's own comments. */
  listenPersonally() {
    this.#connection?.listenPersonally();
  }

  /** Take the answer to something this reader did: the very event that everyone gets, or a comment that is held. @param {{event: ThreadEvent}} answer */
  accept({ event }) {
    const { comment } = event;
    if (event.seq === undefined) {
      if (comment) addOwn(this.state, comment);
      this.#connection?.listenPersonally();
    } else if (!this.#take(event)) {
      // Events before it are still to come. What was just written is shown at once; the rest follows in order.
      if (comment && !Object.hasOwn(EDITS, event.type)) addOwn(this.state, comment);
      this.#connection?.recheck();
      this.#connection?.resubscribe();
    }
    if (comment) this.view.update([comment.id]);
    this.view.flush();
  }

  /** @param {Comment} comment */
  isOwn({ ref, author }) {
    const { own, identities } = this.store;
    const person = author?.id;
    const known = person !== undefined && (this.state.viewer?.person.id === person || identities.some(({ id }) => id === person));
    return known || (ref !== null && own.includes(ref));
  }

  /** @param {ThreadEvent} event  @returns {boolean} false: one before it is missing */
  #take(event) {
    const outcome = applyEvent(this.state, event);
    if (outcome.gap || outcome.reset) return false;
    const { comment } = event;
    if (comment && !Object.hasOwn(EDITS, event.type) && !this.showsAtOnce(comment)) {
      for (const id of outcome.changed) this.view.hold(id);
    }
    if (event.type === "article.updated") {
      this.view.updateAll();
      if (!this.composerForm) void this.prepare().then(() => this.view.update([]));
    }
    if (event.type === "article.updated" || event.type === "comment.removed") void this.#composer?.then((composer) => composer.check());
    this.view.update(outcome.changed);
    this.#emit("comment", event);
    return true;
  }

  /** One's own words and direct answers to them do not wait; nor does anything while nothing is being read. @param {Comment} comment */
  showsAtOnce(comment) {
    const parent = comment.parent === null ? undefined : this.state.comments.get(comment.parent);
    return this.view.size === 0 || this.isOwn(comment) || (parent !== undefined && this.isOwn(parent));
  }

  /** @param {Comment} comment */
  #isEditable(comment) {
    const until = Date.parse(comment.created_at) + 1000 * this.limits.edit_seconds;
    if (comment.status !== "visible" || until <= Date.now() || !this.isOwn(comment) || !this.tokenFor(comment)) return false;
    this.#editable.set(comment.id, until);
    clearTimeout(this.#expiry);
    this.#expiry = window.setTimeout(() => {
      const over = [...this.#editable].filter(([, end]) => end <= Date.now()).map(([id]) => id);
      for (const id of over) this.#editable.delete(id);
      this.view.update(over);
    }, Math.min(...this.#editable.values()) - Date.now() + 50);
    return true;
  }

  /** Open the comment a shared link points to, loaded or not. */
  async #goToTarget() {
    const id = linkedComment();
    if (!id) return;
    if (!this.state.comments.has(id) && !(await (await this.#loader()).aside(id))) return;
    this.view.goTo(id);
  }

  /** What makes comments and forms, loaded when the first has to be made. @returns {Promise<void>} */
  prepare() {
    this.#preparing ??= keepTrying(loadMaker, this.#signal, () => this.#frame?.fail(this.words("unreachable")));
    return this.#preparing;
  }

  /** Asking the server for more than the page brought: loaded when there is something to ask. */
  #loader() {
    this.#loading ??= keepTrying(async (tries) => {
      /** @type {typeof import("./loading.js")} */
      const { Loader } = await (tries ? import(`./loading.js?again=${tries}`) : import("./loading.js"));
      return new Loader(this, this.#host, this.#frame, this.#signal);
    }, this.#signal, () => this.#frame.fail(this.words("unreachable")));
    return this.#loading;
  }

  /** A moderator decided about a held comment. One that was accepted comes as any other. @param {any} frame */
  #decided({ type, id, status }) {
    if (type !== "comment.decided" || status === "visible") return;
    dropHeld(this.state, id);
    this.view.update([id]);
  }

  async #resumeDrafts() {
    // Words may also have been typed before the script was there.
    if (this.store.draftPlaces(this.state.article.id).length || this.composerForm?.querySelector("textarea")?.value) await this.#loadComposer();
  }

  #loadComposer() {
    // Posting, editing and drafts are only loaded when someone writes; by then the server may be away for a moment.
    // Another query each time, since browsers remember a module that failed to load.
    this.#composer ??= keepTrying(async (tries) => {
      /** @type {[typeof import("./composer.js"), void]} */
      const [{ Composer }] = await Promise.all([tries ? import(`./composer.js?again=${tries}`) : import("./composer.js"), this.prepare()]);
      this.view.update([]);
      return new Composer(this, this.#signal);
    }, this.#signal, () => this.#submitted && this.#frame.fail(this.words("waiting")));
    return this.#composer;
  }

  /** Write as the form of a comment would be asked to. @param {"reply" | "edit"} act @param {number} id */
  compose(act, id) {
    void this.#loadComposer().then((composer) => composer[act](id));
  }

  /** Votes, reports and what moderators do: loaded by the first press, or at once for a moderator. */
  #loadControls() {
    this.#controls ??= keepTrying(async (tries) => {
      /** @type {typeof import("./controls.js")} */
      const { Controls } = await (tries ? import(`./controls.js?again=${tries}`) : import("./controls.js"));
      return new Controls(this, this.#root, this.#signal);
    }, this.#signal, () => this.#frame.fail(this.words("unreachable")));
    return this.#controls;
  }

  /** @param {Event} event */
  #compose(event) {
    const form = event.target instanceof Element ? event.target.closest("form") : null;
    if (form && this.#state) void this.#loadComposer();
  }

  /** @param {Event} event */
  #submit(event) {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.target);
    this.#submitted = this.#state !== null;
    if (this.#state) void this.#loadComposer().then((composer) => composer.submit(form));
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const target = event.target instanceof Element ? event.target.closest("[data-ripost], .permalink, .context > a") : null;
    if (!(target instanceof HTMLElement)) return;
    if (!this.#state) return void (target.dataset["ripost"] === "sort" && event.preventDefault());
    const id = Number(/** @type {HTMLElement | null} */ (target.closest("article"))?.dataset["commentId"]);
    const act = target.dataset["ripost"] ?? "";
    const control = () => void this.#loadControls().then((controls) => controls.act(act, id, target));
    const composing = (/** @type {"reply" | "edit" | "remove"} */ act) => () => void this.#loadComposer().then((composer) => composer[act](id));
    const more = () => void this.#loader().then((loader) => loader.more(target));
    /** @type {Record<string, () => void>} */
    const acts = {
      reply: composing("reply"),
      edit: composing("edit"),
      delete: composing("remove"),
      up: control,
      down: control,
      options: control,
      fold: () => this.view.fold(id),
      new: () => this.view.reveal(),
      "new-replies": () => this.view.reveal(id),
      more,
      "more-replies": more,
      sort: () => void this.#loader().then((loader) => loader.reorder(target.dataset["sort"] ?? "oldest")),
    };
    if (target instanceof HTMLAnchorElement) {
      // A new tab, a download, a copied link are the browser's.
      if (event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
      const linked = Number(new URL(target.href).searchParams.get("comment"));
      if (!target.dataset["ripost"]) {
        if (!this.state.comments.has(linked)) return;
        event.preventDefault();
        history.replaceState(history.state, "", target.href);
        return this.view.goTo(linked);
      }
      if (Object.hasOwn(acts, target.dataset["ripost"])) event.preventDefault();
    }
    if (Object.hasOwn(acts, act)) acts[act]?.();
  }

  /** @param {import("./types.js").LinkState} state @param {boolean} stopped */
  #say(state, stopped) {
    if (this.#signal.aborted) return;
    clearTimeout(this.#quiet);
    const words = state === "live" ? "" : this.words(stopped ? "stopped" : state === "offline" ? "offline" : "catchingUp");
    const status = this.#frame.part("status");
    // Once something was said, it is kept up to date; before that, a short break is nobody's business.
    const now = state === "live" || status.textContent !== "" ? words : "";
    this.#frame.status(state, now);
    if (now !== words) this.#quiet = window.setTimeout(() => this.#frame.status(state, words), QUIET);
    this.#emit("status", { state });
  }

  /** @param {string} name @param {unknown} detail */
  #emit(name, detail) {
    this.#host.dispatchEvent(new CustomEvent(`ripost:${name}`, { detail, bubbles: true, composed: true }));
  }
}
