// @ts-check
/** The parts of the connection that need no network: when to come back, by which way, and when not at all. */
import assert from "node:assert/strict";
import test from "node:test";
import { backOff, chooseTransport, isTerminal } from "../../static/connection.js";
import { openPoll, openSocket, openStream } from "../../static/transports.js";

test("the wait before a retry is anywhere between nothing and twice the last bound, at most 20 s", () => {
  assert.equal(backOff(0, () => 0), 0);
  for (const tries of [0, 1, 2, 3]) assert.equal(backOff(tries, () => 1), 500 * 2 ** tries);
  for (const tries of [6, 60, 6000]) assert.equal(backOff(tries, () => 1), 20_000);
  const waits = Array.from({ length: 200 }, () => backOff(4));
  assert.ok(Math.max(...waits) - Math.min(...waits) > 4000, "spread over the whole range");
});

test("what worked last gets two chances, then every transport has a turn", () => {
  const turns = (/** @type {typeof openSocket} */ last) => [0, 1, 2, 3, 4].map((failures) => chooseTransport(failures, last));
  assert.deepEqual(turns(openSocket), [openSocket, openSocket, openStream, openPoll, openSocket]);
  assert.deepEqual(turns(openStream), [openStream, openStream, openPoll, openSocket, openStream]);
});

test("only close codes from 4500 to 4999 end for good", () => {
  assert.deepEqual([1000, 1006, 1012, 4001, 4002, 4499, 4500, 4503, 4999].map(isTerminal), [false, false, false, false, false, false, true, true, true]);
});
