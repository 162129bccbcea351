// @ts-check
/**
 * Asking for a page of a thread: as whom, which one, and what is said when there is no answer. The first page of a foreign
 * site comes by it, and what loading.js asks for. Keeps nothing; the thread owns what becomes of a page.
 */
import { ask, Problem } from "./api.js";
import { forget } from "./remembering.js";

/** @typedef {import("./thread.js").Thread} Thread @typedef {import("./types.js").Page} Page */

/** The first page; asks again for as long as it takes. @param {Thread} thread @returns {Promise<Page | null>} null: not wanted any more */
export async function firstPage(thread) {
  const { host, signal } = thread;
  while (!signal.aborted) {
    try {
      const id = Number(host.getAttribute("article"));
      return await loadPage(thread, id || (await ask(thread, "/api/articles/resolve", { method: "POST", body: { url: articleUrl(host), title: document.title } })).id);
    } catch (error) {
      if (signal.aborted) break;
      fail(thread, error);
      // The reader asks to try again, or the network is back.
      await new Promise((resolve) => {
        const options = { signal, once: true };
        thread.frame.part("failure").querySelector("button")?.addEventListener("click", resolve, options);
        window.addEventListener("online", resolve, options);
      });
    }
  }
  return null;
}

/** @param {Thread} thread @param {number} article @param {{fresh?: boolean, sort?: string | null, cursor?: string, limit?: number}} [options] @returns {Promise<Page>} */
export function loadPage(thread, article, { fresh = false, sort = thread.host.getAttribute("sort"), cursor = "", limit = 0 } = {}) {
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

/** @param {Thread} thread @param {unknown} error @param {() => void} [again]  what "Try again" is to do */
export function fail({ frame, words }, error, again) {
  frame.fail(error instanceof Problem ? sentence(error.message) : words("unreachable"), again);
}

/** The address of the article the discussion belongs to. @param {HTMLElement} host */
function articleUrl(host) {
  const canonical = /** @type {HTMLLinkElement | null} */ (document.querySelector("link[rel=canonical]"))?.href;
  return new URL(host.getAttribute("article-url") || canonical || location.href, location.href).href;
}

/** What the server says, as a sentence. @param {string} reason */
function sentence(reason) {
  return reason.charAt(0).toUpperCase() + reason.slice(1) + (/[.!?]$/.test(reason) ? "" : ".");
}
