// @ts-check
/** Which decisions a moderator is offered for a comment, and what takes them back. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readFileSync } from "node:fs";
import { choices, DECISIONS, did, undoing } from "../../static/moderation/decisions.js";

/** @param {string} language */
const read = (language) => JSON.parse(readFileSync(new URL(`../../static/i18n/more-${language}.json`, import.meta.url), "utf8"));
const english = read("en");
const root = { parent: null, pinned: false };

test("what is offered fits the comment's state", () => {
  assert.deepEqual(choices({ ...root, status: "pending" }), ["approve", "reject", "isSpam"]);
  assert.deepEqual(choices({ ...root, status: "visible" }), ["pin", "remove", "isSpam"]);
  assert.deepEqual(choices({ ...root, pinned: true, status: "visible" }), ["unpin", "remove", "isSpam"]);
  assert.deepEqual(choices({ parent: 1, pinned: false, status: "visible" }), ["remove", "isSpam"], "a reply has no pin");
  assert.deepEqual(choices({ ...root, status: "visible" }, true), ["keepIt", "remove", "isSpam"]);
  assert.deepEqual(choices({ ...root, status: "removed" }), ["restore"]);
  assert.deepEqual(choices({ ...root, status: "deleted" }), []);
});

test("taking back a decision leads to where it came from", () => {
  assert.equal(undoing("pin"), "unpin");
  assert.equal(undoing("remove"), "restore");
  assert.equal(undoing("approve"), null);
});

test("every choice has words: on its button, in its name, and once it is done", () => {
  for (const choice of Object.keys(DECISIONS)) {
    for (const key of [choice, `${choice}Of`, did(choice)]) assert.ok(english[key], key);
  }
});

for (const language of ["de", "es", "fr", "ar"]) {
  test(`the words of ${language} are those of English, with the same places to fill in`, () => {
    const table = read(language);
    assert.deepEqual(Object.keys(table).sort(), Object.keys(english).sort());
    const places = (/** @type {unknown} */ text) => [...new Set(String(text).match(/\{\w+\}/g) ?? [])].sort();
    for (const [key, text] of Object.entries(english)) {
      const [own, other] = [text, table[key]].map((entry) => (typeof entry === "string" ? entry : entry.other));
      assert.deepEqual(places(other), places(own), key);
    }
  });
}
