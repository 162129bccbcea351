// @ts-check
/** What a reader may do, and as whom. Loaded with what does it. */

/** @typedef {import("./thread.js").Thread} Thread */

/** What holds for a reader the server does not know. */
const LIMITS = { text_max: 10_000, name_max: 60, edit_seconds: 900 };

/** @param {Thread} thread @returns {import("./types.js").Limits} */
export const limitsOf = ({ state }) => state.viewer?.limits ?? state.article.limits ?? LIMITS;

/** Whether this reader decides about what others write. @param {Thread} thread */
export const moderates = ({ state }) => state.viewer?.can.includes("moderate") ?? false;

/** The member that the page signed in, if any. @param {Thread} thread */
export const memberOf = ({ member, state }) => (member ? { token: member, name: state.viewer?.person.name ?? "" } : null);

/** The token with which a comment can be changed. @param {Thread} thread @param {import("./types.js").Comment} comment */
export function tokenFor({ member, store, token }, { author }) {
  return store.identities.find(({ id }) => id === author?.id)?.token ?? member ?? token;
}
