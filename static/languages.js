// @ts-check
/**
 * Languages other than plain English: which of those that are asked for there is, and its table. Loaded for those who
 * read one. Promises a tag that the browser's own rules know; never mixes two languages.
 */
import { makeWords } from "./wording.js";

/** Those that have a table in i18n/. */
const TABLES = new Set(["de", "es", "fr", "ar"]);

/**
 * @param {readonly string[]} wanted  language tags, the dearest first; `de-AT` is spoken to in German, with Austria's numbers
 * @returns {Promise<{language: string, words: import("./wording.js").Words}>} English when there is none of them
 * @throws when the table cannot be had
 */
export async function loadWords(wanted) {
  for (const tag of wanted) {
    const language = canonical(tag);
    const base = language.split("-")[0] ?? "";
    if (base === "en") return { language, words: makeWords(language) };
    if (!TABLES.has(base)) continue;
    const answer = await fetch(new URL(`./i18n/${base}.json`, import.meta.url));
    if (!answer.ok) throw new Error(`${answer.status} for the words of ${base}`);
    const words = makeWords(language, await answer.json());
    return { language, words: base === "ar" ? (key, values) => words(key, isolated(values)) : words };
  }
  return { language: "en", words: makeWords("en") };
}

/**
 * Names and reasons may run the other way, and must not take the full stop or the bracket beside them along.
 *
 * @param {Record<string, string | number>} [values]
 */
function isolated(values = {}) {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, typeof value === "string" ? `\u2068${value}\u2069` : value]));
}

/** A tag as browsers write it; `de_AT`, which many pages have, is one. Empty for what is none. @param {string} tag */
function canonical(tag) {
  try {
    return Intl.getCanonicalLocales(tag.trim().replaceAll("_", "-"))[0] ?? "";
  } catch {
    return "";
  }
}
