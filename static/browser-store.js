// @ts-check
/**
 * What this browser remembers about its reader: who they post as, which comments are theirs, what they are writing, how
 * they left a discussion. Kept in localStorage, apart for every server; where storage is blocked or full it lives as long as
 * the page does. Never stores anything about other people. What only writers need is remembering.js.
 *
 * @typedef {import("./types.js").Identity} Identity
 * @typedef {import("./types.js").Draft} Draft
 */

/** Stands in for blocked storage. @type {Record<string, string>} */
const memory = {};

export class BrowserStore {
  #prefix;

  /** @param {string} origin  the server's */
  constructor(origin) {
    this.#prefix = `ripost:${origin}:`;
  }

  /** What a `storage` event is about when another window learned who this person is. */
  get identitiesKey() {
    return `${this.#prefix}identities`;
  }

  /** Those this browser may post as, the latest first. @returns {Identity[]} */
  get identities() {
    return this.read("identities") ?? [];
  }

  /** Refs of the comments written here. @returns {string[]} */
  get own() {
    return this.read("own") ?? [];
  }

  /** @param {string} place  "ARTICLE:root", "ARTICLE:ID" (a reply) or "ARTICLE:edit-ID" @returns {Draft | null} */
  draft(place) {
    return this.read(`draft:${place}`);
  }

  /** @param {string} place @param {Draft | null} draft  null or an empty one forgets it */
  setDraft(place, draft) {
    this.write(`draft:${place}`, draft?.text ? draft : null);
  }

  /** What is kept under names that begin so. @param {string} start @returns {string[]} */
  keys(start) {
    const prefix = this.#prefix;
    let kept = memory;
    try {
      kept = { ...memory, ...localStorage };
    } catch {
      // Blocked storage: what is in memory is all there is.
    }
    return Object.keys(kept).filter((key) => key.startsWith(prefix + start)).map((key) => key.slice(prefix.length));
  }

  /** @param {string} key @returns {any} */
  read(key) {
    const name = this.#prefix + key;
    try {
      return JSON.parse(memory[name] ?? localStorage[name] ?? "null");
    } catch {
      return null; // Blocked, or not ours: as if nothing was there.
    }
  }

  /** @param {string} key @param {unknown} value  null forgets it */
  write(key, value) {
    const name = this.#prefix + key;
    const text = JSON.stringify(value);
    delete memory[name];
    try {
      if (value === null) delete localStorage[name];
      else localStorage[name] = text;
    } catch {
      if (value !== null) memory[name] = text;
    }
  }
}
