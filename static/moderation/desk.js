// @ts-check
/**
 * A moderator's desk on Ripost's own pages: the state of the discussion, what waits, and the decisions about a comment.
 * Loaded only for those who may decide. Owns the bar above the thread; promises that every decision shows at once, says
 * what it did, and can be taken back where the server can.
 */
import { ask, Problem } from "../api.js";
import { closeOptions } from "../controls.js";
import { make, makeButton, setChild, setText } from "../elements.js";
import { DECISIONS, did, letsIn, makeChoices, undoing } from "./decisions.js";
import { Queue } from "./queue.js";
import { tendTombstones } from "./tombstones.js";
import { watchQueue } from "./watch.js";
import { forget } from "../remembering.js";
import { unfold } from "../showing.js";

/** @typedef {import("../types.js").Comment} Comment @typedef {import("./decisions.js").Choice} Choice */

const MODES = ["open", "premoderated", "closed"];
const SLOW = [0, 10, 30, 60, 300, 900]; // seconds

export class Desk {
  #thread;
  #words;
  #queue;
  #bar;
  #button;
  #state;
  #slow;
  #message;
  #announced = -1;
  #asking = false;
  #again = false;
  /** Comments that are being let in from here. @type {Set<number>} */
  #lettingIn = new Set();
  #over = new AbortController(); // the sign-in has ended
  #token;

  /** @param {import("../thread.js").Thread} thread @param {ShadowRoot} root @param {import("../words.js").Words} words @param {AbortSignal} signal */
  constructor(thread, root, words, signal) {
    this.#thread = thread;
    this.#token = thread.token;
    this.#words = words;
    this.#queue = new Queue(thread, words, (comment, choice, reason) => this.decide(comment, choice, reason));
    this.#queue.element.id = "queue";
    this.#queue.element.hidden = true;
    this.#button = makeButton("queue", words("queue"), { class: "action queue-button", "aria-expanded": "false", "aria-controls": "queue" });
    this.#button.addEventListener("click", () => this.#toggle(), { signal });
    this.#state = choose("state", words("discussionIs"), MODES.map((state) => [state, words(`is${state.charAt(0).toUpperCase()}${state.slice(1)}`)]));
    this.#slow = choose("slow", words("slowMode"), SLOW.map((n) => [`${n}`, n === 0 ? words("slowOff") : n < 60 ? words("everySeconds", { n }) : words("everyMinutes", { n: n / 60 })]));
    for (const [field, body] of /** @type {[HTMLSelectElement, () => object][]} */ ([
      [this.#state, () => ({ state: this.#state.value })],
      [this.#slow, () => ({ slow_mode_seconds: Number(this.#slow.value) })],
    ])) field.addEventListener("change", () => void this.#change(body()), { signal });
    this.#message = make("p", { class: "message", role: "status" });
    const out = makeButton("sign-out", words("signOut"));
    out.addEventListener("click", () => void this.#signOut(), { signal });
    const name = thread.state.viewer?.person.name ?? "";
    this.#bar = make("section", { class: "desk", part: "desk", "aria-label": words("moderation") },
      make("div", { class: "desk-row" },
        this.#button,
        make("label", { class: "desk-field" }, words("discussionIs"), this.#state),
        make("label", { class: "desk-field" }, words("slowMode"), this.#slow),
        make("span", { class: "desk-who" }, words("asModerator", { name }), " ", out)),
      this.#message,
      this.#queue.element);
    root.querySelector(".thread")?.prepend(this.#bar);
    signal.addEventListener("abort", () => this.#bar.remove());
    const there = AbortSignal.any([signal, this.#over.signal]);
    root.host.addEventListener("ripost:comment", (event) => {
      const { type, comment } = /** @type {CustomEvent} */ (event).detail;
      // The article changes by others' hands too.
      if (type === "article.updated") this.#showArticle();
      else if (this.#lettingIn.delete(comment?.id)) void this.#show(comment.id);
    }, { signal: there });
    this.#showArticle();
    tendTombstones(thread, root, words, (comment, choice) => this.decide(comment, choice), there);
    if (this.#token) watchQueue(thread.server, this.#token, (frame) => void (frame.type === "unsubscribed" ? this.#end() : this.#refresh()), there);
  }

  /** The buttons for a comment on the page. @param {number} id @returns {HTMLElement[]} */
  decisionsFor(id) {
    const comment = this.#thread.state.comments.get(id);
    if (!comment) return [];
    const made = makeChoices(comment, this.#words, (choice, reason) => {
      const now = this.#thread.state.comments.get(id);
      if (now) void this.decide(now, choice, reason);
    });
    const edit = makeButton("edit-other", this.#thread.words("edit"), { "aria-label": this.#words("editOf", { name: comment.author?.name ?? "" }) });
    edit.addEventListener("click", () => this.#thread.act((acting) => acting.compose("edit", id)));
    return [edit, ...made];
  }

  /** Decide, show it, and offer the way back. @param {Comment} comment @param {Choice} choice @param {string} [reason]  for the log @returns {Promise<boolean>} whether it is settled */
  async decide(comment, choice, reason = "") {
    const words = this.#words;
    const here = comment.article === this.#thread.state.article.id;
    if (here && letsIn(choice)) this.#lettingIn.add(comment.id);
    try {
      const answer = await ask(this.#thread, `/api/comments/${comment.id}/decision`, {
        method: "POST", token: this.#token, body: {
          decision: DECISIONS[choice],
          ...(reason ? { reason } : {}),
          ...(comment.tree ? { edited_at: comment.edited_at } : {}), // which text was read
        },
      });
      // An event of another article is for its own page.
      if (here) {
        if (answer.event) this.#thread.own?.accept(answer);
        else {
          this.#lettingIn.delete(comment.id);
          this.#thread.own?.hear({ type: "comment.decided", id: comment.id, status: answer.comment.status });
        }
      }
      const entry = this.#thread.view.views.get(comment.id)?.entry;
      if (entry) closeOptions(entry);
      this.#tell(words(did(choice)));
      const back = undoing(choice);
      if (back) this.#offer({ ...comment, ...answer.comment }, back);
      return true;
    } catch (error) {
      if (error instanceof Problem) this.#lettingIn.delete(comment.id);
      if (this.#ended(error)) return false;
      const status = error instanceof Problem ? error.status : 0;
      this.#tell(status === 412 ? words("changedSince") : status === 409 && choice === "approve" ? words("gone") : this.#thread.words("failed", { reason: error instanceof Problem ? error.message : words("unreachable") }), true);
      void this.#refresh();
      return false;
    }
  }

  /** @param {Comment} comment @param {Choice} choice */
  #offer(comment, choice) {
    const undo = makeButton("undo", this.#words("undo"), { class: "action inline", "aria-label": `${this.#words("undo")}: ${this.#words(`${choice}Of`, { name: comment.author?.name ?? "" })}` });
    undo.addEventListener("click", async () => {
      if (undo.ariaBusy) return;
      undo.ariaBusy = "true"; // a button that is disabled would lose the focus
      const focused = undo.matches(":focus");
      const done = await this.decide(comment, choice);
      undo.ariaBusy = null;
      if (!done && !this.#over.signal.aborted) this.#message.append(" ", undo);
      if (!focused || document.activeElement !== document.body) return;
      const next = this.#message.querySelector("button") ?? this.#thread.view.element(comment.id) ?? this.#button;
      next.focus({ preventScroll: true });
    });
    this.#message.append(" ", undo);
  }

  /** Show what was let in from here in its place, with what it stands below, as one's own words are. @param {number} id */
  async #show(id) {
    const { state, view } = this.#thread;
    if (state.unloaded.has(id)) return void (await this.#thread.loader().then((loader) => loader.aside(id)).catch(() => null)); // it stays counted
    for (let at = /** @type {number | null | undefined} */ (id); at != null; at = state.comments.get(at)?.parent) view.waiting.delete(at);
    view.update([id]);
    view.flush();
    unfold(view, id);
  }

  /** @param {object} changes */
  async #change(changes) {
    try {
      await ask(this.#thread, `/api/articles/${this.#thread.state.article.id}`, { method: "PATCH", token: this.#token, body: changes });
      this.#tell(this.#words("changed"));
    } catch (error) {
      if (this.#ended(error)) return;
      this.#showArticle();
      this.#tell(this.#thread.words("failed", { reason: error instanceof Problem ? error.message : this.#words("unreachable") }), true);
    }
  }

  #showArticle() {
    const { state, slow_mode_seconds: slow } = this.#thread.state.article;
    this.#state.value = state;
    if (!SLOW.includes(slow) && !this.#slow.querySelector(`[value="${slow}"]`)) {
      this.#slow.append(make("option", { value: `${slow}` }, this.#words("everySeconds", { n: slow })));
    }
    this.#slow.value = `${slow}`;
  }

  /** Counts and list anew: at most one question at a time, and one more if something came meanwhile. */
  async #refresh() {
    if (this.#asking) return void (this.#again = true);
    this.#asking = true;
    try {
      do {
        this.#again = false;
        const { pending, reported } = await this.#queue.refresh();
        const n = pending + reported;
        setText(this.#button, [this.#words("waitingState", { n: pending }), ...(reported ? [this.#words("reportedState", { n: reported })] : [])].join(" · "));
        this.#bar.toggleAttribute("data-waiting", n > 0);
        // Said once for each that comes, not again after every reconnect.
        if (n > this.#announced && n > 0 && this.#announced >= 0 && this.#queue.element.hidden) this.#announce(this.#words("arrived", { n }));
        this.#announced = n;
      } while (this.#again);
    } catch (error) {
      // The next word of the channel, or the next connection, asks again.
      this.#ended(error, [401, 403]);
    } finally {
      this.#asking = false;
    }
  }

  #toggle() {
    const { element } = this.#queue;
    element.hidden = !element.hidden;
    this.#button.setAttribute("aria-expanded", String(!element.hidden));
    if (!element.hidden) void this.#queue.show();
    this.#tell("");
  }

  /** Whether the server knows this moderator no longer, or not as one: nothing that only they can do stays. @param {unknown} error @param {number[]} [refusals]  what that is said by */
  #ended(error, refusals = [401]) {
    if (!(error instanceof Problem) || !refusals.includes(error.status)) return this.#over.signal.aborted;
    this.#end();
    return true;
  }

  #end() {
    const { root, state, view } = this.#thread;
    if (this.#over.signal.aborted) return;
    this.#over.abort();
    // Not another name that is known here, which may be the one in use by now.
    if (this.#token) forget(this.#thread, this.#token);
    state.viewer = null;
    const focused = this.#bar.contains(root.activeElement);
    const said = make("p", { class: "message wrong", role: "alert", tabindex: "-1" }, this.#words("deskEnded"));
    this.#bar.replaceChildren(said);
    if (focused) said.focus();
    for (const own of root.querySelectorAll(".grave, .exhumed, .options > :is([data-ripost=decide], [data-ripost=edit-other], [data-ripost=why], .reason)")) {
      if (own.contains(root.activeElement)) /** @type {HTMLElement | null} */ (own.closest("article"))?.focus({ preventScroll: true });
      own.remove();
    }
    view.updateAll();
    this.#thread.acting?.check();
  }

  async #signOut() {
    const token = this.#token;
    if (!token) return;
    try {
      await ask(this.#thread, "/api/sessions/current", { method: "DELETE", token });
    } catch (error) {
      if (!(error instanceof Problem)) return this.#tell(this.#thread.words("failed", { reason: this.#words("unreachable") }), true);
    }
    forget(this.#thread, token);
    location.reload();
  }

  /** Say it beside a way back, if there is one, not in its place. @param {string} text */
  #announce(text) {
    if (!this.#message.querySelector("button")) return this.#tell(text);
    const place = setChild(this.#message, ".arrived", true, () => make("span", { class: "arrived" }));
    if (place) setText(place, ` ${text}`);
  }

  /** @param {string} text @param {boolean} [wrong] */
  #tell(text, wrong = false) {
    this.#message.replaceChildren(text);
    this.#message.classList.toggle("wrong", wrong);
  }
}

/** @param {string} name @param {string} label @param {[string, string][]} options @returns {HTMLSelectElement} */
function choose(name, label, options) {
  return /** @type {HTMLSelectElement} */ (make("select", { name, "aria-label": label }, ...options.map(([value, text]) => make("option", { value }, text))));
}
