// @ts-check
/**
 * One open discussion: wires state, view and connection, and (once the reader does something) what acts for them. Owns the
 * order of things: what is applied before what is shown, and what others wrote before it is asked for. Ends with its signal.
 */
import { BrowserStore } from "./browser-store.js";
import { Clock } from "./clock.js";
import { Connection } from "./connection.js";
import { make } from "./elements.js";
import { keepTrying, loadModule } from "./keep-trying.js";
import { loadMaker } from "./maker.js";
import { isOwnPage, linkedComment, pageLink, renderedSnapshot } from "./page-address.js";
import { Presence } from "./presence.js";
import { ThreadFrame } from "./thread-frame.js";
import { applyEvent, isClosed, makeState } from "./thread-state.js";
import { ThreadView } from "./thread-view.js";
import { findWords } from "./words.js";

/** @typedef {import("./types.js").Comment} Comment @typedef {import("./types.js").ThreadEvent} ThreadEvent
 * @typedef {import("./acting.js").Acting} Acting @typedef {import("./loading.js").Loader} Loader */

const QUIET = 2000; // milliseconds without a live link before a word is said about it: most are over sooner

export class Thread {
  /** @type {ThreadFrame} */
  frame; // there from the moment anything can be shown; so is all that has no value yet
  /** @type {Clock} */
  clock;
  /** @type {import("./words.js").Words} */
  words;
  language = "en";
  /** @type {import("./thread-state.js").ThreadState} */
  state;
  /** @type {ThreadView} */
  view;
  /** @type {Connection} */
  connection;
  /** @type {Presence} */
  presence;
  #quiet = 0;
  /** The first button that was pressed before there was anything to carry it out. @type {HTMLElement | null | undefined} */
  #early;
  #counted = ""; // before the title of the tab
  /** The token the page gave us, until the server refuses it. */
  member;
  /** @type {Promise<void> | undefined} */
  #preparing;
  /** @type {Promise<Loader> | undefined} */
  #loading;
  /** @type {Promise<Acting> | undefined} */
  #starting;
  /** @type {Acting | undefined} */
  acting;
  /** What sets this reader's own comments apart, once that is known. @type {import("./own-comments.js").OwnComments | undefined} */
  own;
  /** The last visit, and from where on something is new at the next. @type {import("./types.js").Visit | null} */
  last = null;
  #calm = { epoch: "", seq: 0 };

  /** @param {HTMLElement} host @param {ShadowRoot} root @param {AbortSignal} signal */
  constructor(host, root, signal) {
    this.host = host;
    this.root = root;
    this.signal = signal;
    this.server = new URL(host.getAttribute("server") || import.meta.url).origin;
    this.store = new BrowserStore(this.server);
    this.member = host.getAttribute("token");
    signal.addEventListener("abort", () => clearTimeout(this.#quiet));
  }

  /** Load what the server has not rendered, show it, go live. Ends quietly with the signal. @param {import("./types.js").InWords | null} [known]  the words of what stands there */
  async start(known) {
    const { host, root, signal, store } = this;
    const hear = (/** @type {string} */ name, /** @type {(event: any) => void} */ heard, /** @type {EventTarget} */ target = root) => target.addEventListener(name, heard, { signal });
    hear("click", (event) => this.#click(event));
    hear("submit", (event) => {
      const { target } = event; // outside the shadow tree, and later, it is another
      if (root.contains(target)) event.preventDefault(); // not a form of the page's own
      if (this.view) void this.act((acting) => acting.submit(target));
    });
    for (const name of ["focusin", "input"]) hear(name, (event) => this.#compose(event));
    // `n` and `p` lead to what is unread: never while something is written.
    hear("keydown", (event) => /^[np]$/.test(event.key) && this.view && !event.target.matches("input, textarea, select") && this.act((acting) => acting.press(event)));
    // Another window of this person has posted: what is theirs there is theirs here.
    hear("storage", ({ key }) => key === store.identitiesKey && this.view && this.act((acting) => acting.knowOwn()), window);
    // What the page gives the element to hold is shown until there is something else.
    const there = /** @type {HTMLElement} */ (root.querySelector(".thread, slot") ?? root.appendChild(make("slot")));
    const link = root.querySelector("link") ?? /** @type {HTMLLinkElement} */ (root.appendChild(make("link", { rel: "stylesheet", href: new URL("./ripost.css", import.meta.url).href })));
    let section = there;
    // Unstyled comments must not flash; an unreachable stylesheet must not hide them.
    let bare = !link.sheet;
    link.onload = link.onerror = () => (section.hidden = bare = false);
    const show = (/** @type {HTMLElement} */ made) => {
      made.hidden = bare;
      section.replaceWith(made);
      this.frame = new ThreadFrame((section = made), this.words);
    };
    const load = /** @type {(tries: number) => Promise<typeof import("./drawing.js")>} */ (loadModule("./drawing.js"));
    const rendered = renderedSnapshot(root, Number(host.getAttribute("article")));
    let [found, drawing] = await Promise.all([known ?? this.#need(() => findWords(host)), rendered ? null : this.#need(load)]).catch(() => []);
    if (!found) return;
    const { language, words } = found;
    Object.assign(this, found);
    this.clock = new Clock(language, signal);
    /** @type {import("./types.js").Page | null | Promise<import("./types.js").Page | null>} */
    let page = rendered;
    // In other words, or of another thread, whose forms are none of ours.
    if (!rendered || there.lang.slice(0, 2) !== language.slice(0, 2)) {
      drawing ??= await this.#need(load).catch(() => null);
      if (!drawing || signal.aborted) return;
      page = drawing.draw(this, show);
    } else this.frame = new ThreadFrame(section, words);
    this.#say("offline", false);
    const snapshot = await page;
    if (!snapshot || signal.aborted) return;
    this.state = makeState(snapshot);
    const { id } = this.state.article;
    this.view = new ThreadView(root, this.frame, this.state, {
      words,
      clock: this.clock,
      link: pageLink,
      shown: (view) => {
        this.own?.offer(view);
        this.acting?.shown(view);
      },
      prepare: () => this.prepare(),
    });
    this.view.complete();
    this.presence = new Presence(this.view, words);
    this.connection = new Connection({
      server: this.server,
      article: id,
      position: () => this.state,
      event: (event) => this.take(event),
      reset: () => this.loader().then((loader) => loader.reload()),
      status: (state, stopped) => this.#say(state, stopped),
      token: () => this.own?.waiting ? this.token : null,
      personal: (frame) => frame.channel ? this.own?.hear(frame) : frame.counts ? this.#title(frame.counts[id] - this.state.article.comment_count) : this.presence.show(frame),
      signal,
    });
    const last = /** @type {import("./types.js").Visit | null} */ (this.last = store.read(`visit:${id}`));
    this.#rest();
    hear("visibilitychange", () => document.hidden && store.write(`visit:${id}`, { ...this.#rest(), left: this.acting?.left ?? last?.left ?? [], own: this.own?.ids ?? last?.own ?? [] }), document);
    // Words may also have been typed, or are about to be, before the script was there or while it started anew.
    const writing = store.keys(`draft:${id}:`).length || this.composerForm?.querySelector("textarea")?.value || root.activeElement?.closest("form");
    // What the server has rendered and the browser has focused needs nothing more.
    const linked = root.activeElement?.matches("[data-asked]") ? 0 : linkedComment();
    const unread = last && (last.seq < this.#calm.seq || last.left.length > 0);
    this.#early?.click();
    if (linked || writing || unread || this.token || store.own.length) await this.act((acting) => acting.begin(linked, Boolean(writing), Boolean(unread)));
  }

  get composerForm() {
    return this.frame.part("composer").querySelector("form");
  }

  /** The token of whoever reads here, member or guest. */
  get token() {
    return this.member ?? this.store.identities[0]?.token ?? null;
  }

  /** @param {Comment} comment */
  isOwn(comment) {
    return this.own?.has(comment) ?? false;
  }

  /** @param {ThreadEvent} event  @returns {boolean} false: one before it is missing */
  take(event) {
    const { changed, gap, reset } = applyEvent(this.state, event);
    if (gap || reset) return false;
    const { comment, type } = event;
    if (comment && type !== "comment.edited") {
      if (!this.showsAtOnce(comment)) for (const id of changed) this.view.hold(id);
      else if (this.own) this.frame.say(this.own.spoken(comment));
    }
    if (type === "article.updated") {
      this.view.updateAll();
      if (!this.composerForm && !isClosed(this.state)) void this.prepare().then(() => (this.view.flush(), this.acting?.check()));
    }
    const { id = 0, status = "" } = event;
    if (type === "comment.removed" && this.view.element(id)) this.#mention(this.words(status));
    this.acting?.check();
    this.view.update(changed);
    this.#rest();
    this.#emit("comment", event);
    return true;
  }

  /** One's own words and direct answers to them do not wait; nor does anything while nothing is being read. @param {Comment} comment */
  showsAtOnce(comment) {
    const parent = this.state.comments.get(comment.parent ?? 0);
    return !this.view.views.size || this.isOwn(comment) || (parent !== undefined && this.isOwn(parent));
  }

  /** From where on something is new at the next visit: with nothing waiting to be shown, all of this has been here before. */
  #rest() {
    const { epoch, seq, unloaded } = this.state;
    return this.view.waiting.size || unloaded.size ? this.#calm : (this.#calm = { epoch, seq });
  }

  /** What is loaded when it is needed, for as long as that takes. @template T @param {(tries: number) => Promise<T>} load */
  #need(load) {
    let failed = false;
    const said = () => {
      failed = true;
      this.frame?.fail(this.words("unreachable"));
    };
    return keepTrying(load, this.signal, said).then((loaded) => {
      if (failed) this.view?.around();
      return loaded;
    });
  }

  /** What makes comments and forms, loaded when the first has to be made. @returns {Promise<void>} */
  prepare() {
    return (this.#preparing ??= this.#need(loadMaker));
  }

  /** Asking the server for more than the page brought: loaded when there is something to ask. @returns {Promise<Loader>} */
  loader() {
    return (this.#loading ??= this.#need(loadModule("./loading.js")).then(({ Loader }) => new Loader(this)));
  }

  /** What a reader does by hand: loaded when they do. @template T @param {(acting: Acting) => T} act */
  act(act) {
    this.#starting ??= this.#need(loadModule("./acting.js")).then(({ Acting }) => (this.acting = new Acting(this)));
    return this.#starting.then(act, () => null);
  }

  /** @param {Event} event */
  #compose({ type, target }) {
    const form = target instanceof Element && target.closest("form");
    if (form) form.dataset["used"] = "";
    if (!this.view || !form) return;
    void this.act((acting) => acting.composer());
    // The server may be away, and the composer with it: what is typed is kept all the same, beside what was kept before.
    const area = this.composerForm?.querySelector("textarea");
    if (type === "input" && target === area && !form.querySelector(".message")) this.store.setDraft(`${this.state.article.id}:early`, { text: area.value });
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
      // Before there is a view the server shows what is linked.
      if (!this.view || (!ripost && !this.state.comments.has(linked))) return;
      event.preventDefault();
      if (linked) {
        history.replaceState(history.state, "", target.href);
        return void this.act((acting) => acting.goTo(linked));
      }
    }
    if (!ripost) return;
    // A form is sent by its button, also by Enter.
    if (!this.view) {
      this.#early ||= /** @type {Element} */ (event.target).closest("button");
      return;
    }
    // Reading goes on without the server.
    if (ripost === "fold") this.view.fold(Number(/** @type {HTMLElement} */ (target.parentElement).dataset["commentId"]));
    else void this.act((acting) => acting.act(target));
  }

  /** @param {import("./types.js").LinkState} state @param {boolean} stopped */
  #say(state, stopped) {
    if (this.signal.aborted) return;
    clearTimeout(this.#quiet);
    // Nobody has to hear of a link that was let go on purpose.
    const words = /live|paused/.test(state) || document.hidden ? "" : this.words(stopped ? "stopped" : state === "offline" ? "offline" : "catchingUp");
    // Once something was said, it is kept up to date; before that, a short break is nobody's business.
    const { dataset, textContent } = this.frame.part("status");
    const now = words && (!textContent || dataset["state"] === "live") ? "" : words; // a live link says nothing
    this.frame.status(state, now);
    if (now !== words) this.#quiet = window.setTimeout(() => this.frame.status(state, words), QUIET);
    if (!document.hidden) this.#title(0);
    this.#emit("status", { state });
  }

  /** Said for a moment, where the link is spoken of; not what went while nobody listened. @param {string} text */
  #mention(text) {
    const line = this.frame.part("status");
    if (line.dataset["state"] !== "live") return;
    clearTimeout(this.#quiet);
    line.textContent = text;
    this.#quiet = window.setTimeout(() => (line.textContent = ""), 2 * QUIET);
  }

  /** On Ripost's own page the tab says how many comments have come while nobody looked. @param {number} n */
  #title(n) {
    if (!isOwnPage(this.server)) return;
    const title = document.title.slice(this.#counted.length);
    this.#counted = n > 0 ? `(${n}) ` : "";
    document.title = this.#counted + title;
  }

  /** @param {string} name @param {unknown} detail */
  #emit(name, detail) {
    this.host.dispatchEvent(new CustomEvent(`ripost:${name}`, { detail, bubbles: true, composed: true }));
  }
}
