// @ts-check
/**
 * One discussion as the page knows it: a fold of a snapshot and the events after it. Owns its maps and changes them in
 * place (an event must cost the same among ten comments and ten thousand); comments themselves are never changed, they
 * are replaced, so that a reader of the state can compare by identity. Promises that an event counts once, in order,
 * and that snapshot + events equals a later snapshot. Never touches the DOM, the network or a clock; runs under node.
 *
 * @typedef {import("./types.js").Comment} Comment
 * @typedef {import("./types.js").Page} Page
 * @typedef {import("./types.js").ThreadEvent} ThreadEvent
 *
 * @typedef {object} ThreadState
 * @property {import("./types.js").Article} article
 * @property {string} epoch
 * @property {number} seq  position of the last event applied
 * @property {string | null} at  time of that event
 * @property {import("./types.js").Sort} sort
 * @property {import("./types.js").Viewer | null} viewer
 * @property {Map<number, Comment>} comments
 * @property {Map<number, number[]>} children  replies by parent, ids ascending
 * @property {number[]} roots  top-level ids as displayed; those of `arrived` are put where they belong when it matters (root-order.js)
 * @property {number[]} arrived  roots that came by events
 * @property {Set<number>} leading  roots that were pinned when they were loaded: they stay in front until a reload
 * @property {Map<number, string>} branches  cursor of what is not loaded below a comment
 * @property {string | null} next  cursor of the next page of roots
 * @property {number | null} edge  the last root before what `next` would bring
 * @property {Set<number>} departing  tombstones that an old event published: visible until their own removal comes
 * @property {Map<number, number[]>} unloaded  new comments below others that are not loaded, with what they stand below, the nearest last
 * @property {ThreadEvent[]} recent  the latest events, for pages that are older than the state
 *
 * @typedef {object} Outcome
 * @property {Set<number>} changed  ids that were added, replaced or dropped
 * @property {boolean} gap  an event before this one is missing: resume from `state.seq`; nothing was applied
 * @property {boolean} reset  another history: load a snapshot; nothing was applied
 */

/** Events kept for pages in flight. At 500 events a second a page may be 2 s old; older ones are asked for again. */
const RECENT = 1000;

/**
 * @param {Page} snapshot  the first page of a thread
 * @returns {ThreadState}
 */
export function makeState(snapshot) {
  /** @type {ThreadState} */
  const state = {
    article: /** @type {import("./types.js").Article} */ (snapshot.article),
    epoch: snapshot.epoch,
    seq: snapshot.seq,
    at: snapshot.at ?? null,
    sort: snapshot.sort ?? "oldest",
    viewer: snapshot.viewer ?? null,
    comments: new Map(),
    children: new Map(),
    roots: [],
    arrived: [],
    leading: new Set(),
    branches: new Map(Object.entries(snapshot.branches ?? {}).map(([id, cursor]) => [Number(id), cursor])),
    next: snapshot.next,
    edge: null,
    departing: new Set(),
    unloaded: new Map(),
    recent: [],
  };
  for (const comment of snapshot.comments) {
    const { id, parent } = comment;
    if (parent == null) {
      state.roots.push(id);
      state.edge = id;
      if (comment.pinned) state.leading.add(id);
    } else if (!state.comments.has(parent)) continue;
    else attach(state, comment);
    state.comments.set(id, comment);
  }
  for (const held of state.viewer?.pending ?? []) insert(state, held);
  return state;
}

/** Whether this reader may not write here: who moderates still may. @param {ThreadState} state */
export const isClosed = ({ article, viewer }) => article.state === "closed" && !viewer?.can.includes("moderate");

/**
 * Apply the next event of the article's log. Old ones are ignored; a gap or another epoch changes nothing.
 *
 * @param {ThreadState} state
 * @param {ThreadEvent} event
 * @returns {Outcome}
 */
export function applyEvent(state, event) {
  const changed = /** @type {Set<number>} */ (new Set());
  const outcome = { changed, gap: false, reset: false };
  if (event.epoch !== state.epoch) return { ...outcome, reset: true };
  if (event.seq <= state.seq) return outcome;
  if (event.seq > state.seq + 1) return { ...outcome, gap: true };
  state.seq = event.seq;
  state.at = event.at;
  state.recent.push(event);
  if (state.recent.length > 2 * RECENT) state.recent.splice(0, RECENT);
  fold(state, event, changed);
  return outcome;
}

/** What each type of event does. An unknown type does nothing: a newer server may say more than we understand.
 * @type {Record<string, (state: ThreadState, event: any, changed: Set<number>) => void>} */
const FOLDS = {
  "comment.posted": publish,
  "comment.restored": publish,
  "comment.edited": (state, { comment }, changed) => {
    const { author, tree, edited_at, status } = comment;
    change(state, comment.id, { author, tree, edited_at, status }, changed);
  },
  "comment.removed": (state, event, changed) => {
    count(state, event, event.parent, changed);
    change(state, event.id, { status: event.status, author: null, tree: null, edited_at: null, pinned: false }, changed);
    state.departing.delete(event.id);
    state.unloaded.delete(event.id);
    prune(state, event.id, changed);
  },
  "comment.pinned": (state, { id, pinned }, changed) => change(state, id, { pinned }, changed),
  "comments.scored": (state, { scores }, changed) => {
    for (const [id, [up, down]] of Object.entries(scores)) change(state, Number(id), { up, down }, changed);
  },
  "article.updated": (state, { article }) => void (state.article = article),
};

/** @param {ThreadState} state @param {ThreadEvent} event @param {Set<number>} changed */
export function fold(state, event, changed) {
  if (Object.hasOwn(FOLDS, event.type)) FOLDS[event.type]?.(state, event, changed);
}

/** @param {ThreadState} state @param {any} event @param {Set<number>} changed */
function publish(state, event, changed) {
  const { comment, ancestors = [] } = event;
  count(state, event, comment.parent, changed);
  for (const ancestor of ancestors) {
    if (!state.comments.has(ancestor.id) && insert(state, ancestor)) changed.add(ancestor.id);
  }
  if (!insert(state, comment)) {
    if (comment.status !== "visible" || !event.root) return;
    state.unloaded.set(comment.id, [event.root, ...(event.above ?? [])]);
    return void changed.add(event.root);
  }
  changed.add(comment.id);
  // An old event may publish what is taken down by now; what was said below it meanwhile needs it as a parent.
  if (comment.status === "visible") state.departing.delete(comment.id);
  else state.departing.add(comment.id);
}

/** Counters are set to what the event says, never incremented: applying twice does no harm.
 * @param {ThreadState} state @param {any} event @param {number | null} parent @param {Set<number>} changed */
function count(state, event, parent, changed) {
  if (event.comment_count != null) state.article = { ...state.article, comment_count: event.comment_count };
  if (parent != null && event.parent_replies != null) {
    change(state, parent, { replies: event.parent_replies }, changed);
  }
}

/** @param {ThreadState} state @param {number} id @param {Partial<Comment>} fields @param {Set<number>} changed */
function change(state, id, fields, changed) {
  const comment = state.comments.get(id);
  if (!comment) return;
  state.comments.set(id, { ...comment, ...fields });
  changed.add(id);
}

/** Insert, or replace by id. Refused (false) when the parent is not loaded: a later page brings both.
 * @param {ThreadState} state @param {Comment} comment */
export function insert(state, comment) {
  const { id, parent } = comment;
  const { comments } = state;
  if (parent != null && !comments.has(parent)) return false;
  if (!comments.has(id)) {
    if (parent != null) attach(state, comment);
    else {
      state.roots.push(id);
      state.arrived.push(id);
    }
  }
  comments.set(id, comment);
  state.unloaded.delete(id);
  return true;
}

/** Below its parent, by id. @param {ThreadState} state @param {Comment} comment */
function attach({ children }, { id, parent }) {
  const replies = children.get(/** @type {number} */ (parent)) ?? [];
  children.set(/** @type {number} */ (parent), replies);
  replies.splice(replies.findLastIndex((reply) => reply < id) + 1, 0, id);
}

/** Let go of a comment that is not visible and holds nothing up, and then of its parents likewise.
 * @param {ThreadState} state @param {number} from @param {Set<number>} changed */
export function prune(state, from, changed) {
  /** @type {number | null} */
  let id = from;
  while (id != null) {
    /** @type {Comment | undefined} */
    const comment = state.comments.get(id);
    if (!comment || comment.status === "visible" || comment.status === "pending" || state.departing.has(id)) return;
    if (comment.replies > 0 || state.children.get(id)?.length || inOpenBranch(state, comment)) return;
    drop(state, id);
    changed.add(id);
    id = comment.parent;
  }
}

/** Whether part of the comment's branch is not loaded, so that it may have children we do not know.
 * @param {ThreadState} state @param {Comment} comment */
function inOpenBranch(state, comment) {
  if (!state.branches.size) return false;
  /** @type {Comment | undefined} */
  let at = comment;
  while (at) {
    if (state.branches.has(at.id)) return true;
    at = at.parent == null ? undefined : state.comments.get(at.parent);
  }
  return false;
}

/** @param {ThreadState} state @param {number} id */
export function drop(state, id) {
  const parent = state.comments.get(id)?.parent ?? null;
  state.comments.delete(id);
  state.children.delete(id);
  state.branches.delete(id);
  state.departing.delete(id);
  const siblings = parent == null ? state.roots : (state.children.get(parent) ?? []);
  const at = siblings.lastIndexOf(id);
  if (parent == null && state.edge === id) state.edge = siblings[at - 1] ?? null;
  if (at >= 0) siblings.splice(at, 1);
  state.leading.delete(id);
}
