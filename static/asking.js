// @ts-check
/** Asking for a page of a thread: as whom, and which one. Keeps nothing; who asks owns what becomes of a page. */
import { ask, Problem } from "./api.js";
import { forget } from "./remembering.js";

/** @typedef {import("./thread.js").Thread} Thread @typedef {import("./types.js").Page} Page */

/** @param {Thread} thread @param {number} article @param {{fresh?: boolean, sort?: string | null, cursor?: string, limit?: number}} [options] @returns {Promise<Page>} */
export function loadPage(thread, article, { fresh = false, sort, cursor = "", limit = 0 } = {}) {
  const query = new URLSearchParams();
  if (sort) query.set("sort", sort);
  if (cursor) query.set("cursor", cursor);
  if (limit) query.set("limit", `${limit}`);
  return askAsReader(thread, `/api/articles/${article}/thread?${query}`, fresh);
}

/** Read as whoever is known here, member or guest; as anybody once the token is refused. @param {Thread} thread @param {string} path @param {boolean} [fresh] @returns {Promise<any>} */
export async function askAsReader(thread, path, fresh = false) {
  const { token } = thread;
  try {
    return await ask(thread, path, { fresh, token });
  } catch (error) {
    if (!token || !(error instanceof Problem) || error.status !== 401) throw error;
    forget(thread, token);
    return ask(thread, path, { fresh });
  }
}
