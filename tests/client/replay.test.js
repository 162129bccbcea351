// @ts-check
/** The replay's order and pace, and how much of a discussion it reads. */
import assert from "node:assert/strict";
import test from "node:test";
import { readWhole } from "../../static/replay-reading.js";
import { makeTimeline } from "../../static/replay-timeline.js";

const START = Date.parse("2026-11-20T10:00:00Z");
/** A comment, `minute` minutes after the start; null: undated. @param {number} id @param {number | null} minute @param {object} [more] */
const comment = (id, minute, more = {}) => /** @type {any} */ ({
  id, parent: null, status: "visible", tree: [["p", `${id}`]], dated: minute !== null, created_at: new Date(START + 60_000 * (minute ?? 0)).toISOString(), ...more,
});
/** @param {any[]} comments */
const timeline = (...comments) => makeTimeline(new Map(comments.map((one) => [one.id, one])));

test("comments come by their time, those without one first and in their order", () => {
  assert.deepEqual(timeline(comment(9, null), comment(4, 5), comment(2, 9), comment(3, null), comment(7, 1)).map(({ id }) => id), [3, 9, 7, 4, 2]);
});

test("a reply never comes before what it answers, whatever its time says", () => {
  const steps = timeline(comment(1, 30), comment(2, 10, { parent: 1 }), comment(3, null, { parent: 2 }), comment(4, 20));
  assert.deepEqual(steps.map(({ id }) => id), [4, 1, 2, 3]);
});

test("what is taken down is no step, and what stands below it comes at its own time", () => {
  const gone = { status: "removed", tree: null };
  assert.deepEqual(timeline(comment(1, 1), comment(2, 2, gone), comment(3, 9, { parent: 2 }), comment(4, 5), comment(5, 6, gone)).map(({ id }) => id), [1, 4, 3]);
});

test("a night of silence is short, and no discussion takes more than a minute", () => {
  const night = timeline(...[0, 1, 2, 3, 900, 901].map((minute, id) => comment(id + 1, minute)));
  const waits = night.map(({ wait }) => wait);
  assert.ok(Math.max(...waits) < 5 * /** @type {number} */ (waits[1]), `${waits}`);
  const long = timeline(...Array.from({ length: 2000 }, (_, id) => comment(id + 1, id * 7)));
  assert.ok(Math.abs(long.reduce((sum, { wait }) => sum + wait, 0) - 60_000) < 1);
  assert.ok(timeline(comment(1, 1)).every(({ wait }) => Number.isFinite(wait)));
  assert.deepEqual(timeline(), []);
});

test("every page and every branch of a discussion is read, each comment once", async () => {
  /** @type {Record<string, any>} */
  const pages = {
    "/api/articles/3/thread?sort=oldest&limit=100": { comments: [comment(1, 1), comment(2, 2, { parent: 1 })], branches: { 1: "b1" }, next: "n1" },
    "/api/articles/3/thread?sort=oldest&limit=100&cursor=n1": { comments: [comment(9, 9)], branches: {}, next: null },
    "/api/comments/1/replies?limit=100&cursor=b1": { comments: [comment(3, 3, { parent: 1 })], branches: {}, next: "b2" },
    "/api/comments/1/replies?limit=100&cursor=b2": { comments: [comment(4, 4, { parent: 3 })], branches: {}, next: null },
  };
  /** @type {number[]} */
  const told = [];
  const { comments, cut } = await readWhole(async (path) => pages[path] ?? assert.fail(path), 3, (n) => told.push(n), new AbortController().signal);
  assert.deepEqual([[...comments.keys()], cut, told.at(-1)], [[1, 2, 9, 3, 4], false, 5]);
});

test("a discussion without end is left off, and that is said", async () => {
  let page = 0;
  const endless = async () => {
    page += 1;
    return /** @type {any} */ ({ comments: Array.from({ length: 100 }, (_, at) => comment(page * 100 + at, page)), branches: {}, next: `${page}` });
  };
  const { comments, cut } = await readWhole(endless, 3, () => {}, new AbortController().signal);
  assert.deepEqual([comments.size, cut, page], [2000, true, 20]);
});
