// @ts-check
/**
 * The address of the page a thread stands on: links into it and out of it. Owns which query parameters are ours; leaves
 * the page's own alone.
 */

const OURS = ["comment", "cursor", "sort"];

/** This page with this query instead of ours. @param {Record<string, string>} query */
export function pageLink(query) {
  const url = new URL(location.href);
  for (const name of OURS) url.searchParams.delete(name);
  for (const name in query) url.searchParams.set(name, query[name] ?? "");
  return url.search || "?";
}

/** Whether the page is Ripost's own, where the query is for us to write. @param {string} server  its origin */
export function isOwnPage(server) {
  return location.origin === server && location.pathname.startsWith("/a/");
}

/** The comment a shared link points to; 0 when none, or when the reader comes back to where they were. */
export function linkedComment() {
  const id = new URLSearchParams(location.search).get("comment") ?? /^#comment-(\d+)$/.exec(location.hash)?.[1];
  const navigation = /** @type {PerformanceNavigationTiming | undefined} */ (performance.getEntriesByType("navigation")[0]);
  return navigation?.type === "back_forward" ? 0 : Number(id) || 0;
}
