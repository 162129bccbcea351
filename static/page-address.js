// @ts-check
/**
 * The page a thread stands on: its address, links into it and out of it, what it brought along. Owns which query
 * parameters are ours; leaves the page's own alone.
 */

const OURS = ["comment", "cursor", "sort"];

/** This page with this query instead of ours. @param {Record<string, string>} query */
export function pageLink(query) {
  const url = new URL(location.href);
  for (const name of OURS) url.searchParams.delete(name);
  for (const name in query) url.searchParams.set(name, query[name] ?? "");
  return url.search || "?";
}

/** The comment a shared link points to; 0 when none, or when the reader comes back to where they were. */
export function linkedComment() {
  const id = new URLSearchParams(location.search).get("comment") ?? /^#comment-(\d+)$/.exec(location.hash)?.[1];
  const navigation = /** @type {PerformanceNavigationTiming | undefined} */ (performance.getEntriesByType("navigation")[0]);
  return navigation?.type === "back_forward" ? 0 : Number(id) || 0;
}

/**
 * The snapshot that came with the page. Used once: after a move in the document, or for another article, it would be old.
 *
 * @param {ShadowRoot} root @param {number} article  0 when the page does not say
 * @returns {import("./types.js").Page | null}
 */
export function renderedSnapshot(root, article) {
  const script = root.querySelector("[data-ripost=snapshot]");
  script?.remove();
  const page = JSON.parse(script?.textContent || "null");
  return page && (!article || article === page.article?.id) ? page : null;
}

/** Whether the page is Ripost's own, where the query is for us to write. @param {string} server  its origin */
export function isOwnPage(server) {
  return location.origin === server && location.pathname.startsWith("/a/");
}
