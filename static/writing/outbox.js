// @ts-check
/**
 * What is on its way to the server. Owns a text from the press of the button until there is an answer: asks again while
 * the server cannot be reached, under one client_id, and hands on the first answer only. What becomes of the text then is
 * the composer's.
 */
import { ask, Problem } from "../api.js";
import { backOff } from "../connection.js";
import { makeButton, setChild } from "../elements.js";
import { addRef, forget } from "../remembering.js";
import { beganFrom, beginAgain } from "../revising.js";
import { tokenFor } from "../rights.js";
import { lock, message, refOf, say } from "./form.js";

/** @typedef {import("./form.js").Writing} Writing */

export class Outbox {
  #thread;
  #settled;
  #refused;
  #waits;

  /**
   * @param {import("../thread.js").Thread} thread
   * @param {(writing: Writing, answer: any) => void} settled  the server has it
   * @param {(writing: Writing, problem: Problem) => void} refused  it will not have it
   * @param {(writing: Writing) => void} waits  it cannot be reached
   */
  constructor(thread, settled, refused, waits) {
    this.#thread = thread;
    this.#settled = settled;
    this.#refused = refused;
    this.#waits = waits;
  }

  /** Send the letter of a form, the first time or once more. @param {Writing} writing @returns {Promise<void>} */
  async send(writing) {
    const { sent: letter, parent, edits } = writing;
    const thread = this.#thread;
    const { store, state } = thread;
    if (!letter) return;
    clearTimeout(writing.timer);
    lock(writing, true);
    if (!writing.tries) this.say(writing);
    const { text, client_id, name } = letter;
    const identity = thread.member ? null : store.identities.find((known) => known.name === name);
    const edited = edits === null ? undefined : state.comments.get(edits);
    const token = edited ? tokenFor(thread, edited) : (thread.member ?? identity?.token ?? null);
    let answer;
    try {
      if (edits === null) addRef(store, await refOf(client_id));
      answer = edits !== null
        ? await ask(thread, `/api/comments/${edits}`, { method: "PATCH", body: { text, edited_at: beganFrom(thread, edits) }, token })
        : await ask(thread, `/api/articles/${state.article.id}/comments`, {
          method: "POST", token, body: { client_id, text, ...(parent ? { parent } : {}), ...(name && !thread.member ? { name } : {}) },
        });
    } catch (error) {
      // Sent twice at a time, or given up while it was on its way: there is an answer already, or nobody waits for one.
      if (thread.signal.aborted || writing.sent !== letter || !writing.busy) return;
      if (!(error instanceof Problem)) return this.#wait(writing);
      if (error.status === 412 && edits !== null) void beginAgain(thread, edits);
      if (error.status === 401 && token) {
        forget(thread, token);
        // A guest is simply a new guest; a member has to know, and to give a name.
        if (identity && edits === null) return this.send(writing);
      }
      return this.#refused(writing, error);
    }
    if (writing.sent === letter) this.#settled(writing, answer);
  }

  /** Nobody knows whether it arrived. The same client_id again does no harm. @param {Writing} writing */
  #wait(writing) {
    clearTimeout(writing.timer);
    writing.timer = window.setTimeout(() => void this.send(writing), 1000 + backOff(++writing.tries));
    this.say(writing);
    this.#waits(writing);
  }

  /** Say what a text that is on its way waits for. @param {Writing} writing */
  say(writing) {
    const { form, tries } = writing;
    const { words, signal } = this.#thread;
    if (!say(form, words(tries ? "waiting" : "sending"), tries > 0) || !tries) return;
    setChild(message(form), "button", true, () => {
      const now = makeButton("send", words("sendNow"), { class: "action inline" });
      now.addEventListener("click", () => void this.send(writing), { signal });
      return now;
    });
  }
}
