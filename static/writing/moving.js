// @ts-check
/**
 * An answer whose question is gone becomes a comment of its own. Owns how its text joins what the form for comments already
 * holds, and how one learns that a comment is gone. Never throws a word away.
 */
import { ask, Problem } from "../api.js";
import { area, nameField } from "./form.js";
import { insert } from "./toolbar.js";

/** Put a text into a form, below what is there. @param {HTMLFormElement} form @param {string} text @param {string} [name]  given with it, for a form without one */
export function moveInto(form, text, name = "") {
  const field = nameField(form);
  if (field) field.value ||= name;
  const target = area(form);
  const room = !target.value || target.value.endsWith("\n\n") ? "" : "\n\n";
  target.setSelectionRange(target.value.length, target.value.length);
  insert(target, room + text);
}

/** Whether nobody can answer a comment any more; false as long as that is not known. @param {import("../thread.js").Thread} thread @param {number} id */
export async function isGone(thread, id) {
  try {
    const { comments } = await ask(thread, `/api/comments/${id}`);
    return comments.find((/** @type {{id: number}} */ one) => one.id === id)?.status !== "visible";
  } catch (error) {
    return error instanceof Problem && error.status === 404;
  }
}
