// @ts-check
/** What a browser is told to remember of those who write. Owns how much of it is kept; browser-store.js keeps it. */

/** @typedef {import("./browser-store.js").BrowserStore} BrowserStore */

const IDENTITIES = 5; // names a person uses in turn; each is a separate guest to the server
const OWN = 500; // refs of one's own comments, newest first; older ones are past every edit window

/** @param {BrowserStore} store @param {import("./types.js").Identity} identity  becomes the one that is used */
export function addIdentity(store, identity) {
  const others = store.identities.filter((other) => other.id !== identity.id);
  store.write("identities", [identity, ...others].slice(0, IDENTITIES));
}

/** The server no longer knows this token. @param {import("./thread.js").Thread} thread @param {string} token */
export function forget(thread, token) {
  if (thread.member === token) thread.member = null;
  thread.store.write("identities", thread.store.identities.filter((identity) => identity.token !== token));
}

/** @param {BrowserStore} store @param {string | null} ref */
export function addRef(store, ref) {
  if (ref && !store.own.includes(ref)) store.write("own", [ref, ...store.own].slice(0, OWN));
}
