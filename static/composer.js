// @ts-check
/**
 * Writing: the forms for a comment, a reply, an edit. Loaded when someone writes for the first time. Owns what is typed
 * until it is settled: kept in the browser at every keystroke, sent exactly once (the same client_id for every retry),
 * let go only when the server has it. Promises that no error, reload or lost connection costs a word.
 */
import { ask, Problem } from "./api.js";
import { backOff } from "./connection.js";
import { make, makeButton, setAttribute, setChild, setText } from "./elements.js";
import { keepTrying } from "./keep-trying.js";
import { makeComposer } from "./making.js";
import { addIdentity, addRef, forget } from "./remembering.js";
import { limitsOf, memberOf, moderates, tokenFor } from "./rights.js";
import { unfold } from "./showing.js";
import { isClosed } from "./thread-state.js";
import { askToDelete } from "./writing/deleting.js";
import { area, count, makeId, message, nameField, refOf, sendButton } from "./writing/form.js";
import { keepClear } from "./writing/keyboard.js";
import { isGone, moveInto } from "./writing/moving.js";
import { addTools, markedPassage, quote } from "./writing/toolbar.js";
import { tellTyping } from "./writing/typing.js";
import { followOtherWindows } from "./writing/windows.js";

/** @typedef {import("./types.js").Comment} Comment @typedef {import("./writing/form.js").Writing} Writing */

export class Composer {
  #thread;
  #signal;
  /** @type {Map<HTMLFormElement, Writing>} */
  #writings = new Map();
  /** Own comments whose source is being asked for. @type {Set<number>} */
  #fetching = new Set();
  #clear = false; // the forms are kept clear of the keyboard

  /** @param {import("./thread.js").Thread} thread */
  constructor(thread) {
    this.#thread = thread;
    const { signal } = thread;
    this.#signal = signal;
    const form = thread.composerForm;
    if (form) this.#adopt(form);
    this.#resume();
    this.check();
    window.addEventListener("online", () => this.#again(), { signal });
    tellTyping(thread, thread.root, signal);
    followOtherWindows(thread.store, () => this.#writings.values(), (writing) => this.#letGo(writing), signal);
    signal.addEventListener("abort", () => this.#writings.forEach(({ timer }) => clearTimeout(timer)));
  }

  /** Open the reply form below a comment, or go to the one that is open. @param {number} id */
  reply(id) {
    // What is marked in the comment is what the answer is about.
    const entry = this.#thread.view.element(id)?.querySelector(":scope > .entry");
    const passage = entry ? markedPassage(/** @type {ShadowRoot} */ (entry.getRootNode()), entry) : "";
    const writing = this.#open(id, null, `${id}`);
    if (!writing) return;
    area(writing.form).focus();
    if (passage) quote(area(writing.form), passage);
  }

  /** Open one's own comment for a change. @param {number} id */
  async edit(id) {
    const { state, store, view, words } = this.#thread;
    const comment = state.comments.get(id);
    if (!comment || this.#fetching.has(id)) return;
    let source = "";
    // The form opens with what is to be changed in it: words typed into an empty one would take its place.
    if (!store.draft(`${state.article.id}:edit-${id}`)?.text && !view.element(id)?.hasAttribute("data-editing")) {
      this.#fetching.add(id);
      try {
        source = await this.#source(id, tokenFor(this.#thread, comment));
      } catch (error) {
        return view.frame.fail(words("failed", { reason: error instanceof Problem ? error.message : words("unreachable") }));
      } finally {
        this.#fetching.delete(id);
      }
    }
    const writing = this.#open(null, id, `edit-${id}`);
    if (!writing) return;
    area(writing.form).value ||= source;
    area(writing.form).focus();
  }

  /** What was written, asked for until the server is there. @param {number} id @param {string | null} token @returns {Promise<string>} */
  async #source(id, token) {
    const read = () => ask(this.#thread, `/api/comments/${id}/source`, { token }).catch((error) => {
      if (error instanceof Problem) return error; // it will not change its mind
      throw error;
    });
    const answer = await keepTrying(read, this.#signal, () => this.#thread.connection.recheck());
    if (answer instanceof Problem) throw answer;
    return answer.source ?? answer.text ?? "";
  }

  /** Delete one's own comment, after asking. @param {number} id */
  remove(id) {
    askToDelete(this.#thread, id);
  }

  /** Send what a form holds. @param {HTMLFormElement} form */
  submit(form) {
    const writing = this.#writings.get(form) ?? this.#adopt(form);
    if (writing.busy) return this.#send(writing);
    const { words, store } = this.#thread;
    const limits = limitsOf(this.#thread);
    const text = area(form).value;
    const name = nameField(form);
    if (!text.trim()) return this.#refuse(writing, "text", words("needText"));
    if ([...text].length > limits.text_max) return this.#refuse(writing, "text", words("tooLong", { n: [...text].length - limits.text_max }));
    if (name && !name.value.trim()) return this.#refuse(writing, "name", words("needName"));
    const draft = store.draft(writing.place);
    // What another window is sending from here under this id is another comment, unless it is the very same text.
    const client_id = (draft?.sending && draft.text !== text ? null : draft?.client_id) ?? makeId();
    store.setDraft(writing.place, { text, client_id, sending: true, ...(name ? { name: name.value.trim() } : {}) });
    writing.tries = 0;
    void this.#send(writing);
  }

  /** The thread changed: say so where it concerns what is being written. */
  check() {
    const { state, view, composerForm } = this.#thread;
    const closed = isClosed(state);
    for (const writing of this.#writings.values()) {
      const { form, parent, edits } = writing;
      this.#attach(writing);
      const gone = form.isConnected && (parent ?? edits) !== null && state.comments.get(parent ?? edits ?? 0)?.status !== "visible";
      this.#showMember(writing);
      this.#block(writing, gone ? (edits ? "removed" : "removedParent") : closed ? "closedDraft" : null);
      if (parent !== null) this.#address(form, parent);
      if (parent !== null) view.update([parent]);
    }
    if (composerForm && !this.#writings.has(composerForm)) this.#adopt(composerForm);
  }

  /** What is written cannot be sent from here, or it can again. @param {Writing} writing @param {"removed" | "removedParent" | "closedDraft" | null} why */
  #block(writing, why) {
    const { form } = writing;
    if (form.getAttribute("data-blocked") === why) return;
    setAttribute(form, "data-blocked", why);
    sendButton(form).disabled = why !== null || writing.busy;
    this.#tell(writing, why ? this.#thread.words(why) : "", why !== null);
    setChild(message(form), "button", why === "removedParent" && this.#thread.composerForm !== null, () => {
      const move = makeButton("move", this.#thread.words("moveOut"), { class: "action inline" });
      move.addEventListener("click", () => this.#moveOut(writing));
      return move;
    });
  }

  /** An answer whose question is gone becomes a comment of its own. @param {Writing} writing */
  #moveOut(writing) {
    const { composerForm } = this.#thread;
    if (!composerForm) return;
    const text = area(writing.form).value;
    this.#close(writing, true);
    moveInto(composerForm, text);
    area(composerForm).scrollIntoView({ block: "center", behavior: "instant" });
  }

  /** Another window has sent what this form holds. @param {Writing} writing */
  #letGo(writing) {
    if (writing.parent !== null || writing.edits !== null) return this.#close(writing, false);
    area(writing.form).value = "";
    writing.form.querySelector(".counter")?.remove();
    if (!writing.form.hasAttribute("data-blocked")) this.#tell(writing, "");
  }

  /** Open the forms whose drafts were left behind, and send what was on its way. */
  #resume() {
    const { state, store, view, words } = this.#thread;
    // A closed discussion has no form, but what was typed before it was closed is not lost with it.
    if (!this.#thread.composerForm && store.draft(`${state.article.id}:root`)?.text) {
      const form = /** @type {HTMLFormElement} */ (makeComposer(words));
      view.frame.part("composer").prepend(form);
      this.#adopt(form);
    }
    for (const name of store.keys(`draft:${state.article.id}:`)) {
      const key = name.slice("draft:".length);
      const place = key.slice(key.indexOf(":") + 1);
      const id = Number(place.replace("edit-", ""));
      const writing = place === "root" ? this.#writings.get(/** @type {HTMLFormElement} */ (this.#thread.composerForm))
        : place.startsWith("edit-") ? this.#open(null, id, place) : this.#open(id, null, place);
      if (writing && store.draft(key)?.sending) void this.#send(writing);
      if (!writing && !place.startsWith("edit-")) void this.#bringHome(key, id);
    }
  }

  /** The comment that a draft answers is not on the page: if it is gone for good, the words are kept where they can be sent. @param {string} key @param {number} parent */
  async #bringHome(key, parent) {
    const { composerForm, store, words } = this.#thread;
    const writing = composerForm && this.#writings.get(composerForm);
    if (!writing || !(await isGone(this.#thread, parent))) return;
    const text = store.draft(key)?.text;
    if (!text) return;
    moveInto(composerForm, text);
    store.setDraft(key, null);
    this.#tell(writing, words("removedParent"), true);
  }

  #again() {
    for (const writing of this.#writings.values()) if (writing.busy) void this.#send(writing);
  }

  /** @param {number | null} parent @param {number | null} edits @param {string} place @returns {Writing | null} */
  #open(parent, edits, place) {
    const { view, words, state, store } = this.#thread;
    const key = `${state.article.id}:${place}`;
    const there = [...this.#writings.values()].find((writing) => writing.place === key);
    const entry = view.element(parent ?? edits ?? 0)?.querySelector(":scope > .entry");
    if (there) {
      this.#attach(there);
      return there;
    }
    // Not on this page: an edit or a mere draft can wait for its comment, what was sent cannot.
    if (!entry && !(parent && store.draft(key)?.sending)) return null;
    const form = /** @type {HTMLFormElement} */ (makeComposer(words));
    form.classList.add("inner");
    sendButton(form).textContent = words(edits ? "save" : "postReply");
    if (parent !== null) this.#address(form, parent);
    if (edits) nameField(form)?.remove();
    const writing = this.#adopt(form, parent, edits, key);
    const cancel = makeButton("cancel", words("cancel"));
    cancel.addEventListener("click", () => this.#close(writing, true));
    form.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !writing.busy && !area(form).value.trim()) this.#close(writing, true);
    });
    sendButton(form).before(cancel);
    this.#attach(writing);
    return writing;
  }

  /** Put a form below its comment. Another order of the thread may have taken both off the page for a while. @param {Writing} writing */
  #attach({ form, parent, edits }) {
    if (form.isConnected || (parent === null && edits === null)) return;
    const element = this.#thread.view.element(parent ?? edits ?? 0);
    element?.querySelector(":scope > .entry")?.append(form);
    if (edits) element?.setAttribute("data-editing", "");
  }

  /** Say whom a form answers, for as long as that may be said. @param {HTMLFormElement} form @param {number} parent */
  #address(form, parent) {
    const { words, state } = this.#thread;
    const name = state.comments.get(parent)?.author?.name;
    area(form).ariaLabel = area(form).placeholder = name ? words("replyTo", { name }) : words("reply");
  }

  /** Take a form into care: its draft, its counter, its keys. @param {HTMLFormElement} form @param {number | null} [parent] @param {number | null} [edits] @param {string} [place] @returns {Writing} */
  #adopt(form, parent = null, edits = null, place = `${this.#thread.state.article.id}:root`) {
    const { store, words } = this.#thread;
    const limits = limitsOf(this.#thread);
    const writing = { form, place, parent, edits, busy: false, tries: 0, timer: 0 };
    this.#writings.set(form, writing);
    form.append(make("p", { class: "message", role: "status" }));
    const text = area(form);
    const draft = store.draft(place);
    // What was typed before the script was there is newer than what was kept.
    if (!text.value && draft) text.value = draft.text;
    const name = nameField(form);
    if (name) {
      name.maxLength = limits.name_max;
      name.value ||= draft?.name ?? store.identities[0]?.name ?? "";
    }
    this.#showMember(writing);
    form.addEventListener("input", () => {
      const kept = store.draft(place);
      store.setDraft(place, { ...kept, text: text.value, ...(name ? { name: name.value } : {}) });
      for (const field of [text, name]) if (field) field.ariaInvalid = null;
      count(form, limits.text_max, words);
      if (!form.hasAttribute("data-blocked")) this.#tell(writing, "");
    });
    form.addEventListener("keydown", (event) => {
      // Enter is a newline; with Ctrl or Cmd it sends.
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing) form.requestSubmit();
    });
    if (text.value) store.setDraft(place, { ...store.draft(place), text: text.value, ...(name?.value ? { name: name.value } : {}) });
    // A new form stands in the page only after this.
    queueMicrotask(() => {
      void addTools(this.#thread, form, this.#signal);
      const root = form.getRootNode();
      if (this.#clear || !(root instanceof ShadowRoot)) return;
      this.#clear = true;
      keepClear(root, this.#signal);
    });
    return writing;
  }

  /** A member sees who they post as; a guest has a field. @param {Writing} writing */
  #showMember({ form }) {
    const { words, state } = this.#thread;
    const member = memberOf(this.#thread);
    const name = /** @type {HTMLInputElement | null} */ (form.querySelector("input[name=name]"));
    if (name) name.hidden = member !== null;
    setChild(form, ".as", Boolean(member?.name), () => make("p", { class: "as" }), form.querySelector(".composer-row"));
    const as = form.querySelector(".as");
    if (as) setText(as, words(state.article.state === "closed" ? "postingClosed" : "postingAs", { name: member?.name ?? "" }));
  }

  /** @param {Writing} writing */
  async #send(writing) {
    const { form, place, parent, edits } = writing;
    const thread = this.#thread;
    const { words, store, state } = thread;
    const draft = store.draft(place);
    if (!draft?.client_id) return;
    clearTimeout(writing.timer);
    this.#lock(writing, true);
    if (!writing.tries) this.#tell(writing, words("sending"));
    const { text, client_id, name } = draft;
    const identity = thread.member ? null : store.identities.find((known) => known.name === name);
    const token = thread.member ?? identity?.token ?? null;
    const edited = edits === null ? undefined : state.comments.get(edits);
    try {
      if (!edits) addRef(store, await refOf(client_id));
      const answer = edits
        ? await ask(thread, `/api/comments/${edits}`, { method: "PATCH", body: { text }, token: edited ? tokenFor(thread, edited) : token })
        : await ask(thread, `/api/articles/${state.article.id}/comments`, {
          method: "POST", token, body: { client_id, text, ...(parent ? { parent } : {}), ...(name && !thread.member ? { name } : {}) },
        });
      this.#settle(writing, answer);
    } catch (error) {
      if (this.#signal.aborted) return;
      if (error instanceof Problem && error.status === 401 && token) {
        forget(thread, token);
        // A guest is simply a new guest; a member has to know, and to give a name.
        if (identity) return void this.#send(writing);
        this.#showMember(writing);
        const field = nameField(form);
        if (field) field.value ||= store.identities[0]?.name ?? "";
        return this.#refuse(writing, "name", words("expired"));
      }
      this.#fail(writing, error);
    }
  }

  /** The server has it: let go of the draft, show what became of it. @param {Writing} writing @param {any} answer */
  #settle(writing, answer) {
    const { store, words, view } = this.#thread;
    const { form, place, parent, edits } = writing;
    const comment = /** @type {Comment | undefined} */ (answer.event.comment);
    if (answer.token && comment?.author) addIdentity(store, { id: comment.author.id, name: comment.author.name, token: answer.token });
    addRef(store, comment?.ref ?? null);
    store.setDraft(place, null);
    this.#lock(writing, false);
    const focused = form.matches(":focus-within");
    if (parent || edits) this.#close(writing, false);
    else {
      area(form).value = "";
      this.#tell(writing, words(comment?.status === "pending" ? "held" : "sent"));
    }
    const { slow_mode_seconds: slow } = this.#thread.state.article;
    if (slow && !edits && !moderates(this.#thread)) this.#wait(slow);
    this.#thread.own?.accept(answer);
    const element = comment && view.element(comment.id);
    if (comment) unfold(view, comment.id);
    // Who has a name has it in every form.
    for (const other of this.#writings.keys()) {
      const field = nameField(other);
      if (field) field.value ||= comment?.author?.name ?? "";
    }
    element?.setAttribute("data-fresh", "");
    if (focused && element && (parent || edits)) element.focus({ preventScroll: true });
    element?.querySelector(".entry")?.scrollIntoView({ block: "nearest", behavior: "instant" });
  }

  /** @param {Writing} writing @param {unknown} error */
  #fail(writing, error) {
    const { words, store } = this.#thread;
    const { form, place } = writing;
    if (!(error instanceof Problem)) {
      // Nobody knows whether it arrived. The same client_id again does no harm.
      this.#tell(writing, words("waiting"), true);
      setChild(message(form), "button", true, () => {
        const now = makeButton("send", words("sendNow"), { class: "action inline" });
        now.addEventListener("click", () => void this.#send(writing));
        return now;
      });
      writing.timer = window.setTimeout(() => void this.#send(writing), 1000 + backOff(++writing.tries));
      return;
    }
    const draft = store.draft(place);
    // After a conflict this id belongs to another text; what is typed now is a new comment.
    if (draft) store.setDraft(place, { ...draft, sending: false, ...(error.status === 409 ? { client_id: undefined } : {}) });
    this.#lock(writing, false);
    if (error.status === 429) return this.#countDown(writing, Math.max(1, Math.ceil(error.retryAfter)));
    const field = error.errors[0];
    if (field) return this.#refuse(writing, field.field, error.errors.map(({ message: text }) => text).join(" "));
    this.#tell(writing, words("failed", { reason: error.message }), true);
  }

  /** Slow mode: nothing more can be sent from here for a while. @param {number} n seconds */
  #wait(n) {
    for (const writing of this.#writings.values()) if (!writing.busy && writing.edits === null) this.#countDown(writing, n, false);
  }

  /** @param {Writing} writing @param {number} n seconds @param {boolean} [wrong] */
  #countDown(writing, n, wrong = true) {
    const { words } = this.#thread;
    clearTimeout(writing.timer);
    sendButton(writing.form).disabled = n > 0 || writing.form.hasAttribute("data-blocked");
    this.#tell(writing, n > 0 ? words("slowDown", { n }) : "", wrong && n > 0);
    if (n > 0) writing.timer = window.setTimeout(() => this.#countDown(writing, n - 1, wrong), 1000);
  }

  /** Point at what is wrong and keep everything. @param {Writing} writing @param {string} field @param {string} text */
  #refuse(writing, field, text) {
    const { form, place } = writing;
    const { store } = this.#thread;
    const draft = store.draft(place);
    if (draft) store.setDraft(place, { ...draft, sending: false });
    this.#lock(writing, false);
    if (field !== "name") form.querySelector(".counter")?.remove(); // said once is enough
    this.#tell(writing, text, true);
    const target = field === "name" ? nameField(form) : area(form);
    if (target) target.ariaInvalid = "true";
    target?.focus();
  }

  /** @param {Writing} writing @param {boolean} busy */
  #lock(writing, busy) {
    writing.busy = busy;
    const { form } = writing;
    area(form).readOnly = busy;
    const name = nameField(form);
    if (name) name.readOnly = busy;
    setAttribute(form, "aria-busy", busy ? "true" : null);
    if (!form.hasAttribute("data-blocked")) sendButton(form).disabled = busy;
  }

  /** @param {Writing} writing @param {string} text @param {boolean} [wrong] */
  #tell({ form }, text, wrong = false) {
    const place = message(form);
    setText(place, text);
    place.classList.toggle("wrong", wrong);
  }

  /** @param {Writing} writing @param {boolean} forget  give up what was typed */
  #close(writing, forget) {
    const { form, place, parent, edits } = writing;
    clearTimeout(writing.timer);
    if (forget) this.#thread.store.setDraft(place, null);
    this.#writings.delete(form);
    const article = form.closest("article");
    article?.removeAttribute("data-editing");
    form.remove();
    const back = /** @type {HTMLElement | null} */ (article?.querySelector(`:scope > .entry [data-ripost=${edits ? "edit" : "reply"}]`));
    if (forget) (back ?? article)?.focus({ preventScroll: true });
    // A removed comment was kept for the reply being written to it.
    const id = parent ?? edits;
    if (id !== null && !this.#thread.state.comments.has(id)) this.#thread.view.update([id]);
  }
}
