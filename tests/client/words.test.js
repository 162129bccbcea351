// @ts-check
/** Words: plurals by the language's rules, numbers in its digits, a name taken as it is. */
import assert from "node:assert/strict";
import test from "node:test";
import { makeWords } from "../../static/wording.js";

test("plurals follow the language's categories and numbers its grouping", () => {
  const words = makeWords("en");
  assert.deepEqual([0, 1, 2, 12345].map((n) => words("comments", { n })), ["0 comments", "1 comment", "2 comments", "12,345 comments"]);
});

test("a name that looks like a place to fill in is left as it is", () => {
  assert.equal(makeWords("en")("replyTo", { name: "{n} $& {name}" }), "Reply to {n} $& {name}");
});

test("a table that lacks a key falls back to English", () => {
  assert.equal(makeWords("de", { reply: "Antworten" })("reply"), "Antworten");
  assert.equal(makeWords("de", { reply: "Antworten" })("edit"), "Edit");
});
