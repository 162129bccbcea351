// @ts-check
/** Reads a whole discussion page by page, as anybody sees it, for the replay. Bounded: says when it has left something out. */

/** @typedef {import("./types.js").Comment} Comment @typedef {import("./types.js").Page} Page */

const MOST = 2000; // comments; more would take longer to watch than to read
const REQUESTS = 80;

/**
 * @param {(path: string) => Promise<Page>} get @param {number} article
 * @param {(n: number) => void} told  how many have come so far
 * @param {AbortSignal} signal
 * @returns {Promise<{comments: Map<number, Comment>, cut: boolean}>} parents before their replies; cut: there are more
 * @throws what `get` throws, or the signal's reason
 */
export async function readWhole(get, article, told, signal) {
  /** @type {Map<number, Comment>} */
  const comments = new Map();
  /** What is still to be read: addresses without their cursor, and it. @type {[string, string][]} */
  const waiting = [[`/api/articles/${article}/thread?sort=oldest`, ""]];
  let requests = 0;
  while (waiting.length && comments.size < MOST && requests++ < REQUESTS) {
    const [path, cursor] = /** @type {[string, string]} */ (waiting.shift());
    const page = await get(`${path}${path.includes("?") ? "&" : "?"}limit=100${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
    signal.throwIfAborted();
    // A later page may know better, but a comment keeps its place behind its parent.
    for (const comment of page.comments) if (comments.has(comment.id) || comments.size < MOST) comments.set(comment.id, comment);
    if (page.next) waiting.unshift([path, page.next]);
    for (const [id, at] of Object.entries(page.branches ?? {})) waiting.push([`/api/comments/${id}/replies`, at]);
    told(comments.size);
  }
  return { comments, cut: waiting.length > 0 || comments.size >= MOST };
}
