// @ts-check
/**
 * Which text of a comment its change began from: the server refuses to put another in place of one that was not read.
 * Kept as the drafts of changes are, and for as long.
 */
import { setAttribute } from "./elements.js";

/** @typedef {import("./thread.js").Thread} Thread @typedef {Record<string, string | null>} Began  by comment: the `edited_at` of what was read */

/** @param {Thread} thread */
const keyOf = ({ state }) => `began:${state.article.id}`;

/** @param {Thread} thread @returns {Began} */
const begunIn = (thread) => thread.store.read(keyOf(thread)) ?? {};

/** Remember from where a change begins, unless it has begun. @param {Thread} thread @param {number} id */
export function begin(thread, id) {
  const { state, store, view } = thread;
  const isUnderWay = (/** @type {number} */ one) => store.draft(`${state.article.id}:edit-${one}`) !== null || (view.element(one)?.hasAttribute("data-editing") ?? false);
  const begun = Object.fromEntries(Object.entries(begunIn(thread)).filter(([one]) => isUnderWay(Number(one))));
  if (!isUnderWay(id)) begun[id] = state.comments.get(id)?.edited_at ?? null;
  store.write(keyOf(thread), begun);
}

/** The `edited_at` of the text that a change began from; undefined: nobody knows. @param {Thread} thread @param {number} id @returns {string | null | undefined} */
export const beganFrom = (thread, id) => begunIn(thread)[id];

/** Somebody else has changed it meanwhile: show what it says now, from which the next attempt begins. @param {Thread} thread @param {number} id */
export async function beginAgain(thread, id) {
  const { [id]: _, ...others } = begunIn(thread);
  thread.store.write(keyOf(thread), others); // what cannot be shown must not stand in the way for ever
  if (!(await thread.loader().then((loader) => loader.aside(id)).catch(() => false))) return;
  const element = thread.view.element(id);
  if (element?.hasAttribute("data-editing")) setAttribute(element, "data-editing", "again");
  thread.store.write(keyOf(thread), { ...begunIn(thread), [id]: thread.state.comments.get(id)?.edited_at ?? null });
}
