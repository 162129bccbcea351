// @ts-check
/**
 * Asking the server for what the page did not bring: further pages, another order, the comment of a shared link, a fresh
 * snapshot. Loaded when there is something to ask. Owns what is asked for, and what can be tried again; how it is asked is
 * asking.js's, and the thread owns what becomes of it.
 */
import { ask, Problem } from "./api.js";
import { askAsReader, loadPage } from "./asking.js";
import { childOf, setAttribute } from "./elements.js";
import { fail } from "./failure.js";
import { keepTrying } from "./keep-trying.js";
import { isOwnPage, pageLink } from "./page-address.js";
import { findAnchor } from "./reading-place.js";
import { addStyle } from "./styles.js";
import { addOwn, addPage, dropHeld } from "./thread-pages.js";
import { fold, makeState } from "./thread-state.js";
import { arrange } from "./placing.js";
import { forget } from "./remembering.js";

/** @typedef {import("./types.js").Comment} Comment @typedef {import("./types.js").Page} Page */

const ROOTS = 25; // top-level comments of a page; the server gives at most four pages at once
const PAGES = 10; // asked for to have again what was there: some 2 MB at most

export class Loader {
  #thread;
  /** @type {Promise<void> | null} */
  #knowing = null;
  #sort = ""; // asked for last
  /** @param {import("./thread.js").Thread} thread */
  constructor(thread) {
    this.#thread = thread;
    void addStyle(thread.root, "acting.css"); // further pages stand in chunks
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
    // What was there before the last event that was heard is not new, shown or not.
    await this.#replace(pages, (comment) => comment.created_at > (state.at ?? "") && !this.#thread.showsAtOnce(comment), place);
  }

  /** Show other pages of the same thread; what was not there before waits behind the pill where `hold` says so.
   * @param {Page[]} pages @param {(comment: Comment) => boolean} hold @param {number} [place]  what is being read */
  async #replace(pages, hold, place = 0) {
    const thread = this.#thread;
    const { view } = thread;
    // What is being read or answered may stand further on: it comes with what is above it, unless it is gone.
    const answered = [...view.views].filter(([, { entry }]) => childOf(entry, "form")).map(([id]) => id);
    const around = /** @type {Page[]} */ ([]);
    for (const id of [place, ...answered]) {
      if (!id || [...pages, ...around].some(({ comments }) => comments.some((comment) => comment.id === id))) continue;
      const page = await askAsReader(thread, `/api/comments/${id}`, true).catch(() => null);
      if (page) around.push(page);
    }
    const [snapshot, ...further] = pages;
    if (!snapshot) return;
    const before = thread.state;
    const held = [...before.comments.values()].filter(({ status }) => status === "pending");
    const state = (thread.state = view.state = makeState(snapshot));
    state.viewer ??= before.viewer;
    // Events that have overtaken the page.
    const missed = before.recent.filter(({ seq }) => seq > state.seq);
    if (state.epoch === before.epoch && missed.length === before.seq - state.seq) {
      for (const event of missed) fold(state, event, new Set());
      state.recent = missed;
      Object.assign(state, { seq: before.seq, at: before.at });
    }
    for (const anchor of childOf(view.frame.section, ".header")?.querySelectorAll("[data-sort]") ?? []) setAttribute(anchor, "aria-current", anchor.getAttribute("data-sort") === state.sort ? "true" : null);
    childOf(view.frame.section, "[data-ripost=all]")?.remove(); // it begins where the discussion does
    for (const page of further) addPage(state, page);
    for (const page of around) addPage(state, page, "aside");
    for (const comment of held) addOwn(state, comment);
    view.away = null;
    view.waiting.clear();
    for (const [id, comment] of state.comments) if (!view.views.has(id) && hold(comment)) view.waiting.add(id);
    view.keep(() => {
      for (const id of view.views.keys()) if (!state.comments.has(id)) view.remove(id);
      arrange(view);
      view.complete();
    });
    thread.acting?.check();
    if (state.seq < before.seq) thread.connection.resubscribe();
  }

  /** @param {HTMLElement} anchor  a link to what is not loaded; says so while it loads */
  async more(anchor) {
    if (anchor.ariaBusy === "true") return;
    const { textContent } = anchor;
    anchor.ariaBusy = "true";
    anchor.textContent = this.#thread.words("loading");
    const { root, view } = this.#thread;
    const focused = root.activeElement === anchor;
    const branch = anchor.dataset["branch"] ? Number(anchor.dataset["branch"]) : null;
    try {
      const cursor = (branch === null ? this.#thread.state.next : this.#thread.state.branches.get(branch)) ?? "";
      const get = (/** @type {boolean} */ fresh) => branch === null
        ? loadPage(this.#thread, this.#article, { sort: this.#thread.state.sort, cursor, fresh })
        : askAsReader(this.#thread, `/api/comments/${branch}/replies?${new URLSearchParams({ cursor })}`, fresh);
      const first = await this.#add(get, branch);
      // Focus on a link that has brought all there is goes to what it brought.
      if (focused && !anchor.isConnected && first) view.element(first)?.focus({ preventScroll: true });
    } catch (error) {
      fail(this.#thread, error, () => this.more(anchor));
    }
    anchor.textContent = textContent;
    anchor.ariaBusy = null;
  }

  /** @param {(fresh: boolean) => Promise<any>} get @param {number | "aside" | null} branch @returns {Promise<number | undefined>} the first comment that came */
  async #add(get, branch) {
    const { state, view } = this.#thread;
    let [page] = await Promise.all([get(false), this.#thread.prepare()]);
    if (this.#thread.state !== state) return; // in another order by now, and from its beginning
    let outcome = addPage(state, page, branch);
    if (outcome.stale) outcome = addPage(state, page = await get(true), branch);
    if (outcome.reset || outcome.stale) return void this.reload();
    if (state.viewer) Object.assign(state.viewer.votes, page.viewer?.votes);
    view.update(outcome.changed);
    view.flush();
    this.#thread.acting?.check();
    return page.comments[0]?.id;
  }

  /** @param {string} sort */
  async reorder(sort) {
    this.#sort = sort;
    try {
      const [snapshot] = await Promise.all([loadPage(this.#thread, this.#article, { sort }), this.#thread.prepare()]);
      if (this.#sort !== sort) return;
      await this.#replace([snapshot], () => false);
      if (isOwnPage(this.#thread.server)) history.replaceState(history.state, "", pageLink({ sort }));
    } catch (error) {
      if (this.#sort === sort) fail(this.#thread, error, () => this.reorder(sort));
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
    const attempt = () => ask(thread, `/api/articles/${this.#article}/thread?sort=${thread.state.sort}`, { token }).catch((error) => {
      if (!(error instanceof Problem)) throw error;
      if (error.status === 401) forget(thread, token);
      return null;
    });
    const page = await keepTrying(attempt, thread.signal, () => null).catch(() => null);
    if (!page?.viewer) return;
    thread.state.viewer = page.viewer;
    for (const comment of page.viewer.pending) addOwn(thread.state, comment);
    thread.view.updateAll();
    thread.view.update(page.viewer.pending.map((/** @type {Comment} */ { id }) => id));
    thread.connection.listenPersonally();
  }

  /** Ask again which of one's own comments wait for a moderator: some may have been decided about while nobody listened. */
  async knowHeld() {
    const { state, view } = this.#thread;
    const before = [...state.comments.values()].filter((comment) => comment.status === "pending" && this.#thread.isOwn(comment)).map(({ id }) => id);
    if (!before.length) return;
    const { viewer } = await loadPage(this.#thread, this.#article, { fresh: true, sort: state.sort, limit: 1 }).catch(() => /** @type {Partial<Page>} */ ({}));
    if (!viewer) return;
    for (const id of before) if (!viewer.pending.some((held) => held.id === id)) dropHeld(state, id);
    view.update(before);
  }

  get #article() {
    return this.#thread.state.article.id;
  }
}
