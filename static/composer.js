// @ts-check
/**
 * Writing: the forms for a comment, a reply, an edit. Loaded when someone writes for the first time. Owns what is typed
 * until it is settled: kept in the browser at every keystroke, sent by the outbox, let go only when the server has it.
 * Promises that no error, reload or lost connection costs a word, and that a form says why nothing can be sent from it for
 * as long as that holds.
 */
import { Problem } from "./api.js";
import { make, makeButton, setAttribute, setChild, setText } from "./elements.js";
import { makeComposer } from "./making.js";
import { addIdentity, addRef } from "./remembering.js";
import { limitsOf, tokenFor } from "./rights.js";
import { unfold } from "./showing.js";
import { addStyle } from "./styles.js";
import { loadWords } from "./words.js";
import { address, showMember } from "./writing/addressing.js";
import { askToDelete } from "./writing/deleting.js";
import { claim, isWaiting, joined, keep, lettersFrom, mergeEarly, placesOf, post, putAway, settle, unanswered, withDraft, withdraw } from "./writing/drafts.js";
import { area, count, countDown, enable, lock, makeId, message, nameField, put, say, sendButton, tell } from "./writing/form.js";
import { keepClear } from "./writing/keyboard.js";
import { isGone, moveInto } from "./writing/moving.js";
import { obstacleTo, slowMode } from "./writing/obstacle.js";
import { Outbox } from "./writing/outbox.js";
import { sourceOf } from "./writing/source.js";
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
  /** Places of drafts whose comment is not on the page, and whether it is known to be elsewhere. @type {Map<string, boolean>} */
  #far = new Map();
  #pointed = 0; // how many of them are spoken of
  /** Forms whose text has just become more than what was typed. @type {Set<HTMLFormElement>} */
  #unseen = new Set();
  #outbox;
  #posted = 0; // when this reader last posted here, in milliseconds since 1970
  #timer = 0; // of the next look at who has to wait
  #clear = false; // the forms are kept clear of the keyboard

  /** @param {import("./thread.js").Thread} thread */
  constructor(thread) {
    this.#thread = thread;
    const { signal } = thread;
    this.#signal = signal;
    this.#outbox = new Outbox(thread, (writing, answer) => this.#settle(writing, answer), (writing, problem) => void this.#fail(writing, problem), (writing) => this.#look(writing));
    if (signal.aborted) return; // the forms and drafts are another's by now
    mergeEarly(thread.store, thread.state.article.id);
    const form = thread.composerForm;
    if (form) this.#adopt(form);
    this.#resume();
    this.check();
    window.addEventListener("online", () => this.#writings.forEach((writing) => writing.busy && this.#outbox.send(writing)), { signal });
    tellTyping(thread, thread.root, signal);
    followOtherWindows(thread.store, () => this.#writings.values(), (writing) => this.#letGo(writing), signal);
    signal.addEventListener("abort", () => {
      clearTimeout(this.#timer);
      this.#writings.forEach(({ timer }) => clearTimeout(timer));
    });
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
        source = await sourceOf(this.#thread, id, tokenFor(this.#thread, comment));
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

  /** Delete one's own comment, after asking. @param {number} id */
  remove(id) {
    const open = [...this.#writings.values()].find(({ edits }) => edits === id);
    if (open) this.#close(open); // it would hide the question
    askToDelete(this.#thread, id);
  }

  /** Send what a form holds. @param {HTMLFormElement} form */
  submit(form) {
    // The form for comments may be newer than what was heard last. Any other that is not known here is none of ours.
    const writing = this.#writings.get(form) ?? (form === this.#thread.composerForm && !this.#signal.aborted ? this.#adopt(form) : null);
    if (writing?.busy && writing.tries) return void this.#outbox.send(writing);
    if (!writing || writing.busy || form.hasAttribute("data-blocked") || this.#unseen.has(form)) return;
    const { words, store } = this.#thread;
    const limits = limitsOf(this.#thread);
    const text = area(form).value;
    const name = nameField(form);
    if (!text.trim()) return this.#refuse(writing, "text", words("needText"));
    if ([...text].length > limits.text_max) return this.#refuse(writing, "text", `${words("tooLong", { n: [...text].length - limits.text_max })}.`);
    if (name && !name.value.trim()) return this.#refuse(writing, "name", words("needName"));
    // What another window is sending from here is sent once.
    const letter = lettersFrom(store, writing.place).find((one) => one.text === text)
      ?? { text, client_id: makeId(), at: Date.now(), ...(name ? { name: name.value.trim() } : {}) };
    keep(store, writing.place, text, name?.value.trim());
    post(store, writing.place, letter);
    writing.refused = false;
    writing.sent = letter;
    void this.#outbox.send(writing);
  }

  /** The thread changed: say so where it concerns what is being written. */
  check() {
    if (this.#signal.aborted) return;
    const { composerForm } = this.#thread;
    if (composerForm && !this.#writings.has(composerForm)) this.#adopt(composerForm);
    for (const key of this.#far.keys()) this.#reopen(key);
    void this.#pointOut();
    for (const writing of this.#writings.values()) {
      const { form, parent } = writing;
      this.#attach(writing);
      showMember(this.#thread, form);
      if (parent !== null) address(this.#thread, form, parent);
      writing.renew();
    }
    this.#lookAgain();
  }

  /** Say what stands in the way of every form, each second anew while one has to wait. */
  #lookAgain() {
    clearTimeout(this.#timer);
    for (const writing of this.#writings.values()) this.#look(writing);
    const waits = [...this.#writings.keys()].some((form) => form.getAttribute("data-blocked") === "slowDown");
    if (waits) this.#timer = window.setTimeout(() => this.#lookAgain(), 1000);
  }

  /** What is written cannot be sent from here, or it can again. @param {Writing} writing */
  #look(writing) {
    const { form, busy, refused } = writing;
    const { words, composerForm } = this.#thread;
    const obstacle = obstacleTo(this.#thread, writing, this.#posted);
    const why = obstacle?.why ?? null;
    enable(form, !busy && !obstacle);
    const before = form.getAttribute("data-blocked");
    if (before === why && why !== "slowDown") return;
    setAttribute(form, "data-blocked", why);
    if (obstacle && why === "slowDown") countDown(form, words(why, { n: obstacle.n }), refused);
    else tell(form, why ? words(why) : before === "slowDown" ? words("slowOver") : "", why !== null);
    setChild(message(form), "button", why === "removedParent" && composerForm !== null, () => {
      const move = makeButton("move", words("moveOut"), { class: "action inline" });
      move.addEventListener("click", () => this.#moveOut(writing), { signal: this.#signal });
      return move;
    });
    if (busy && !obstacle) this.#outbox.say(writing);
  }

  /** An answer whose question is gone becomes a comment of its own. @param {Writing} writing */
  #moveOut(writing) {
    const { composerForm } = this.#thread;
    if (!composerForm) return;
    const text = area(writing.form).value;
    const name = nameField(writing.form)?.value;
    this.#thread.store.setDraft(writing.place, null);
    this.#close(writing);
    this.#moveInto(composerForm, text, name);
    area(composerForm).scrollIntoView({ block: "center", behavior: "instant" });
  }

  /** @param {HTMLFormElement} form  for comments @param {string} text @param {string} [name] */
  #moveInto(form, text, name) {
    const { store } = this.#thread;
    const writing = this.#writings.get(form);
    // What is on its way may not change: this is there after it.
    if (writing?.busy) keep(store, writing.place, withDraft(store, writing.place, text), name);
    else moveInto(form, text, name);
  }

  /** Another window has sent what this form holds. @param {Writing} writing */
  #letGo(writing) {
    if (writing.parent !== null || writing.edits !== null) return this.#close(writing);
    put(writing.form, this.#thread.store.draft(writing.place)?.text ?? "");
    writing.form.querySelector(".counter")?.remove();
    say(writing.form, "");
  }

  /** Open the forms whose drafts were left behind, and send what was on its way; not what another window is about. */
  #resume() {
    const { state, store, view, words } = this.#thread;
    // A closed discussion has no form, but what was typed before it was closed is not lost with it.
    if (!this.#thread.composerForm && store.draft(`${state.article.id}:root`)?.text) {
      const form = /** @type {HTMLFormElement} */ (makeComposer(words));
      view.frame.part("composer").prepend(form);
      this.#adopt(form);
    }
    for (const key of placesOf(store, state.article.id)) {
      if (isWaiting(store, key) && !this.#reopen(key)) void this.#seek(key);
    }
  }

  /** Open the form of a draft that was left behind, now or when its comment is there. @param {string} key */
  #reopen(key) {
    const { store, composerForm } = this.#thread;
    const [letter] = unanswered(store, key);
    const draft = store.draft(key);
    const kept = letter ?? (draft?.away ? null : draft); // another window may have put it away
    const id = commentOf(key);
    const writing = !kept ? null : !id ? composerForm && this.#writings.get(composerForm)
      : key.includes("edit-") ? this.#open(null, id, `edit-${id}`) : this.#open(id, null, `${id}`);
    if (writing && letter && !writing.busy) {
      put(writing.form, letter.text);
      const name = nameField(writing.form);
      if (name && letter.name) name.value = letter.name;
      writing.sent = letter;
      void this.#outbox.send(writing);
    }
    if (!writing && kept) this.#far.set(key, this.#far.get(key) ?? false);
    else this.#far.delete(key);
    return writing ?? null;
  }

  /** The comment of a draft is not on the page: say that it waits there. If it is gone for good, an answer is kept where it can be sent. @param {string} key */
  async #seek(key) {
    const { composerForm, store, words } = this.#thread;
    const gone = await isGone(this.#thread, commentOf(key));
    if (this.#far.has(key)) this.#far.set(key, !gone);
    void this.#pointOut();
    const writing = composerForm && this.#writings.get(composerForm);
    const draft = store.draft(key);
    if (!gone || !writing || !draft || key.includes("edit-")) return;
    this.#moveInto(composerForm, draft.text, draft.name);
    store.setDraft(key, null);
    this.#far.delete(key);
    say(composerForm, words("removedParent"), true);
  }

  /** Say how much waits at comments that are not on the page, where that is in sight wherever one reads, and lead to it. */
  async #pointOut() {
    const { language, root, view, words } = this.#thread;
    const n = [...this.#far.values()].filter(Boolean).length;
    if (n === this.#pointed) return;
    this.#pointed = n;
    const [{ words: more }] = await Promise.all([loadWords(language, "more-", words), addStyle(root, "writing/writing.css")]);
    if (n !== this.#pointed || this.#signal.aborted) return;
    const pill = setChild(view.frame.part("pill"), "[data-ripost=go-on]", n > 0, () => {
      const made = makeButton("go-on", "", { class: "pill unfinished", part: "pill" });
      made.addEventListener("click", () => void this.#goOn(), { signal: this.#signal });
      return made;
    });
    if (!pill) return;
    setText(pill, more("unfinished", { n }));
    setAttribute(pill, "data-n", new Intl.NumberFormat(language).format(n));
    view.frame.say(more("unfinished", { n }));
  }

  /** Bring the reader to the first of what waits elsewhere. */
  async #goOn() {
    const key = [...this.#far.keys()].find((one) => this.#far.get(one));
    if (!key || (await this.#thread.act((acting) => acting.goTo(commentOf(key)))) === null) return;
    const writing = [...this.#writings.values()].find(({ place }) => place === key) ?? this.#reopen(key);
    if (writing) area(writing.form).focus();
    else void this.#seek(key);
    void this.#pointOut();
  }

  /** Words from before are here again; where a form can be opened anew, they can be thrown away. @param {Writing} writing */
  async #tellKept(writing) {
    const { form, place, parent, edits } = writing;
    const { language, store, words } = this.#thread;
    const { value } = area(form);
    const { words: more } = await loadWords(language, "more-", words);
    if (area(form).value !== value || !say(form, more("putAway")) || !(parent || edits)) return;
    const discard = makeButton("discard", more("discard"), { class: "action inline" });
    discard.addEventListener("click", () => {
      store.setDraft(place, null);
      this.#close(writing);
      if (parent) this.reply(parent);
      else if (edits) void this.edit(edits);
    }, { signal: this.#signal });
    message(form).append(discard);
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
    if (!entry && !(parent && unanswered(store, key).length)) return null;
    const form = /** @type {HTMLFormElement} */ (makeComposer(words));
    form.classList.add("inner");
    sendButton(form).textContent = words(edits ? "save" : "postReply");
    if (parent !== null) address(this.#thread, form, parent);
    if (edits) nameField(form)?.remove();
    const away = store.draft(key)?.away;
    const writing = this.#adopt(form, parent, edits, key);
    const cancel = makeButton("cancel", words("cancel"));
    // What was written comes back with the next press: nobody has to be asked, and a slip costs nothing.
    const close = () => {
      putAway(store, key);
      this.#close(writing, true);
    };
    cancel.addEventListener("click", close, { signal: this.#signal });
    form.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !writing.busy && !area(form).value.trim()) close();
    }, { signal: this.#signal });
    sendButton(form).before(cancel);
    this.#attach(writing);
    this.#lookAgain();
    if (away) void this.#tellKept(writing);
    return writing;
  }

  /** Put a form below its comment. Another order of the thread may have taken both off the page for a while. @param {Writing} writing */
  #attach({ form, parent, edits }) {
    if (form.isConnected || (parent === null && edits === null)) return;
    const element = this.#thread.view.element(parent ?? edits ?? 0);
    element?.querySelector(":scope > .entry")?.append(form);
    if (edits) element?.setAttribute("data-editing", "");
  }

  /** Take a form into care: its draft, its counter, its keys. @param {HTMLFormElement} form @param {number | null} [parent] @param {number | null} [edits] @param {string} [place] @returns {Writing} */
  #adopt(form, parent = null, edits = null, place = `${this.#thread.state.article.id}:root`) {
    const { store, words } = this.#thread;
    const signal = this.#signal;
    /** @type {Writing} */
    const writing = { form, place, parent, edits, busy: false, sent: null, tries: 0, timer: 0, gone: -1, until: 0, refused: false, renew: () => {} };
    this.#writings.set(form, writing);
    claim(place);
    form.append(make("p", { class: "message", role: "status" }));
    const text = area(form);
    const draft = store.draft(place);
    // What was typed before the script was there is newer than what was kept, and not all there is.
    const typed = text.value;
    text.value = withDraft(store, place, typed);
    if (typed && text.value !== typed) {
      // Whoever has pressed the button already has not seen it.
      this.#unseen.add(form);
      setTimeout(() => this.#unseen.delete(form));
      void this.#tellKept(writing);
    }
    const name = nameField(form);
    if (name) {
      name.maxLength = limitsOf(this.#thread).name_max;
      name.value ||= draft?.name ?? store.identities[0]?.name ?? "";
    }
    showMember(this.#thread, form);
    form.addEventListener("input", () => {
      const field = nameField(form); // a sign-in may have expired
      keep(store, place, text.value, field?.value);
      for (const one of [text, field]) if (one) one.ariaInvalid = null;
      count(form, limitsOf(this.#thread).text_max, words);
      say(form, "");
    }, { signal });
    form.addEventListener("keydown", (event) => {
      // Enter is a newline; with Ctrl or Cmd it sends.
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing) form.requestSubmit();
    }, { signal });
    if (text.value) keep(store, place, text.value, name?.value || draft?.name);
    // A new form stands in the page only after this.
    queueMicrotask(() => {
      void addTools(this.#thread, form, signal).then((renew) => (writing.renew = renew));
      const root = form.getRootNode();
      if (this.#clear || !(root instanceof ShadowRoot)) return;
      this.#clear = true;
      keepClear(root, signal);
    });
    return writing;
  }

  /** The server has it: let go of the draft, show what became of it. @param {Writing} writing @param {any} answer */
  #settle(writing, answer) {
    const { store, words, view } = this.#thread;
    const { form, place, parent, edits, sent } = writing;
    const comment = /** @type {Comment | undefined} */ (answer.event.comment);
    if (answer.token && comment?.author) addIdentity(store, { id: comment.author.id, name: comment.author.name, token: answer.token });
    addRef(store, comment?.ref ?? null);
    if (sent) settle(store, place, sent);
    const focused = form.matches(":focus-within");
    lock(writing, false);
    if (edits === null) this.#posted = Date.now();
    if (parent || edits) this.#close(writing);
    else {
      put(form, store.draft(place)?.text ?? ""); // what was typed in another window meanwhile
      say(form, words(comment?.status === "pending" ? "held" : "sent"));
      // By the keyboard one goes on writing; on a phone it would come up and cover the comment.
      if (sendButton(form).matches(":focus-visible")) area(form).focus({ preventScroll: true });
    }
    this.#thread.own?.accept(answer);
    const element = comment && view.element(comment.id);
    if (comment) unfold(view, comment.id);
    // Who has a name has it in every form.
    for (const other of this.#writings.keys()) {
      const field = nameField(other);
      if (field) field.value ||= comment?.author?.name ?? "";
    }
    this.#lookAgain();
    element?.setAttribute("data-fresh", "");
    if (focused && element && (parent || edits)) element.focus({ preventScroll: true });
    element?.querySelector(".entry")?.scrollIntoView({ block: "nearest", behavior: "instant" });
    if (unanswered(store, place).length) this.#reopen(place); // from two windows that are closed
  }

  /** The server will not have it: keep everything, and say why. @param {Writing} writing @param {Problem} error */
  async #fail(writing, error) {
    const { words, store } = this.#thread;
    const { form, place, parent, edits } = writing;
    this.#takeBack(writing);
    lock(writing, false);
    const field = error.errors[0];
    if (error.status === 401) {
      showMember(this.#thread, form);
      const name = nameField(form);
      if (name) name.value ||= store.identities[0]?.name ?? "";
      this.#refuse(writing, "name", words("expired"));
    } else if (error.status === 429) {
      const until = Date.now() + 1000 * Math.max(1, error.retryAfter);
      const slow = edits === null ? slowMode(this.#thread) : 0;
      writing.refused = true;
      if (slow) this.#posted = until - 1000 * slow;
      else writing.until = until;
    } else if (field) this.#refuse(writing, field.field, error.errors.map(({ message: text }) => text).join(" "));
    else say(form, words("failed", { reason: error.message }), true);
    this.#lookAgain();
    const id = parent ?? edits;
    if (id === null || ![404, 409].includes(error.status) || form.hasAttribute("data-blocked") || !(await isGone(this.#thread, id))) return;
    writing.gone = this.#thread.state.seq;
    if (form.isConnected) return this.#look(writing);
    // Sent from where nobody sees it.
    this.#writings.delete(form);
    if (parent !== null) void this.#seek(place);
  }

  /** What was sent is a draft again, with what was typed in another window meanwhile. @param {Writing} writing */
  #takeBack({ form, place, sent }) {
    if (!sent) return;
    const { store } = this.#thread;
    const text = joined(sent.text, store.draft(place)?.text ?? "");
    withdraw(store, place, sent);
    keep(store, place, text, sent.name);
    if (text !== area(form).value) put(form, text);
  }

  /** Point at what is wrong and keep everything. @param {Writing} writing @param {string} field @param {string} text */
  #refuse({ form }, field, text) {
    if (field !== "name") form.querySelector(".counter")?.remove(); // said once is enough
    say(form, text, true);
    const target = field === "name" ? nameField(form) : area(form);
    if (target) target.ariaInvalid = "true";
    target?.focus();
  }

  /** Take a form away; its draft is another matter. @param {Writing} writing @param {boolean} [pressed]  by hand: some browsers do not focus what is pressed */
  #close(writing, pressed = false) {
    const { form, place, parent, edits, sent } = writing;
    const { store } = this.#thread;
    clearTimeout(writing.timer);
    writing.busy = false; // what is on its way still counts when it arrives, but is not sent again
    if (sent) withdraw(store, place, sent);
    this.#writings.delete(form);
    const focused = form.matches(":focus-within");
    const article = form.closest("article");
    article?.removeAttribute("data-editing");
    form.remove();
    const back = /** @type {HTMLElement | null} */ (article?.querySelector(`:scope > .entry [data-ripost=${edits ? "edit" : "reply"}]`));
    if (pressed || focused) (back ?? article)?.focus({ preventScroll: true });
    // A removed comment was kept for the reply being written to it.
    const id = parent ?? edits;
    if (id !== null && !this.#thread.state.comments.has(id)) this.#thread.view.update([id]);
  }
}

/** The comment that a place belongs to; 0: none. @param {string} place */
const commentOf = (place) => Number(/\d+$/.exec(place)?.[0] ?? 0);
