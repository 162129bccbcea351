// @ts-check
/**
 * What waits, as a plain list: comments held, reported or removed, with why, and the decisions each allows. Owns which
 * state is looked at and its pages; promises that a decision takes its line away at once and that focus goes to the next.
 */
import { ask, Problem } from "../api.js";
import { make, makeButton, setAttribute, setText } from "../elements.js";
import { renderTree } from "../tree-view.js";
import { makeChoices } from "./decisions.js";

/** @typedef {import("../types.js").Comment} Comment @typedef {"pending" | "reported" | "removed"} QueueState
 *
 * @typedef {object} Entry
 * @property {Comment} comment
 * @property {{slug: string, title: string} | undefined} article
 * @property {string | null} heldFor
 * @property {{count: number, reasons: Record<string, number>, notes: string[]} | undefined} reports
 */

const STATES = /** @type {QueueState[]} */ (["pending", "reported", "removed"]);
const PAGE = 20;
const COUNTED = 100; // lines a count looks at; above it says "100+"
const EMPTY = { pending: "nothingPending", reported: "nothingReported", removed: "nothingRemoved" };

export class Queue {
  element;
  #thread;
  #words;
  #decide;
  #list;
  #more;
  #message;
  /** @type {QueueState} */
  #state = "pending";
  /** @type {Map<QueueState, HTMLButtonElement>} */
  #tabs = new Map();
  /** @type {string | null} */
  #next = null;
  /** What was asked for last: an older answer is not shown. */
  #asked = 0;

  /**
   * @param {import("../thread.js").Thread} thread @param {import("../words.js").Words} words
   * @param {(comment: Comment, choice: import("./decisions.js").Choice, reason: string) => Promise<boolean>} decide
   */
  constructor(thread, words, decide) {
    this.#thread = thread;
    this.#words = words;
    this.#decide = decide;
    this.#list = make("ol", { class: "queue-list", role: "list" });
    this.#message = make("p", { class: "message", role: "status" });
    this.#more = makeButton("queue-more", words("moreWaiting"));
    this.#more.hidden = true;
    this.#more.addEventListener("click", () => void this.#load(this.#next));
    const tabs = make("div", { class: "queue-tabs", role: "group", "aria-label": words("queue") });
    for (const state of STATES) {
      const tab = makeButton(`queue-${state}`, state === "removed" ? words("removedState") : words(`${state === "pending" ? "waiting" : state}State`, { n: 0 }), { "aria-pressed": String(state === this.#state) });
      tab.addEventListener("click", () => this.show(state));
      this.#tabs.set(state, tab);
      tabs.append(tab);
    }
    this.element = make("div", { class: "queue", part: "queue" }, tabs, this.#message, this.#list, this.#more);
  }

  /** @param {QueueState} [state] */
  show(state = this.#state) {
    this.#state = state;
    for (const [name, tab] of this.#tabs) setAttribute(tab, "aria-pressed", String(name === state));
    this.#list.replaceChildren();
    return this.#load(null);
  }

  /** Read counts and, if the list is open, what is new in it. @returns {Promise<Record<"pending" | "reported", number>>} */
  async refresh() {
    const [pending, reported] = await Promise.all([this.#fetch("pending", COUNTED), this.#fetch("reported", COUNTED)]);
    const counts = { pending: pending.comments.length, reported: reported.comments.length };
    for (const state of /** @type {("pending" | "reported")[]} */ (["pending", "reported"])) {
      const tab = this.#tabs.get(state);
      if (tab) setText(tab, this.#words(state === "pending" ? "waitingState" : "reportedState", { n: counts[state] }));
    }
    if (!this.element.hidden && this.#state !== "removed") this.#merge(this.#state === "pending" ? pending : reported);
    return counts;
  }

  /** @param {QueueState} state @param {number} limit @param {string | null} [cursor] */
  #fetch(state, limit, cursor = null) {
    const query = new URLSearchParams({ state, limit: `${limit}`, ...(cursor ? { cursor } : {}) });
    return ask(this.#thread, `/api/moderation/queue?${query}`, { token: this.#thread.token });
  }

  /** @param {string | null} cursor */
  async #load(cursor) {
    const asked = ++this.#asked;
    try {
      const page = await this.#fetch(this.#state, PAGE, cursor);
      if (asked !== this.#asked) return;
      this.#next = page.next;
      this.#merge(page, false);
      this.#more.hidden = page.next === null;
    } catch (error) {
      if (asked === this.#asked) this.#tell(this.#words("queueFailed", { reason: error instanceof Problem ? error.message : this.#words("unreachable") }), true);
    }
  }

  /** Add what is new; with `whole`, also take away what waits no longer. Lines that stay are not touched: somebody may be at one of them. @param {any} page @param {boolean} [whole] */
  #merge(page, whole = page.next === null) {
    const ids = new Set(page.comments.map((/** @type {Comment} */ { id }) => `${id}`));
    for (const line of [...this.#list.children]) if (whole && !ids.has(line.getAttribute("data-id") ?? "")) this.#drop(/** @type {HTMLElement} */ (line));
    for (const comment of /** @type {Comment[]} */ (page.comments)) {
      const there = this.#list.querySelector(`[data-id="${comment.id}"]`);
      if (there?.getAttribute("data-edited") === `${comment.edited_at}`) continue;
      const line = this.#line({
        comment,
        article: page.articles?.[comment.article],
        heldFor: page.held_for?.[comment.id] ?? null,
        reports: page.reports?.[comment.id],
      });
      // Its author has changed it: what is decided about is what stands there.
      if (!there) this.#list.append(line);
      else {
        const [before, after] = [there, line].map((one) => /** @type {HTMLInputElement | null} */ (one.querySelector(".reason")));
        const focused = there.matches(":focus-within");
        const writing = before?.matches(":focus");
        if (before && after) {
          Object.assign(after, { value: before.value, hidden: before.hidden });
          line.querySelector("[data-ripost=why]")?.setAttribute("aria-expanded", String(!after.hidden));
        }
        there.replaceWith(line);
        if (focused) (writing && after ? after : line).focus({ preventScroll: true });
      }
    }
    this.#tell(this.#list.firstElementChild ? "" : this.#words(EMPTY[this.#state]));
  }

  /** @param {Entry} entry */
  #line({ comment, article, heldFor, reports }) {
    const words = this.#words;
    const { id, author, tree } = comment;
    const place = make("a", { href: article ? `/a/${article.slug}?comment=${id}` : `?comment=${id}` }, article?.title ?? words("link"));
    const why = reports
      ? words("reportsOf", { n: reports.count, reasons: Object.keys(reports.reasons).map((reason) => words(reason)).join(", ") })
      : heldFor && this.#state === "pending" ? words("heldFor", { reason: heldFor }) : "";
    const line = make("li", { class: "queue-line", "data-id": `${id}`, "data-edited": `${comment.edited_at}`, tabindex: "-1" },
      make("p", { class: "byline" }, make("bdi", { class: "author" }, author?.name ?? ""), ` ${words("under")} `, place),
      make("div", { class: "body", dir: "auto" }, renderTree(tree ?? [])),
      ...(why ? [make("p", { class: "why" }, why)] : []),
      ...(reports?.notes ?? []).map((note) => make("blockquote", { class: "why", dir: "auto" }, note)));
    const actions = make("div", { class: "actions" });
    actions.append(...makeChoices(comment, words, async (choice, reason) => {
      if (actions.ariaBusy) return;
      actions.ariaBusy = "true"; // a button that is disabled would lose the focus
      if (await this.#decide(comment, choice, reason)) this.#drop(line);
      actions.ariaBusy = null;
    }, this.#state === "reported"));
    line.append(actions);
    return line;
  }

  /** @param {HTMLElement} line */
  #drop(line) {
    const root = /** @type {ShadowRoot} */ (line.getRootNode());
    const next = /** @type {HTMLElement | null} */ (line.nextElementSibling ?? line.previousElementSibling);
    const focused = line.contains(root.activeElement) || root.activeElement === null;
    line.remove();
    if (!this.#list.firstElementChild) this.#tell(this.#words(EMPTY[this.#state]));
    if (focused) (next?.querySelector("button") ?? this.#tabs.get(this.#state))?.focus({ preventScroll: true });
  }

  /** @param {string} text @param {boolean} [wrong] */
  #tell(text, wrong = false) {
    setText(this.#message, text);
    this.#message.classList.toggle("wrong", wrong);
  }
}
