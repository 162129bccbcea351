// @ts-check
/**
 * What this browser keeps of what one person writes, for all their windows. Each place has one draft: the words in its
 * form, which every window shows and may change. What was sent is a letter: its text and its client_id are one thing until
 * the server has answered, whatever becomes of the page, so it is kept apart from the draft, under its client_id, and never
 * changes. So words that are typed meanwhile, here or elsewhere, neither go out under its client_id nor end with it: only
 * a draft that still says what was sent does.
 */

/** @typedef {import("../browser-store.js").BrowserStore} BrowserStore @typedef {import("../types.js").Draft} Draft @typedef {import("../types.js").Letter} Letter */

/** Places and client_ids that are this page's own, for as long as it is open: a thread may start anew in it. */
const own = new Set();

/** @param {string} place @param {string} [id]  of a letter from there; otherwise the draft's */
export const keyOf = (place, id) => `draft:${place}${id ? `:${id}` : ""}`;

/** The places of an article at which something is kept. @param {BrowserStore} store @param {number} article */
export const placesOf = (store, article) => new Set(store.keys(`draft:${article}:`).map((key) => key.split(":").slice(1, 3).join(":")));

/** What another window began after this page was opened is that window's, until the next page. @param {string} name  place or client_id @param {{at?: number}} kept */
const isForeign = (name, { at = 0 }) => at > performance.timeOrigin && !own.has(name);

/** Whether there is something at a place for this page to open or to send by itself. @param {BrowserStore} store @param {string} place */
export function isWaiting(store, place) {
  const draft = store.draft(place);
  return unanswered(store, place).length > 0 || (draft !== null && !draft.away && !isForeign(place, draft));
}

/** What was sent from a place and is this page's to send again. @param {BrowserStore} store @param {string} place */
export const unanswered = (store, place) => lettersFrom(store, place).filter((letter) => !isForeign(letter.client_id, letter));

/** A form stands here. @param {string} place */
export const claim = (place) => void own.add(place);

/** @param {BrowserStore} store @param {string} place @param {string} text @param {string} [name] */
export function keep(store, place, text, name) {
  store.setDraft(place, { text, at: Date.now(), ...(name === undefined ? {} : { name }) });
}

/** The form is closed over a draft, which is there when it is opened again. @param {BrowserStore} store @param {string} place */
export function putAway(store, place) {
  const draft = store.draft(place);
  if (draft) store.setDraft(place, { ...draft, away: true });
}

/** What was sent from a place and not answered yet, from any window. @param {BrowserStore} store @param {string} place @returns {Letter[]} */
export const lettersFrom = (store, place) => store.keys(`${keyOf(place)}:`).map((key) => store.read(key)).filter((letter) => letter && !letter.settled);

/** The draft of a place with what was typed there before it could be shown; what is on its way needs no second keeping. @param {BrowserStore} store @param {string} place @param {string} typed */
export function withDraft(store, place, typed) {
  const { text = "" } = store.draft(place) ?? {};
  return typed && lettersFrom(store, place).some((letter) => letter.text === text) ? typed : joined(text, typed);
}

/** Keep what is about to be sent. The same text again is the same letter. @param {BrowserStore} store @param {string} place @param {Letter} letter */
export function post(store, place, letter) {
  own.add(letter.client_id);
  store.write(keyOf(place, letter.client_id), letter);
}

/** The server has it. The other windows are told, when the draft is gone and before the letter is. @param {BrowserStore} store @param {string} place @param {Letter} letter */
export function settle(store, place, letter) {
  if (store.draft(place)?.text === letter.text) store.setDraft(place, null);
  store.write(keyOf(place, letter.client_id), { ...letter, settled: true });
  withdraw(store, place, letter);
}

/** Nobody sends it again. @param {BrowserStore} store @param {string} place @param {Letter} letter */
export const withdraw = (store, place, { client_id }) => store.write(keyOf(place, client_id), null);

/** Two texts for one place, of which neither is lost. @param {string} kept @param {string} typed  later */
export function joined(kept, typed) {
  if (kept.startsWith(typed) || kept.endsWith(`\n\n${typed}`)) return kept;
  return typed.startsWith(kept) ? typed : `${kept.trimEnd()}\n\n${typed}`;
}

/** What was typed into the form for comments before there was anything to keep drafts comes after the draft. @param {BrowserStore} store @param {number} article */
export function mergeEarly(store, article) {
  const [root, early] = [`${article}:root`, `${article}:early`];
  const typed = store.draft(early);
  if (!typed) return;
  keep(store, root, withDraft(store, root, typed.text), store.draft(root)?.name);
  store.setDraft(early, null);
}
