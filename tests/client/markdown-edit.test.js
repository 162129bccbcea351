// @ts-check
/** What the formatting buttons do: pressing once formats, pressing again gives back what was there. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { cleanPaste, format, mentionAt, PASTE_MAX, quotation, suggest } from "../../static/writing/markdown-edit.js";

/** A text with the selection in [brackets]. @param {string} marked @returns {[string, number, number]} */
function at(marked) {
  const start = marked.indexOf("[");
  const end = marked.indexOf("]") - 1;
  return [marked.replace("[", "").replace("]", ""), start, end];
}

/** @param {Parameters<typeof format>[0]} kind @param {string} marked  the text with its new selection in [brackets] */
function after(kind, marked) {
  const [text, start, end] = at(marked);
  const edit = format(kind, text, start, end);
  const whole = text.slice(0, edit.from) + edit.text + text.slice(edit.to);
  return `${whole.slice(0, edit.start)}[${whole.slice(edit.start, edit.end)}]${whole.slice(edit.end)}`;
}

/** @type {[Parameters<typeof format>[0], string, string][]} */
const CASES = [
  ["bold", "a [word] here", "a **[word]** here"],
  ["bold", "a [] here", "a **[]** here"],
  ["italic", "a [word] here", "a *[word]* here"],
  ["italic", "a **[word]** here", "a ***[word]*** here"],
  ["code", "run [make] now", "run `[make]` now"],
  ["quote", "one\n[two\nthree]", "one\n\n[> two\n> three]"],
  ["list", "[a\nb]", "[- a\n- b]"],
];
for (const [kind, before, formatted] of CASES) {
  test(`${kind}: ${JSON.stringify(before)} and back`, () => {
    assert.equal(after(kind, before), formatted);
    if (kind !== "quote") assert.equal(after(kind, formatted), before);
  });
}

test("spaces at the ends of a selection stay outside of the marks", () => {
  assert.equal(after("bold", "a[ word ]here"), "a **[word]** here");
});

test("code over several lines is a block", () => {
  assert.equal(after("code", "see [a\nb]"), "see \n```\n[a\nb]\n```");
});

test("a link waits for what is missing", () => {
  const [text, start, end] = at("see [this]");
  const edit = format("link", text, start, end);
  assert.equal(edit.text, "[this](https://)");
  assert.equal((text.slice(0, edit.from) + edit.text).slice(edit.start, edit.end), "https://");
  assert.equal(format("link", "https://a.example/", 0, 18).text, "[](https://a.example/)");
});

test("a quotation has every line marked and room for an answer", () => {
  assert.equal(quotation(" one\r\n\r\n two "), "> one\n>\n> two\n\n");
});

test("a name is offered after an @ that begins a word, and nowhere else", () => {
  assert.deepEqual(mentionAt("Hello @an", 9), { from: 6, typed: "an" });
  assert.deepEqual(mentionAt("@", 1), { from: 0, typed: "" });
  assert.equal(mentionAt("ana@example", 11), null);
  assert.equal(mentionAt("@Ana and then more words", 24), null);
  assert.equal(mentionAt("no at all", 9), null);
});

test("names are found by any of their words and without accents, those that begin so first", () => {
  assert.deepEqual(suggest(["Ana", "José Ángel", "Angela", "Bo"], "ang"), ["Angela", "José Ángel"]);
  assert.deepEqual(suggest(["Ana", "Ana"], "Ana"), [], "what is written already is not offered");
  assert.deepEqual(suggest(["Anabel", "Anna Ana", "Ana"], "ana"), ["Ana", "Anabel", "Anna Ana"], "but it comes first where others begin so");
});

test("a paste loses what cannot be seen and keeps what is meant", () => {
  assert.equal(cleanPaste("a\r\nb\u2028c\u00a0d\u200be\ufefff\u0007"), "a\nb\nc def");
  assert.equal(cleanPaste("invoice\u202efdp.exe"), "invoicefdp.exe");
  assert.equal(cleanPaste("👩‍👩‍👧 می‌خواهم"), "👩‍👩‍👧 می‌خواهم");
  assert.equal(cleanPaste("\ud83d broken"), "\ufffd broken");
  assert.equal(cleanPaste("x".repeat(3 * PASTE_MAX)).length, PASTE_MAX);
});
