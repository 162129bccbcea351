// @ts-check
/** Every language says everything: each key, each plural form its own rules ask for, each place to fill in. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

const STATIC = new URL("../../static/", import.meta.url);
const LANGUAGES = ["de", "es", "fr", "ar"];
/** @typedef {Record<string, string | Record<string, string>>} Table */

/** @param {string} name @returns {Table} */
const read = (name) => JSON.parse(readFileSync(new URL(`i18n/${name}.json`, STATIC), "utf8"));
/** @param {string | Record<string, string>} entry */
const texts = (entry) => (typeof entry === "string" ? [entry] : Object.values(entry));
/** @param {string | Record<string, string>} entry */
const places = (entry) => new Set(texts(entry).flatMap((text) => text.match(/\{\w+\}/g) ?? []));

/** @type {[string, Table][]} */
const TABLES = ["", "more-"].map((prefix) => [prefix, read(`${prefix}en`)]);

for (const language of LANGUAGES) {
  for (const [prefix, source] of TABLES) {
    const table = read(prefix + language);
    test(`${prefix}${language} has every key and no other`, () => {
      // What the server refuses it says in English itself (static/api.js).
      const keys = Object.keys(table).filter((key) => !/^problem\b/.test(key));
      assert.deepEqual(keys.sort(), Object.keys(source).sort());
    });

    test(`${prefix}${language} has every plural form of its language`, () => {
      const { pluralCategories } = new Intl.PluralRules(language).resolvedOptions();
      for (const [key, entry] of Object.entries(table)) {
        if (typeof source[key] === "object") assert.equal(typeof entry, "object", key);
        if (typeof entry === "object") assert.deepEqual(Object.keys(entry).sort(), [...pluralCategories].sort(), key);
      }
    });

    test(`${prefix}${language} fills in what English fills in, and nothing is left empty`, () => {
      for (const [key, entry] of Object.entries(table)) {
        assert.deepEqual([...places(entry)].sort(), [...places(source[key] ?? "")].sort(), key);
        for (const text of texts(entry)) assert.ok(text.trim() === text && text, key);
      }
    });
  }
}

test("every language says the same of what the server refuses", () => {
  const sets = LANGUAGES.map((language) => Object.keys(read(language)).filter((key) => /^problem\b/.test(key)).sort());
  assert.ok(sets[0] && sets[0].length >= 9);
  for (const keys of sets) assert.deepEqual(keys, sets[0]);
});

test("French has its narrow spaces before what is high", () => {
  for (const name of ["fr", "more-fr"]) {
    for (const text of Object.values(read(name)).flatMap(texts)) assert.doesNotMatch(text, /[^\u202f][?!;]|[^\u202f]:( |$)|\u202f[^?!;:]/, text);
  }
});

test("in Arabic, what people wrote stands apart from the words around it", () => {
  for (const [key, text] of ["ar", "more-ar"].flatMap((name) => Object.entries(read(name))).flatMap(([key, entry]) => texts(entry).map((text) => [key, text]))) {
    assert.doesNotMatch(text, /(?<!\u2068)\{(name|reason|reasons|new|counted)\}|\{(name|reason|reasons|new|counted)\}(?!\u2069)/, key);
  }
});
