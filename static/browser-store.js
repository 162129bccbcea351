// @ts-check
/**
 * What this browser remembers about its reader: who they post as, which comments are theirs, what they are writing.
 * Kept in localStorage, apart for every server; where storage is blocked or full it lives as long as the page does.
 * Never stores anything about other people.
 *
 * @typedef {import("./types.js").Identity} Identity
 * @typedef {import("./types.js").Draft} Draft
 */

const IDENTITIES = 5; // names a person uses in turn; each is a separate guest to the server
const OWN = 500; // refs of one's own comments, newest first; older ones are past every edit window

export class BrowserStore {
  #prefix;
  /** Stands in for blocked storage. @type {Map<string, string>} */
  #memory = new Map();

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
    return this.#read("identities") ?? [];
  }

  /** @param {Identity} identity  becomes the one that is used */
  addIdentity(identity) {
    const others = this.identities.filter((other) => other.id !== identity.id);
    this.#write("identities", [identity, ...others].slice(0, IDENTITIES));
  }

  /** @param {string} token  one that the server no longer knows */
  forgetToken(token) {
    this.#write("identities", this.identities.filter((identity) => identity.token !== token));
  }

  /** Refs of the comments written here. @returns {string[]} */
  get own() {
    return this.#read("own") ?? [];
  }

  /** @param {string | null} ref */
  addOwn(ref) {
    if (ref && !this.own.includes(ref)) this.#write("own", [ref, ...this.own].slice(0, OWN));
  }

  /** How an article was left at the last visit. @param {number} article @returns {import("./types.js").Visit | null} */
  visit(article) {
    return this.#read(`visit:${article}`);
  }

  /** @param {number} article @param {import("./types.js").Visit} visit */
  setVisit(article, visit) {
    this.#write(`visit:${article}`, visit);
  }

  /** @param {string} place  "ARTICLE:root", "ARTICLE:ID" (a reply) or "ARTICLE:edit-ID" @returns {Draft | null} */
  draft(place) {
    return this.#read(`draft:${place}`);
  }

  /** @param {string} place @param {Draft | null} draft  null or an empty one forgets it */
  setDraft(place, draft) {
    this.#write(`draft:${place}`, draft?.text ? draft : null);
  }

  /** Places of an article where something is being written or waits to be sent. @param {number} article @returns {string[]} */
  draftPlaces(article) {
    const start = `${this.#prefix}draft:${article}:`;
    let keys = [...this.#memory.keys()];
    try {
      keys = [...new Set([...keys, ...Object.keys(localStorage)])];
    } catch {
      // Blocked storage: what is in memory is all there is.
    }
    return keys.filter((key) => key.startsWith(start)).map((key) => key.slice(this.#prefix.length + "draft:".length));
  }

  /** @param {string} key @returns {any} */
  #read(key) {
    const name = this.#prefix + key;
    try {
      return JSON.parse(this.#memory.get(name) ?? localStorage.getItem(name) ?? "null");
    } catch {
      return null; // Blocked, or not ours: as if nothing was there.
    }
  }

  /** @param {string} key @param {unknown} value */
  #write(key, value) {
    const name = this.#prefix + key;
    const text = JSON.stringify(value);
    this.#memory.delete(name);
    try {
      if (value === null) localStorage.removeItem(name);
      else localStorage.setItem(name, text);
    } catch {
      if (value !== null) this.#memory.set(name, text);
    }
  }
}
