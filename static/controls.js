// @ts-check
/**
 * What a reader can do to a comment besides answering it: vote, copy its link, report it; and for a moderator the
 * decisions about it. Loaded by the first press of such a button. Owns the row of options and the report form; promises
 * that a vote shows at once and is taken back when the server refuses it.
 */
import { ask, Problem } from "./api.js";
import { childOf, make, makeButton, setAttribute, setChild, setText } from "./elements.js";
import { keepTrying, loadModule } from "./keep-trying.js";
import { moderates } from "./rights.js";
import { addStyle } from "./styles.js";

/** @typedef {import("./types.js").Comment} Comment */

const REASONS = ["spam", "abuse", "privacy", "illegal", "other"];

export class Controls {
  #thread;
  #root;
  #signal;
  #words;
  /** @type {Promise<import("./moderation/desk.js").Desk> | null} */
  #desk = null;
  /** Votes on their way, and what was wanted last: one after the other, or the server might end with an earlier one. @type {Map<number, number>} */
  #voting = new Map();

  /** @param {import("./thread.js").Thread} thread @param {import("./words.js").Words} words */
  constructor(thread, words) {
    this.#thread = thread;
    this.#root = thread.root;
    this.#signal = thread.signal;
    this.#words = words;
    if (moderates(thread)) void this.#moderate();
  }

  /** @param {string} act @param {number} id @param {HTMLElement} target  the pressed button */
  async act(act, id, target) {
    if (act === "options") this.#toggle(id, target, this.#words);
    else await this.#vote(id, act === "up" ? 1 : -1, this.#words);
  }

  /** @returns {Promise<import("./moderation/desk.js").Desk>} */
  #moderate() {
    this.#desk ??= Promise.all([keepTrying(loadModule("./moderation/desk.js"), this.#signal, () => null), addStyle(this.#root, "moderation/desk.css")])
      .then(([{ Desk }]) => new Desk(this.#thread, this.#root, this.#words, this.#signal));
    return this.#desk;
  }

  /** Vote, or take the same vote back. @param {number} id @param {1 | -1} value @param {import("./words.js").Words} words */
  async #vote(id, value, words) {
    const { state, view, token } = this.#thread;
    const comment = state.comments.get(id);
    if (!comment) return;
    if (this.#thread.isOwn(comment)) return this.#say(id, words("ownVote"));
    // Who has just come is asked about still; what they voted before decides what this press means.
    if (token && !state.viewer) await this.#thread.loader().then((loader) => loader.knowViewer());
    if (!token || !state.viewer) return this.#say(id, words("voteAfterPost"));
    let known = state.viewer.votes[id] ?? 0; // to the server, unless one is on its way
    const wanted = known === value ? 0 : value;
    this.#show(id, wanted);
    this.#say(id, "");
    const isOnItsWay = this.#voting.has(id);
    this.#voting.set(id, wanted);
    if (isOnItsWay) return;
    try {
      for (let next = wanted; next !== known; next = this.#voting.get(id) ?? next) {
        await ask(this.#thread, `/api/comments/${id}/vote`, { method: "PUT", token, body: { value: next } });
        known = next;
      }
    } catch (error) {
      this.#show(id, known);
      this.#say(id, words("voteFailed", { reason: reasonOf(error, words) }), true);
    } finally {
      this.#voting.delete(id);
      view.update([id]);
    }
  }

  /** Show a vote before the public score has it; the next score the server says replaces this one. @param {number} id @param {number} after */
  #show(id, after) {
    const { state, view } = this.#thread;
    const comment = state.comments.get(id);
    if (!comment || !state.viewer) return;
    const before = state.viewer.votes[id] ?? 0;
    const up = Math.max(0, comment.up + Number(after === 1) - Number(before === 1));
    const down = Math.max(0, comment.down + Number(after === -1) - Number(before === -1));
    state.comments.set(id, { ...comment, up, down });
    state.viewer.votes[id] = after;
    view.update([id]);
  }

  /** Open the row of options below a comment, or close it. @param {number} id @param {HTMLElement} button @param {import("./words.js").Words} words */
  #toggle(id, button, words) {
    const entry = button.closest(".entry");
    const comment = this.#thread.state.comments.get(id);
    if (!comment || !entry || closeOptions(entry)) return;
    const name = comment.author?.name ?? "";
    const row = make("div", { class: "options", part: "options", role: "group", "aria-label": this.#thread.words("options", { name }) });
    const add = (/** @type {string} */ action, /** @type {string} */ text, /** @type {() => void} */ press, /** @type {string | null} */ label = null) => {
      const made = makeButton(action, text, { "aria-label": label });
      made.addEventListener("click", press, { signal: this.#signal });
      row.append(made);
    };
    add("copy-link", words("copyLink"), () => void this.#copy(id, words));
    if (!this.#thread.isOwn(comment)) add("report", words("report"), () => this.#ask(id, row, words));
    if (moderates(this.#thread)) {
      void this.#moderate().then((desk) => row.append(...desk.decisionsFor(id)));
    }
    row.addEventListener("keydown", (event) => {
      const fields = /** @type {NodeListOf<HTMLInputElement | HTMLTextAreaElement>} */ (row.querySelectorAll("textarea, .reason"));
      if (event.key === "Escape" && [...fields].every(({ value }) => !value.trim())) closeOptions(entry);
    });
    entry.querySelector(":scope > .actions")?.after(row);
    setAttribute(button, "aria-expanded", "true");
  }

  /** @param {number} id @param {import("./words.js").Words} words */
  async #copy(id, words) {
    const link = this.#thread.view.element(id)?.querySelector(".permalink");
    const address = link instanceof HTMLAnchorElement ? link.href : "";
    try {
      await navigator.clipboard.writeText(address);
      this.#say(id, words("copied"));
    } catch {
      this.#say(id, address); // Where the page may not write to the clipboard, the address is there to be marked.
    }
  }

  /** The report form, in place. @param {number} id @param {HTMLElement} row @param {import("./words.js").Words} words */
  #ask(id, row, words) {
    if (row.querySelector("form")) return void row.querySelector("input")?.focus();
    const choices = REASONS.map((reason) =>
      make("label", { class: "choice" }, make("input", { type: "radio", name: "reason", value: reason }), words(reason)));
    const note = /** @type {HTMLTextAreaElement} */ (make("textarea", { name: "note", rows: "2", maxlength: "1000", dir: "auto", "aria-label": words("note"), placeholder: words("note") }));
    const send = /** @type {HTMLButtonElement} */ (make("button", { class: "primary", part: "submit", type: "submit" }, words("sendReport")));
    const cancel = makeButton("cancel-report", this.#thread.words("cancel"));
    const message = make("p", { class: "message", role: "status" });
    const form = /** @type {HTMLFormElement} */ (make("form", { class: "composer inner report", method: "dialog", novalidate: "" },
      make("fieldset", {}, make("legend", {}, words("reportAsk")), ...choices), note, message, make("div", { class: "composer-row" }, cancel, send)));
    cancel.addEventListener("click", () => {
      form.remove();
      /** @type {HTMLElement | null} */ (row.querySelector("[data-ripost=report]"))?.focus();
    });
    // Neither a comment nor its draft: the thread's own listeners are not to see it.
    for (const type of ["focusin", "input"]) form.addEventListener(type, (event) => event.stopPropagation());
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      event.stopPropagation();
      if (send.ariaDisabled) return;
      const reason = new FormData(form).get("reason");
      if (!reason) {
        setText(message, words("needReason"));
        message.classList.add("wrong");
        return void form.querySelector("input")?.focus();
      }
      send.ariaDisabled = "true"; // one that is disabled would lose the focus
      try {
        const body = { reason, ...(note.value.trim() ? { note: note.value.trim() } : {}) };
        await ask(this.#thread, `/api/comments/${id}/report`, { method: "POST", token: this.#thread.token, body });
        form.remove();
        row.querySelector("[data-ripost=report]")?.remove();
        this.#say(id, words("reported"));
        this.#thread.view.element(id)?.focus({ preventScroll: true });
      } catch (error) {
        send.ariaDisabled = null;
        message.classList.add("wrong");
        setText(message, this.#thread.words("failed", { reason: reasonOf(error, words) }));
      }
    });
    row.append(form);
    form.querySelector("input")?.focus();
  }

  /** A quiet word below a comment; empty takes it away. @param {number} id @param {string} text @param {boolean} [wrong] */
  #say(id, text, wrong = false) {
    const entry = this.#thread.view.element(id)?.querySelector(":scope > .entry");
    if (!entry) return;
    if (!text && !entry.querySelector(":scope > .remark")) return;
    setChild(entry, ".remark", true, () => make("p", { class: "message remark", role: "status" }), (entry.querySelector(":scope > .options") ?? entry.querySelector(":scope > .actions"))?.nextElementSibling ?? null);
    const place = /** @type {HTMLElement} */ (entry.querySelector(":scope > .remark"));
    place.classList.toggle("wrong", wrong);
    // A live region must be there before it speaks.
    requestAnimationFrame(() => setText(place, text));
  }
}

/** Close the row of options below a comment; focus in it goes to what opened it. @param {Element} entry @returns {boolean} whether it was open */
export function closeOptions(entry) {
  const row = childOf(entry, ".options");
  if (!row) return false;
  const opener = /** @type {HTMLElement | null} */ (entry.querySelector(":scope > .actions > [data-ripost=options]"));
  if (opener) setAttribute(opener, "aria-expanded", "false");
  if (row.matches(":focus-within")) (opener ?? /** @type {HTMLElement | null} */ (entry.parentElement))?.focus({ preventScroll: true });
  row.remove();
  return true;
}

/** @param {unknown} error @param {import("./words.js").Words} words */
function reasonOf(error, words) {
  return error instanceof Problem ? error.message : words("unreachable");
}
