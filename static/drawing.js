// @ts-check
/**
 * A discussion on a page of somebody else's, where the server has written nothing: asks for its first page and makes the
 * elements that the server says it has (server/markup/nodes.py). Says that it loads, and what is wrong when it does not.
 * Makes elements of data only; of what a comment says, those that tree-view.js allows.
 */
import { ask } from "./api.js";
import { childOf, make, makePart } from "./elements.js";
import { fail } from "./failure.js";
import { pageLink } from "./page-address.js";
import { renderTree } from "./tree-view.js";

/**
 * Asks for as long as it takes.
 *
 * @param {import("./thread.js").Thread} thread
 * @param {HTMLElement} there  what stands in the element
 * @param {(section: HTMLElement) => void} show  first what stands there meanwhile, then the discussion
 * @returns {Promise<import("./types.js").Page | null>} null: not wanted any more
 */
export async function draw(thread, there, show) {
  const { host, language, signal, words } = thread;
  const turned = host.hasAttribute("dir");
  const focused = childOf(there, ".composer-place")?.contains(thread.root.activeElement);
  const height = there.offsetHeight;
  show(makePart("section", "thread", { lang: language, dir: /^ar/.test(language) && !turned ? "rtl" : null, "aria-busy": "true" },
    makePart("header", "header", {}, makePart("h2", "count", { "data-ripost": "count" }, words("loading"))),
    makePart("div", "feed", { "data-ripost": "feed" }),
    makePart("p", "status", { "data-ripost": "status", role: "status" })));
  thread.frame.section.style.minHeight = `${height || ""}px`; // what is read stays where it is
  const canonical = /** @type {HTMLLinkElement | null} */ (document.querySelector("link[rel=canonical]"))?.href;
  const url = new URL(host.getAttribute("article-url") || canonical || location.href, location.href).href;
  const query = new URLSearchParams({ url, lang: language, sort: host.getAttribute("sort") ?? "" });
  const article = host.getAttribute("article");
  if (article) query.set("article", article);
  for (;;) {
    try {
      let found = await ask(thread, `/api/drawn?${query}`);
      if (!found) {
        // Nobody has been here before.
        query.set("article", (await ask(thread, "/api/articles/resolve", { method: "POST", body: { url, title: document.title } })).id);
        found = await ask(thread, `/api/drawn?${query}`);
      }
      const { page, section } = found;
      if (turned) delete section[1].dir;
      const trees = new Map(page.comments.map((/** @type {import("./types.js").Comment} */ { id, tree }) => [id, tree]));
      const build = /** @type {(node: any[]) => HTMLElement} */ ([tag, attributes, ...children]) => {
        if (attributes.href) attributes.href = pageLink(Object.fromEntries(new URLSearchParams(attributes.href)));
        return make(tag, attributes, ...children.map((child) => Array.isArray(child) ? build(child) : trees.has(child) ? renderTree(trees.get(child)) : child));
      };
      show(build(section));
      if (focused) thread.composerForm?.querySelector("textarea")?.focus();
      return page;
    } catch (error) {
      if (signal.aborted) return null;
      fail(thread, error);
      // The reader asks to try again, or the network is back.
      await new Promise((resolve) => {
        const options = { signal, once: true };
        thread.frame.part("failure").querySelector("button")?.addEventListener("click", resolve, options);
        window.addEventListener("online", resolve, options);
      });
    }
  }
}
