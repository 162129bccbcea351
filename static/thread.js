// @ts-check
/**
 * One open discussion: wires state, view, connection and (once something is written) the composer. Owns the order of
 * things: what is applied before what is shown, and what others wrote before it is asked for. Ends with its signal.
 */
import { Problem, request } from "./api.js";
import { BrowserStore } from "./browser-store.js";
import { Clock } from "./clock.js";
import { Connection } from "./connection.js";
import { articleUrl, isOwnPage, linkedComment, pageLink, renderedSnapshot } from "./page-address.js";
import { keepTrying } from "./keep-trying.js";
import { ThreadFrame } from "./thread-frame.js";
import { addOwn, addPage, applyEvent, dropHeld, makeState } from "./thread-state.js";
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
  #frame;
  #clock;
  /** @type {ThreadView | null} */
  #view = null;
  /** @type {Connection | null} */
  #connection = null;
  /** @type {Promise<import("./composer.js").Composer> | null} */
  #composer = null;
  /** @type {Promise<import("./controls.js").Controls> | null} */
  #controls = null;
  #quiet = 0;
  #submitted = false; // something was sent before the composer was loaded
  #member; // the token the page gave us, until the server refuses it
  #sort;
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
    this.#sort = host.getAttribute("sort");
    this.#clock = new Clock("en", signal);
    this.#frame = new ThreadFrame(root, this.words, "en", new URL("./ripost.css", import.meta.url));
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
    this.#say("offline", false);
    let snapshot = renderedSnapshot(this.#root, Number(this.#host.getAttribute("article")));
    while (!snapshot && !this.#signal.aborted) {
      try {
        snapshot = await this.#load(await this.#resolve());
      } catch (error) {
        if (this.#signal.aborted) return;
        this.#frame.fail(error instanceof Problem ? error.message : this.words("unreachable"));
        await this.#frame.askedAgain(this.#signal);
      }
    }
    if (!snapshot || this.#signal.aborted) return;
    this.#state = makeState(snapshot);
    const { words } = this;
    this.#view = new ThreadView(this.#root, this.#frame, this.#state, {
      words,
      clock: this.#clock,
      link: pageLink,
      editable: (comment) => this.#isEditable(comment),
    });
    this.#connection = new Connection({
      server: new URL(this.server),
      article: this.state.article.id,
      position: () => this.state,
      event: (event) => this.#take(event),
      reset: () => this.#reload(),
      status: (state, stopped) => this.#say(state, stopped),
      token: () => [...this.state.comments.values()].some(({ status }) => status === "pending") ? this.token : null,
      personal: (frame) => this.#decided(frame),
      signal: this.#signal,
    });
    await Promise.allSettled([this.#goToTarget(), this.#knowViewer(), this.#resumeDrafts()]);
    if (this.moderates) void this.#loadControls();
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

  /** @param {string} path @param {Parameters<typeof request>[2]} [options] */
  request(path, options) {
    return request(new URL(this.server), path, { ...options, signal: this.#signal });
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
    if (comment && !Object.hasOwn(EDITS, event.type) && !this.#showsAtOnce(comment)) {
      for (const id of outcome.changed) this.view.hold(id);
    }
    if (event.type === "article.updated") this.view.updateAll();
    if (event.type === "article.updated" || event.type === "comment.removed") void this.#composer?.then((composer) => composer.check());
    this.view.update(outcome.changed);
    this.#emit("comment", event);
    return true;
  }

  /** One's own words and direct answers to them do not wait; nor does anything while nothing is being read. @param {Comment} comment */
  #showsAtOnce(comment) {
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

  /** @returns {Promise<number>} the article's id */
  async #resolve() {
    const id = Number(this.#host.getAttribute("article"));
    if (id) return id;
    return (await this.request("/api/articles/resolve", { method: "POST", body: { url: articleUrl(this.#host), title: document.title } })).id;
  }

  /** @param {number} article @param {{fresh?: boolean, cursor?: string}} [options] @returns {Promise<import("./types.js").Page>} */
  #load(article, { fresh = false, cursor = "" } = {}) {
    const query = new URLSearchParams();
    if (this.#sort) query.set("sort", this.#sort);
    if (cursor) query.set("cursor", cursor);
    return this.#asMember(`/api/articles/${article}/thread?${query}`, fresh);
  }

  /** Read as the member the page signed in; as anybody once the token is refused. @param {string} path @param {boolean} [fresh] @returns {Promise<any>} */
  async #asMember(path, fresh = false) {
    const token = this.#member;
    try {
      return await this.request(path, { fresh, token });
    } catch (error) {
      if (!token || !(error instanceof Problem) || error.status !== 401) throw error;
      this.forget(token);
      return this.request(path, { fresh });
    }
  }

  /** The log cannot be resumed: begin with a snapshot. What is new in it waits behind the pill. */
  async #reload() {
    const snapshot = await this.#load(this.state.article.id, { fresh: true });
    const held = [...this.state.comments.values()].filter((comment) => comment.status === "pending");
    this.#state = makeState(snapshot);
    for (const comment of held) addOwn(this.#state, comment);
    this.view.replace(this.#state, (id) => {
      const comment = this.state.comments.get(id);
      return comment !== undefined && !this.#showsAtOnce(comment);
    });
  }

  /** @param {HTMLElement} anchor  a link to what is not loaded; says so while it loads */
  async #more(anchor) {
    if (anchor.ariaBusy === "true") return;
    const { textContent } = anchor;
    anchor.ariaBusy = "true";
    anchor.textContent = this.words("loading");
    const branch = anchor.dataset["branch"] ? Number(anchor.dataset["branch"]) : null;
    try {
      const cursor = (branch === null ? this.state.next : this.state.branches.get(branch)) ?? "";
      const get = (/** @type {boolean} */ fresh) => branch === null
        ? this.#load(this.state.article.id, { cursor, fresh })
        : this.#asMember(`/api/comments/${branch}/replies?${new URLSearchParams({ cursor })}`, fresh);
      await this.#add(get, branch);
    } catch (error) {
      this.#frame.fail(error instanceof Problem ? error.message : this.words("unreachable"));
    }
    anchor.textContent = textContent;
    anchor.ariaBusy = null;
  }

  /** @param {(fresh: boolean) => Promise<any>} get @param {number | "aside" | null} branch */
  async #add(get, branch) {
    let outcome = addPage(this.state, await get(false), branch);
    if (outcome.stale) outcome = addPage(this.state, await get(true), branch);
    if (outcome.reset || outcome.stale) return this.#reload();
    this.view.update(outcome.changed);
    this.view.flush();
  }

  /** @param {string} sort */
  async #reorder(sort) {
    this.#sort = sort;
    const snapshot = await this.#load(this.state.article.id);
    this.#state = makeState(snapshot);
    this.view.replace(this.#state, () => false);
    if (isOwnPage(this.server)) history.replaceState(history.state, "", pageLink({ sort }));
  }

  /** Open the comment a shared link points to, loaded or not. */
  async #goToTarget() {
    const id = linkedComment();
    if (!id) return;
    if (!this.state.comments.has(id)) {
      const page = await this.#asMember(`/api/comments/${id}`, true);
      if (page.article?.id !== this.state.article.id) return; // a comment of another discussion
      await this.#add(async () => page, "aside");
    }
    this.view.goTo(id);
  }

  /** Someone who has written here gets back what waits for a moderator, and learns of an expired token. */
  async #knowViewer() {
    const token = this.token;
    if (!token || this.state.viewer) return;
    try {
      const page = await this.request(`/api/articles/${this.state.article.id}/thread?limit=1`, { token });
      this.state.viewer = page.viewer;
      // Who moderates writes under the name they moderate under.
      if (this.moderates) this.#member = token;
      const held = /** @type {Comment[]} */ (page.viewer?.pending ?? []);
      for (const comment of held) addOwn(this.state, comment);
      if (page.viewer) this.view.updateAll();
      this.view.update(held.map(({ id }) => id));
      this.#connection?.listenPersonally();
    } catch (error) {
      if (error instanceof Problem && error.status === 401) this.forget(token);
    }
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
      /** @type {typeof import("./composer.js")} */
      const { Composer } = await (tries ? import(`./composer.js?again=${tries}`) : import("./composer.js"));
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
      more: () => void this.#more(target),
      "more-replies": () => void this.#more(target),
      sort: () => void this.#reorder(target.dataset["sort"] ?? "oldest").catch(() => this.#frame.fail(this.words("unreachable"))),
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
