// @ts-check
/**
 * A discussion on a page of somebody else's, where the server has written nothing: asks for its first page and makes the
 * elements that the server says it has (server/markup/nodes.py). Says that it loads, and what is wrong when it does not.
 * Makes elements of data only; of what a comment says, those that tree-view.js allows.
 */
import { ask } from "./api.js";
import { make, makePart } from "./elements.js";
import { fail } from "./failure.js";
import { pageLink } from "./page-address.js";
import { renderTree } from "./tree-view.js";

// What the server writes. It may be another than the one this script comes from, and shall run nothing here: no element of
// so few letters does, no attribute but those that begin with "on", and the thread lets no form be sent.
const TAGS = /^(..?.?|section|header|button|form|textarea|input|article|span|time|footer)$/;

/**
 * Asks for as long as it takes.
 *
 * @param {import("./thread.js").Thread} thread
 * @param {(section: HTMLElement) => void} show  first what stands there meanwhile, then the discussion
 * @returns {Promise<import("./types.js").Page | null>} null: not wanted any more
 */
export async function draw(thread, show) {
  const { host, language, signal, words } = thread;
  show(makePart("section", "thread", { lang: language, dir: /^ar/.test(language) && !host.dir ? "rtl" : null, "aria-busy": "true" },
    makePart("header", "header", {}, makePart("h2", "count", { "data-ripost": "count" }, words("loading"))),
    makePart("div", "feed", { "data-ripost": "feed" }),
    makePart("p", "status", { "data-ripost": "status", role: "status" })));
  for (;;) {
    try {
      const { page, section } = await askDrawn(thread, language, host.getAttribute("sort") ?? "");
      signal.throwIfAborted();
      show(makeSection(host, page, section));
      return page;
    } catch (error) {
      if (signal.aborted) return null;
      fail(thread, error);
      // The reader asks to try again, or the network is back.
      await new Promise((resolve) => {
        const options = { signal, once: true };
        thread.frame.part("failure").addEventListener("click", resolve, options);
        window.addEventListener("online", resolve, options);
      });
    }
  }
}

/**
 * The first page, and what stands around and in it.
 *
 * @param {import("./thread.js").Thread} thread @param {string} language @param {string} sort
 * @returns {Promise<{page: import("./types.js").Page, section: any[]}>}
 */
export async function askDrawn(thread, language, sort) {
  const { host } = thread;
  const get = (/** @type {Record<string, string>} */ which) => ask(thread, `/api/drawn?${new URLSearchParams({ lang: language.slice(0, 2), sort, ...which })}`);
  let article = Number(host.getAttribute("article"));
  if (!article) {
    const canonical = /** @type {HTMLLinkElement | null} */ (document.querySelector("link[rel=canonical]"))?.href;
    const [url = ""] = new URL(host.getAttribute("article-url") || canonical || "", location.href).href.split("#");
    const found = await get({ url });
    if (found) return found;
    // Nobody has been here before.
    article = (await ask(thread, "/api/articles/resolve", { method: "POST", body: { url, title: document.title } })).id;
  }
  return get({ article: `${article}` });
}

/** @param {HTMLElement} host  may say in which direction @param {import("./types.js").Page} page @param {any[]} section */
export function makeSection(host, page, section) {
  if (host.dir) delete section[1].dir;
  const trees = new Map(page.comments.map(({ id, tree }) => [id, tree]));
  const build = /** @type {(node: any[]) => HTMLElement | ""} */ ([tag, attributes, ...children]) => {
    if (!TAGS.test(tag) || /\bon/i.test(`${Object.keys(attributes)}`)) return "";
    if (attributes.href) attributes.href = pageLink(Object.fromEntries(new URLSearchParams(attributes.href)));
    return make(tag, attributes, ...children.map((child) => Array.isArray(child) ? build(child) : trees.has(child) ? renderTree(trees.get(child) ?? []) : child));
  };
  return /** @type {HTMLElement} */ (build(section));
}
