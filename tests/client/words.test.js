// @ts-check
/** Words: plurals by the language's rules, numbers in its digits, a name taken as it is. */
import assert from "node:assert/strict";
import test from "node:test";
import { readFileSync } from "node:fs";
import { makeWords } from "../../static/words.js";

const english = JSON.parse(readFileSync(new URL("../../static/i18n/en.json", import.meta.url), "utf8"));

test("plurals follow the language's categories and numbers its grouping", () => {
  const words = makeWords("en", english);
  assert.deepEqual([0, 1, 2, 12345].map((n) => words("comments", { n })), ["0 comments", "1 comment", "2 comments", "12,345 comments"]);
});

test("a name that looks like a place to fill in is left as it is", () => {
  assert.equal(makeWords("en", english)("replyTo", { name: "{n} $& {name}" }), "Reply to {n} $& {name}");
});

test("what a table of some readers' words lacks is said by the words of all", () => {
  const words = makeWords("de", { pin: "Anheften" }, makeWords("de", { replyTo: "{name} antworten" }));
  assert.equal(words("pin"), "Anheften");
  assert.equal(words("replyTo", { name: "Ana" }), "Ana antworten");
});
