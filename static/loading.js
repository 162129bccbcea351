// @ts-check
/**
 * Asking the server for what the page did not bring: the first page on a foreign site, further pages, another order, the
 * comment of a shared link, a fresh snapshot. Loaded when there is something to ask. Owns how it is asked (as whom, in
 * which order) and what is said when there is no answer; the thread owns what becomes of it.
 */
import { Problem } from "./api.js";
import { pageLink } from "./page-address.js";
import { findAnchor } from "./reading-place.js";
import { addOwn, addPage, makeState } from "./thread-state.js";

/** @typedef {import("./types.js").Comment} Comment @typedef {import("./types.js").Page} Page */

const ROOTS = 25; // top-level comments of a page; the server gives at most four pages at once
const PAGES = 10; // asked for to have again what was there: some 2 MB at most

export class Loader {
  #thread;
  #host;
  #frame;
  #signal;
  #sort;
  /** @type {Promise<void> | null} */
  #knowing = null;

  /** @param {import("./thread.js").Thread} thread @param {HTMLElement} host @param {import("./thread-frame.js").ThreadFrame} frame @param {AbortSignal} signal */
  constructor(thread, host, frame, signal) {
    this.#thread = thread;
    this.#host = host;
    this.#frame = frame;
    this.#signal = signal;
    this.#sort = host.getAttribute("sort");
  }

  /** The first page; asks again for as long as it takes. @returns {Promise<Page | null>} null: not wanted any more */
  async first() {
    while (!this.#signal.aborted) {
      try {
        return await this.#load(await this.#resolve());
      } catch (error) {
        if (this.#signal.aborted) return null;
        this.#fail(error);
        await this.#askedAgain();
      }
    }
    return null;
  }

  /** The log cannot be resumed, or not at a reasonable cost: begin with a snapshot. What is new in it waits behind the pill. */
  async reload() {
    const { state, view } = this.#thread;
    const { section, feed } = view.frame;
    const anchor = findAnchor(/** @type {ShadowRoot} */ (section.getRootNode()), feed);
    const place = Number(/** @type {HTMLElement | null | undefined} */ (anchor?.closest("article"))?.dataset["commentId"]);
    let missing = Math.max(state.roots.length, 1); // as much as was there before, in whole pages
    const pages = /** @type {Page[]} */ ([]);
    for (let cursor = /** @type {string | null} */ (""); cursor !== null && missing > 0 && pages.length < PAGES; ) {
      const page = await this.#load(this.#article, { fresh: true, cursor, limit: Math.min(Math.ceil(missing / ROOTS), 4) * ROOTS });
      pages.push(page);
      missing -= page.comments.filter(({ parent }) => parent === null).length;
      cursor = page.next;
    }
    await this.#thread.prepare();
    const [snapshot, ...further] = pages;
    if (!snapshot) return;
    // What is being read may stand further on still: it comes with what is above it.
    const away = place && !pages.some(({ comments }) => comments.some(({ id }) => id === place));
    const around = away ? await this.#asMember(`/api/comments/${place}`, true).catch(() => null) : null;
    this.#replace(snapshot, (comment) => !this.#thread.showsAtOnce(comment), further, around);
  }

  /** Show another snapshot of the same thread; what was not there before waits behind the pill where `hold` says so.
   * @param {Page} snapshot @param {(comment: Comment) => boolean} hold @param {Page[]} [further]  the pages after it @param {Page | null} [around]  a comment from elsewhere */
  #replace(snapshot, hold, further = [], around = null) {
    const thread = this.#thread;
    const { view } = thread;
    const held = [...thread.state.comments.values()].filter(({ status }) => status === "pending");
    const state = (thread.state = view.state = makeState(snapshot));
    for (const page of further) addPage(state, page);
    if (around) addPage(state, around, "aside");
    for (const comment of held) addOwn(state, comment);
    view.away = null;
    view.waiting.clear();
    for (const [id, comment] of state.comments) if (!view.has(id) && hold(comment)) view.waiting.add(id);
    view.keep(() => {
      for (const id of view.views.keys()) {
        if (state.comments.has(id)) continue;
        // It is elsewhere, not removed: what is being written below it waits until it is back.
        view.element(id)?.querySelector(":scope > .entry > form")?.remove();
        view.remove(id);
      }
      view.all();
    });
    thread.acting?.check();
  }

  /** @param {HTMLElement} anchor  a link to what is not loaded; says so while it loads */
  async more(anchor) {
    if (anchor.ariaBusy === "true") return;
    const { textContent } = anchor;
    anchor.ariaBusy = "true";
    anchor.textContent = this.#thread.words("loading");
    const branch = anchor.dataset["branch"] ? Number(anchor.dataset["branch"]) : null;
    try {
      const cursor = (branch === null ? this.#thread.state.next : this.#thread.state.branches.get(branch)) ?? "";
      const get = (/** @type {boolean} */ fresh) => branch === null
        ? this.#load(this.#article, { cursor, fresh })
        : this.#asMember(`/api/comments/${branch}/replies?${new URLSearchParams({ cursor })}`, fresh);
      await this.#add(get, branch);
    } catch (error) {
      this.#fail(error);
    }
    anchor.textContent = textContent;
    anchor.ariaBusy = null;
  }

  /** @param {(fresh: boolean) => Promise<any>} get @param {number | "aside" | null} branch */
  async #add(get, branch) {
    let [page] = await Promise.all([get(false), this.#thread.prepare()]);
    let outcome = addPage(this.#thread.state, page, branch);
    if (outcome.stale) outcome = addPage(this.#thread.state, page = await get(true), branch);
    if (outcome.reset || outcome.stale) return this.reload();
    if (this.#thread.state.viewer) Object.assign(this.#thread.state.viewer.votes, page.viewer?.votes);
    this.#thread.view.update(outcome.changed);
    this.#thread.view.flush();
    this.#thread.acting?.check();
  }

  /** @param {string} sort */
  async reorder(sort) {
    const before = this.#sort;
    this.#sort = sort;
    try {
      const [snapshot] = await Promise.all([this.#load(this.#article), this.#thread.prepare()]);
      this.#replace(snapshot, () => false);
      if (isOwnPage(this.#thread.server)) history.replaceState(history.state, "", pageLink({ sort }));
    } catch (error) {
      this.#sort = before;
      this.#fail(error);
    }
  }

  /** Bring in a comment from elsewhere in the thread, with those above it. @param {number} id @returns {Promise<boolean>} */
  async aside(id) {
    const page = await this.#asMember(`/api/comments/${id}`, true);
    if (page.article?.id !== this.#article) return false; // a comment of another discussion
    await this.#add(async () => page, "aside");
    return true;
  }

  /** Someone who has written here gets back what waits for a moderator, and learns of an expired token; asked once for all
   * who want to know. */
  knowViewer() {
    return (this.#knowing ??= this.#askViewer().finally(() => (this.#knowing = null)));
  }

  async #askViewer() {
    const thread = this.#thread;
    const { token } = thread;
    if (!token || thread.state.viewer) return;
    try {
      const page = await thread.request(`/api/articles/${this.#article}/thread?sort=${thread.state.sort}`, { token });
      thread.state.viewer = page.viewer;
      const held = /** @type {Comment[]} */ (page.viewer?.pending ?? []);
      for (const comment of held) addOwn(thread.state, comment);
      if (page.viewer) thread.view.updateAll();
      thread.view.update(held.map(({ id }) => id));
      thread.connection?.listenPersonally();
    } catch (error) {
      if (error instanceof Problem && error.status === 401) thread.forget(token);
    }
  }

  /** @returns {Promise<number>} the article's id */
  async #resolve() {
    const id = Number(this.#host.getAttribute("article"));
    if (id) return id;
    return (await this.#thread.request("/api/articles/resolve", { method: "POST", body: { url: articleUrl(this.#host), title: document.title } })).id;
  }

  /** @param {number} article @param {{fresh?: boolean, cursor?: string, limit?: number}} [options] @returns {Promise<Page>} */
  #load(article, { fresh = false, cursor = "", limit = 0 } = {}) {
    const query = new URLSearchParams();
    if (this.#sort) query.set("sort", this.#sort);
    if (cursor) query.set("cursor", cursor);
    if (limit) query.set("limit", `${limit}`);
    return this.#asMember(`/api/articles/${article}/thread?${query}`, fresh);
  }

  /** Read as whoever is known here, member or guest; as anybody once the token is refused. @param {string} path @param {boolean} [fresh] @returns {Promise<any>} */
  async #asMember(path, fresh = false) {
    const { token } = this.#thread;
    try {
      return await this.#thread.request(path, { fresh, token });
    } catch (error) {
      if (!token || !(error instanceof Problem) || error.status !== 401) throw error;
      this.#thread.forget(token);
      return this.#thread.request(path, { fresh });
    }
  }

  /** Wait until the reader asks to try again, or the network is back. @returns {Promise<void>} */
  #askedAgain() {
    return new Promise((resolve) => {
      const options = { signal: this.#signal, once: true };
      this.#frame.part("failure").querySelector("button")?.addEventListener("click", () => resolve(), options);
      window.addEventListener("online", () => resolve(), options);
    });
  }

  get #article() {
    return this.#thread.state.article.id;
  }

  /** @param {unknown} error */
  #fail(error) {
    this.#frame.fail(error instanceof Problem ? sentence(error.message) : this.#thread.words("unreachable"));
  }
}

/** Whether the page is Ripost's own, where the query is for us to write. @param {string} server  its origin */
function isOwnPage(server) {
  return location.origin === server && location.pathname.startsWith("/a/");
}

/** The address of the article the discussion belongs to. @param {HTMLElement} host */
function articleUrl(host) {
  const canonical = /** @type {HTMLLinkElement | null} */ (document.querySelector("link[rel=canonical]"))?.href;
  return new URL(host.getAttribute("article-url") || canonical || location.href, location.href).href;
}

/** What the server says, as a sentence. @param {string} reason */
function sentence(reason) {
  return reason.charAt(0).toUpperCase() + reason.slice(1) + (/[.!?]$/.test(reason) ? "" : ".");
}
