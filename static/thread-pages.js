// @ts-check
/**
 * What becomes of a thread's state besides the events of its log: further pages, comments from elsewhere, one's own before
 * their event has come. Loaded with what asks for them. Promises what thread-state.js does: a page and the events after it
 * equal a later page. Never touches the DOM or the network; runs under node.
 */
import { drop, fold, insert, prune } from "./thread-state.js";
import { comesBefore, settleRoots } from "./root-order.js";
import { treeOrder } from "./tree-order.js";

/** @typedef {import("./types.js").Comment} Comment @typedef {import("./types.js").Page} Page
 * @typedef {import("./thread-state.js").ThreadState} ThreadState @typedef {import("./thread-state.js").Outcome} Outcome */

/**
 * Add a further page: the next roots, or (with `branch`) more of the replies below that comment. What the state already
 * knows from later events wins over an older page; events above an older page's position are applied to what it brings.
 *
 * @param {ThreadState} state
 * @param {Page} page
 * @param {number | "aside" | null} [branch]  "aside": comments from elsewhere (a shared link); no cursor moves
 * @returns {Outcome & {stale: boolean}}  stale: older than the events kept; ask again past the caches
 */
export function addPage(state, page, branch = null) {
  settleRoots(state);
  const changed = /** @type {Set<number>} */ (new Set());
  const outcome = { changed, gap: false, reset: false, stale: false };
  if (page.epoch !== state.epoch) return { ...outcome, reset: true };
  const kept = state.recent.filter((event) => event.seq > page.seq);
  if (page.seq < state.seq && kept.length !== state.seq - page.seq) return { ...outcome, stale: true };
  merge(state, page, branch, changed);
  for (const event of kept) fold(state, event, changed);
  // One's own that wait, where what they answer has come.
  for (const held of state.viewer?.pending ?? []) if (!state.comments.has(held.id) && insert(state, held)) changed.add(held.id);
  return outcome;
}

/**
 * Put a comment of one's own into the thread before its event comes (the answer to a post says it is there, or held).
 *
 * @param {ThreadState} state
 * @param {Comment} comment
 */
export function addOwn(state, comment) {
  if (state.comments.get(comment.id)?.status !== "visible") insert(state, comment);
}

/**
 * Take a comment of one's own that waited for a moderator out again (it was not accepted).
 *
 * @param {ThreadState} state
 * @param {number} id
 */
export function dropHeld(state, id) {
  if (state.viewer) state.viewer.pending = state.viewer.pending.filter((held) => held.id !== id);
  if (state.comments.get(id)?.status === "pending") drop(state, id);
}

/** @param {ThreadState} state @param {Page} page @param {number | "aside" | null} branch @param {Set<number>} changed */
function merge(state, page, branch, changed) {
  const newer = page.seq > state.seq;
  for (const comment of page.comments) {
    const known = state.comments.get(comment.id);
    const newest = known && known.status !== "pending" && !newer ? known : comment;
    if (branch === null && comment.parent == null) append(state, newest);
    else if (newest === known || !insert(state, comment)) continue;
    changed.add(comment.id);
  }
  if (branch === "aside") return;
  for (const [id, cursor] of Object.entries(page.branches ?? {})) state.branches.set(Number(id), cursor);
  if (branch === null) {
    state.next = page.next;
    return;
  }
  if (page.next) state.branches.set(branch, page.next);
  else {
    state.branches.delete(branch);
    // Tombstones were kept because what is below them was not known; now it is.
    for (const id of treeOrder(state, [branch]).reverse()) prune(state, id, changed);
  }
}

/**
 * A root of a page of roots: in the page's order, behind those of the page before. One that came by itself and stood
 * further on closes up; one that a page has brought already (scores change between pages) stays.
 *
 * @param {ThreadState} state @param {Comment} comment
 */
function append(state, comment) {
  const { comments, roots } = state;
  const { id } = comment;
  const known = roots.lastIndexOf(id);
  const edge = state.edge === null ? -1 : roots.lastIndexOf(state.edge);
  if (comment.pinned && known < 0) state.leading.add(id);
  if (known < 0 || known > edge) {
    if (known >= 0) roots.splice(known, 1);
    let at = edge + 1;
    // One that was there before, was taken down and came back belongs between the pages.
    while (at < roots.length && comesBefore(state.sort, /** @type {Comment} */ (comments.get(/** @type {number} */ (roots[at]))), comment)) at++;
    roots.splice(at, 0, id);
    state.edge = id;
  }
  comments.set(id, comment);
  state.unloaded.delete(id);
}
