// @ts-check
/**
 * Asking the server for what the page did not bring: further pages, another order, the comment of a shared link, a fresh
 * snapshot. Loaded when there is something to ask. Owns what is asked for, and what can be tried again; how it is asked is
 * first-page.js's, and the thread owns what becomes of it.
 */
import { ask, Problem } from "./api.js";
import { childOf, setAttribute } from "./elements.js";
import { askAsReader, fail, loadPage } from "./first-page.js";
import { isOwnPage, pageLink } from "./page-address.js";
import { findAnchor } from "./reading-place.js";
import { addStyle } from "./styles.js";
import { addOwn, addPage } from "./thread-pages.js";
import { makeState } from "./thread-state.js";
import { forget } from "./remembering.js";

/** @typedef {import("./types.js").Comment} Comment @typedef {import("./types.js").Page} Page */

const ROOTS = 25; // top-level comments of a page; the server gives at most four pages at once
const PAGES = 10; // asked for to have again what was there: some 2 MB at most

export class Loader {
  #thread;
  /** @type {Promise<void> | null} */
  #knowing = null;
  /** What failed last. */
  #again = () => {};

  /** @param {import("./thread.js").Thread} thread */
  constructor(thread) {
    this.#thread = thread;
    void addStyle(thread.root, "acting.css"); // further pages stand in chunks
  }

  /** Do again what could not be done. */
  retry() {
    this.#thread.view.around();
    this.#again();
  }

  /** The log cannot be resumed, or not at a reasonable cost: begin with a snapshot. What is new in it waits behind the pill. */
  async reload() {
    const { state, view } = this.#thread;
    const { section, feed } = view.frame;
    const anchor = findAnchor(/** @type {ShadowRoot} */ (section.getRootNode()), feed);
    const place = Number(/** @type {HTMLElement | null | undefined} */ (anchor?.closest("article"))?.dataset["commentId"]);
    // As much as was there before, in whole pages; not what has come since behind those that are not loaded.
    let missing = Math.max(state.edge === null ? 0 : state.roots.lastIndexOf(state.edge) + 1, 1);
    const pages = /** @type {Page[]} */ ([]);
    for (let cursor = /** @type {string | null} */ (""); cursor !== null && missing > 0 && pages.length < PAGES; ) {
      const page = await loadPage(this.#thread, this.#article, { fresh: true, sort: state.sort, cursor, limit: Math.min(Math.ceil(missing / ROOTS), 4) * ROOTS });
      pages.push(page);
      missing -= page.comments.filter(({ parent }) => parent === null).length;
      cursor = page.next;
    }
    await this.#thread.prepare();
    const [snapshot, ...further] = pages;
    if (!snapshot) return;
    // What is being read may stand further on still: it comes with what is above it.
    const away = place && !pages.some(({ comments }) => comments.some(({ id }) => id === place));
    const around = away ? await askAsReader(this.#thread, `/api/comments/${place}`, true).catch(() => null) : null;
    this.#replace(snapshot, (comment) => !this.#thread.showsAtOnce(comment), further, around);
  }

  /** Show another snapshot of the same thread; what was not there before waits behind the pill where `hold` says so.
   * @param {Page} snapshot @param {(comment: Comment) => boolean} hold @param {Page[]} [further]  the pages after it @param {Page | null} [around]  a comment from elsewhere */
  #replace(snapshot, hold, further = [], around = null) {
    const thread = this.#thread;
    const { view } = thread;
    const held = [...thread.state.comments.values()].filter(({ status }) => status === "pending");
    const state = (thread.state = view.state = makeState(snapshot));
    for (const anchor of childOf(view.frame.section, ".header")?.querySelectorAll("[data-sort]") ?? []) setAttribute(anchor, "aria-current", anchor.getAttribute("data-sort") === state.sort ? "true" : null);
    for (const page of further) addPage(state, page);
    if (around) addPage(state, around, "aside");
    for (const comment of held) addOwn(state, comment);
    view.away = null;
    view.waiting.clear();
    for (const [id, comment] of state.comments) if (!view.views.has(id) && hold(comment)) view.waiting.add(id);
    view.keep(() => {
      for (const id of view.views.keys()) {
        if (state.comments.has(id)) continue;
        // It is elsewhere, not removed: what is being written below it waits until it is back.
        view.element(id)?.querySelector(":scope > .entry > form")?.remove();
        view.remove(id);
      }
      view.update(state.comments.keys());
      view.flush();
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
        ? loadPage(this.#thread, this.#article, { sort: this.#thread.state.sort, cursor, fresh })
        : askAsReader(this.#thread, `/api/comments/${branch}/replies?${new URLSearchParams({ cursor })}`, fresh);
      await this.#add(get, branch);
    } catch (error) {
      this.#fail(error, () => this.more(anchor));
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
    try {
      const [snapshot] = await Promise.all([loadPage(this.#thread, this.#article, { sort }), this.#thread.prepare()]);
      this.#replace(snapshot, () => false);
      if (isOwnPage(this.#thread.server)) history.replaceState(history.state, "", pageLink({ sort }));
    } catch (error) {
      this.#fail(error, () => this.reorder(sort));
    }
  }

  /** Bring in a comment from elsewhere in the thread, with those above it. @param {number} id @returns {Promise<boolean>} */
  async aside(id) {
    const page = await askAsReader(this.#thread, `/api/comments/${id}`, true);
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
      const page = await ask(thread, `/api/articles/${this.#article}/thread?sort=${thread.state.sort}`, { token });
      thread.state.viewer = page.viewer;
      const held = /** @type {Comment[]} */ (page.viewer?.pending ?? []);
      for (const comment of held) addOwn(thread.state, comment);
      if (page.viewer) thread.view.updateAll();
      thread.view.update(held.map(({ id }) => id));
      thread.connection.listenPersonally();
    } catch (error) {
      if (error instanceof Problem && error.status === 401) forget(thread, token);
    }
  }

  /** @param {unknown} error @param {() => void} again */
  #fail(error, again) {
    this.#again = again;
    fail(this.#thread, error);
  }

  get #article() {
    return this.#thread.state.article.id;
  }
}
