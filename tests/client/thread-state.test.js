// @ts-check
/** The page's reducer: snapshot + events equals a later snapshot, each event once, in order, at any depth. */
import assert from "node:assert/strict";
import test from "node:test";
import { toSnapshot } from "../../static/thread-snapshot.js";
import { addOwn, addPage } from "../../static/thread-pages.js";
import { applyEvent, makeState } from "../../static/thread-state.js";
import { settleRoots } from "../../static/root-order.js";
import { treeOrder } from "../../static/tree-order.js";

const EPOCH = "e";

/** @param {number} id @param {number | null} [parent] @param {object} [more] @returns {any} */
function comment(id, parent = null, more = {}) {
  const author = { id: 1, name: "Ana", role: "guest", avatar: null };
  return {
    id, article: 3, parent, depth: parent === null ? 0 : 1, ref: `${id}`, author, tree: [["p", `text ${id}`]],
    created_at: "2026-01-01T00:00:00.000000Z", dated: true, edited_at: null, status: "visible", up: 0, down: 0, replies: 0, pinned: false, ...more,
  };
}

/** @param {any[]} comments @param {object} [more] @returns {any} */
function page(comments, more = {}) {
  const article = { id: 3, slug: "a", url: null, title: "A", state: "open", slow_mode_seconds: 0, comment_count: comments.length };
  return { article, epoch: EPOCH, seq: 10, at: null, sort: "oldest", comments, branches: {}, next: null, viewer: null, ...more };
}

/** @param {number} seq @param {string} type @param {object} content @returns {any} */
const event = (seq, type, content) => ({ type, article: 3, epoch: EPOCH, seq, at: `at ${seq}`, ...content });
const gone = { status: "removed", author: null, tree: null };
const ids = (/** @type {any} */ state) => toSnapshot(state).comments.map(({ id }) => id);

test("a posted comment is inserted below its parent and counters are set, not incremented", () => {
  const state = makeState(page([comment(1), comment(2)]));
  const posted = event(11, "comment.posted", { comment: comment(3, 1), comment_count: 3, parent_replies: 1 });
  assert.deepEqual([...applyEvent(state, posted).changed].sort(), [1, 3]);
  assert.deepEqual(ids(state), [1, 3, 2]);
  assert.equal(state.article.comment_count, 3);
  assert.equal(state.comments.get(1)?.replies, 1);
});

test("an event that was applied already changes nothing", () => {
  const state = makeState(page([comment(1)]));
  const posted = event(11, "comment.posted", { comment: comment(3), comment_count: 2 });
  applyEvent(state, posted);
  const before = JSON.stringify(toSnapshot(state));
  assert.equal(applyEvent(state, posted).changed.size, 0);
  assert.equal(JSON.stringify(toSnapshot(state)), before);
});

test("a missing event is a gap and another epoch a reset, and neither is applied", () => {
  const state = makeState(page([comment(1)]));
  const later = event(12, "comment.posted", { comment: comment(3) });
  assert.equal(applyEvent(state, later).gap, true);
  assert.equal(applyEvent(state, { ...later, seq: 11, epoch: "other" }).reset, true);
  assert.deepEqual([state.seq, ids(state)], [10, [1]]);
});

test("a removed leaf goes, and takes tombstones above it that hold nothing else", () => {
  const state = makeState(page([comment(1, null, { ...gone, replies: 1 }), comment(2, 1, { depth: 1 }), comment(5)]));
  const outcome = applyEvent(state, event(11, "comment.removed", { id: 2, status: "removed", parent: 1, comment_count: 1, parent_replies: 0 }));
  assert.deepEqual(ids(state), [5]);
  assert.deepEqual([...outcome.changed].sort(), [1, 2]);
});

test("a removed comment with replies becomes a tombstone without name, text or pin", () => {
  const state = makeState(page([comment(1, null, { replies: 1, pinned: true }), comment(2, 1)]));
  applyEvent(state, event(11, "comment.removed", { id: 1, status: "deleted", parent: null, comment_count: 1, parent_replies: null }));
  const tomb = state.comments.get(1);
  assert.deepEqual([tomb?.status, tomb?.author, tomb?.tree, tomb?.pinned], ["deleted", null, null, false]);
});

test("a restored reply brings back the tombstones it hangs on, each in its place", () => {
  const state = makeState(page([comment(5)]));
  const ancestors = [comment(1, null, { ...gone, replies: 0 }), comment(2, 1, { ...gone, depth: 1, replies: 1 })];
  applyEvent(state, event(11, "comment.restored", { comment: comment(3, 2, { depth: 2 }), ancestors, comment_count: 2, parent_replies: 1 }));
  assert.deepEqual(ids(state), [1, 2, 3, 5]);
});

test("a replayed posting of what has been taken down since goes when its removal comes", () => {
  const state = makeState(page([comment(1)]));
  applyEvent(state, event(11, "comment.posted", { comment: comment(3, null, gone), comment_count: 2 }));
  assert.equal(state.comments.get(3)?.tree, null);
  applyEvent(state, event(12, "comment.removed", { id: 3, status: "removed", parent: null, comment_count: 1, parent_replies: null }));
  assert.deepEqual(ids(state), [1]);
});

test("a replayed posting of what has been taken down since keeps what was said below it", () => {
  const state = makeState(page([]));
  applyEvent(state, event(11, "comment.posted", { comment: comment(3, null, gone), comment_count: 1 }));
  applyEvent(state, event(12, "comment.posted", { comment: comment(4, 3, gone), comment_count: 2, parent_replies: 1 }));
  applyEvent(state, event(13, "comment.removed", { id: 4, status: "removed", parent: 3, comment_count: 1, parent_replies: 0 }));
  applyEvent(state, event(14, "comment.posted", { comment: comment(5, 3), comment_count: 2, parent_replies: 1 }));
  applyEvent(state, event(15, "comment.removed", { id: 3, status: "removed", parent: null, comment_count: 1, parent_replies: null }));
  assert.deepEqual(ids(state), [3, 5]);
});

test("an edit replaces content only; counters are those of the latest counting event", () => {
  const state = makeState(page([comment(1, null, { up: 4, replies: 2 })]));
  applyEvent(state, event(11, "comment.edited", { comment: comment(1, null, { tree: [["p", "new"]], edited_at: "then", up: 0, replies: 0 }) }));
  const edited = state.comments.get(1);
  assert.deepEqual([edited?.tree, edited?.edited_at, edited?.up, edited?.replies], [[["p", "new"]], "then", 4, 2]);
});

test("pins and scores mark in place and reorder only in the next snapshot", () => {
  const state = makeState(page([comment(1), comment(2), comment(3)], { sort: "top" }));
  applyEvent(state, event(11, "comments.scored", { scores: { 3: [5, 0], 99: [1, 1] } }));
  applyEvent(state, event(12, "comment.pinned", { id: 2, pinned: true }));
  assert.deepEqual(state.roots, [1, 2, 3]);
  assert.deepEqual(ids(state), [2, 3, 1]);
});

test("a new root stands where the order has it, behind those pinned when the page was loaded", () => {
  for (const [sort, before, after] of /** @type {[string, number[], number[]][]} */ ([
    ["oldest", [4, 1, 2], [4, 1, 2, 9]], ["newest", [1, 4, 2], [1, 9, 4, 2]], ["top", [4, 2, 1], [4, 9, 2, 1]],
  ])) {
    const state = makeState(page(before.map((id, at) => comment(id, null, { pinned: at === 0 })), { sort }));
    applyEvent(state, event(11, "comment.posted", { comment: comment(9), comment_count: 4 }));
    settleRoots(state);
    assert.deepEqual(state.roots, after, sort);
  }
});

test("events of unknown types and names from Object.prototype do nothing but count", () => {
  const state = makeState(page([comment(1)]));
  for (const [at, type] of ["noop", "toString", "__proto__", "constructor", "comment.sung"].entries()) applyEvent(state, event(11 + at, type, {}));
  assert.deepEqual([state.seq, ids(state)], [15, [1]]);
});

test("an older page gets the events above its position, and what the state knows wins", () => {
  const state = makeState(page([comment(1)], { next: "c", seq: 10 }));
  applyEvent(state, event(11, "comment.edited", { comment: comment(1, null, { tree: [["p", "new 1"]] }) }));
  applyEvent(state, event(12, "comment.removed", { id: 2, status: "removed", parent: null, comment_count: 2 }));
  applyEvent(state, event(13, "comment.posted", { comment: comment(4, 3), comment_count: 3, parent_replies: 1 }));
  assert.deepEqual(ids(state), [1], "a reply to what is not loaded is left to a later page");
  const outcome = addPage(state, page([comment(1), comment(2), comment(3)], { seq: 10, next: null }));
  assert.equal(outcome.stale, false);
  assert.deepEqual(ids(state), [1, 3, 4]);
  assert.deepEqual(state.comments.get(1)?.tree, [["p", "new 1"]]);
  assert.equal(state.comments.get(3)?.replies, 1);
});

test("a page from before the events that were kept is refused as stale", () => {
  const state = makeState(page([comment(1)], { next: "c" }));
  assert.equal(addPage(state, page([comment(2)], { seq: 9 })).stale, true);
  assert.equal(addPage(state, page([comment(2)], { seq: 12, epoch: "other" })).reset, true);
  assert.deepEqual(ids(state), [1]);
});

test("live roots stand behind the pages that are not loaded, and pages go before them", () => {
  const state = makeState(page([comment(1), comment(2)], { next: "c" }));
  applyEvent(state, event(11, "comment.posted", { comment: comment(9), comment_count: 6 }));
  addPage(state, page([comment(3), comment(4)], { seq: 11, next: "d" }));
  assert.deepEqual([state.roots, state.edge], [[1, 2, 3, 4, 9], 4]);
  addPage(state, page([comment(5), comment(9)], { seq: 11, next: null }));
  assert.deepEqual(state.roots, [1, 2, 3, 4, 5, 9]);
});

test("the last root of a page that was taken down and came back stands before those of the next page", () => {
  for (const [sort, before, further, after] of /** @type {const} */ ([
    ["oldest", [1, 2, 3], [4, 5], [1, 2, 3, 4, 5]],
    ["newest", [9, 8, 3], [2, 1], [9, 8, 3, 2, 1]],
  ])) {
    const state = makeState(page(before.map((id) => comment(id)), { next: "c", sort }));
    applyEvent(state, event(11, "comment.removed", { id: 3, status: "removed", parent: null, comment_count: 4 }));
    applyEvent(state, event(12, "comment.restored", { comment: comment(3), comment_count: 5, root: 3 }));
    addPage(state, page(further.map((id) => comment(id)), { seq: 12, next: null, sort }));
    assert.deepEqual(state.roots, after, sort);
  }
});

test("a branch that is loaded to its end lets go of tombstones that hold nothing", () => {
  const tomb = comment(2, 1, { ...gone, depth: 1, replies: 0 });
  const state = makeState(page([comment(1, null, { replies: 2 }), tomb], { branches: { 1: "c" } }));
  applyEvent(state, event(11, "noop", {}));
  assert.deepEqual(ids(state), [1, 2]);
  addPage(state, page([comment(5, 1)], { seq: 11 }), 1);
  assert.deepEqual([ids(state), state.branches.size], [[1, 5], 0]);
});

test("one's own comment can be shown before its event, which then replaces it", () => {
  const state = makeState(page([comment(1)]));
  addOwn(state, comment(7, null, { status: "pending" }));
  assert.deepEqual([state.roots, ids(state)], [[1, 7], [1]]);
  applyEvent(state, event(11, "comment.posted", { comment: comment(7), comment_count: 2 }));
  assert.deepEqual(ids(state), [1, 7]);
});

test("a chain of twenty thousand replies is ordered and pruned without recursion", () => {
  const depth = 20_000;
  const chain = Array.from({ length: depth }, (_, at) => comment(at + 1, at || null, { depth: at, ...(at < depth - 1 ? { ...gone, replies: at === depth - 2 ? 1 : 0 } : {}) }));
  const state = makeState(page(chain));
  assert.equal(treeOrder(state).length, depth);
  applyEvent(state, event(11, "comment.removed", { id: depth, status: "removed", parent: depth - 1, comment_count: 0, parent_replies: 0 }));
  assert.deepEqual(ids(state), []);
});
