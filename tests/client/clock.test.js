// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { Clock } from "../../static/clock.js";

const DAY = 24 * 3600 * 1000;

/** What a clock does with a time so far from now: the words, and the milliseconds until it looks again. @param {number} away */
function worded(away) {
  const asked = /** @type {number[]} */ ([]);
  Object.assign(globalThis, { window: { setTimeout: (/** @type {() => void} */ _, /** @type {number} */ wait) => asked.push(wait) } });
  const element = /** @type {HTMLTimeElement} */ (/** @type {unknown} */ ({ dateTime: new Date(Date.now() + away).toISOString(), textContent: "", title: "", isConnected: true }));
  new Clock("en", new AbortController().signal).keep(element);
  return { text: element.textContent, wait: asked.at(-1) };
}

test("a page whose clock is far behind says now, and looks again in a minute", () => {
  for (const away of [60 * DAY, 3 * DAY, 90_000]) {
    const { text, wait = 0 } = worded(away);
    assert.equal(text, "now");
    assert.ok(wait > 50_000 && wait <= 60_000, `${wait}`);
  }
});

test("a time is worded again when its words change, and a date never", () => {
  const { text, wait = 0 } = worded(-90_000);
  assert.equal(text, "1 min. ago");
  assert.ok(wait > 25_000 && wait <= 30_000, `${wait}`);
  assert.ok((worded(-6.5 * DAY).wait ?? 0) <= DAY / 2);
  assert.equal(worded(-30 * DAY).wait, undefined);
});
