// @ts-check
/**
 * When each comment of a discussion comes in its replay. Pure. Promises that a reply never comes before what it answers,
 * that comments without a date come first and in their order, and that long silences are short.
 *
 * @typedef {import("./types.js").Comment} Comment
 *
 * @typedef {object} Step
 * @property {number} id
 * @property {number} at  milliseconds since 1970; -Infinity for what has no date
 * @property {number} wait  milliseconds between the step before and this one, at normal speed
 */

const PACE = 600; // milliseconds for a comment in a short discussion
const LEAST = 4000;
const LONGEST = 60_000; // milliseconds for any discussion
const SILENCE = 4; // times the usual time between two comments: any longer one counts as this

/**
 * @param {ReadonlyMap<number, Comment>} comments  parents before their replies
 * @returns {Step[]} of those that may be read
 */
export function makeTimeline(comments) {
  /** @type {Map<number, number>} */
  const times = new Map();
  /** @type {{id: number, at: number}[]} */
  const order = [];
  for (const { id, parent, status, tree, dated, created_at } of comments.values()) {
    const shown = status === "visible" && tree !== null;
    const above = parent === null ? undefined : times.get(parent);
    // A tombstone comes with the first that stands below it.
    const at = Math.max(above ?? -Infinity, shown && dated ? Date.parse(created_at) : -Infinity);
    times.set(id, at);
    if (shown) order.push({ id, at });
  }
  order.sort((a, b) => (a.at === b.at ? a.id - b.id : a.at - b.at));
  const gaps = order.map(({ at }, index) => {
    const gap = at - (order[index - 1]?.at ?? -Infinity);
    return Number.isFinite(gap) ? gap : 0;
  });
  const usual = [...gaps].sort((a, b) => a - b)[gaps.length >> 1] || 1;
  const weights = gaps.map((gap) => 0.5 + Math.min(SILENCE, gap / usual));
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  const length = Math.min(LONGEST, Math.max(LEAST, PACE * order.length));
  return order.map((step, index) => ({ ...step, wait: (length * (weights[index] ?? 0)) / all }));
}
