// @ts-check
/**
 * Words in the reader's language. Owns which of the languages in i18n/ that is, and how plurals and numbers are formed.
 * Every language is a table there, English too: a value is a text with {places}, or texts by the plural category
 * (Intl.PluralRules) of the value `n`. Never mixes two languages.
 *
 * @typedef {(key: string, values?: Record<string, string | number>) => string} Words
 * @typedef {Record<string, string | Record<string, string>>} Table
 */

const LANGUAGES = ["en", "de", "es", "fr", "ar"];

/**
 * The words for what stands around here: in the language this part of the page says it is in; where the page says
 * nothing, in the reader's own; in English where that is none of ours. `de-AT` is spoken to in German, with Austria's
 * numbers, and who reads British English sees British dates on any English page.
 *
 * @param {HTMLElement} host
 * @returns {Promise<{language: string, words: Words}>}
 * @throws when the table cannot be had
 */
export function findWords(host) {
  const said = /** @type {HTMLElement | null} */ (host.closest("[lang]"))?.lang || document.documentElement.lang;
  const own = navigator.language;
  const wanted = said ? [own.startsWith(`${said}-`) ? own : said] : navigator.languages;
  return loadWords(wanted.map(canonical).find((tag) => LANGUAGES.includes(baseOf(tag))) ?? "en");
}

/**
 * @param {string} language  a tag that the browser's rules know, of a language in i18n/
 * @param {string} [part]  "more-" for the words of what only some readers use
 * @param {Words} [otherwise]  says what is not in that table
 */
export async function loadWords(language, part = "", otherwise) {
  const load = async (/** @type {string} */ base) => {
    const answer = await fetch(new URL(`./i18n/${part}${base}.json`, import.meta.url));
    return makeWords(language, await answer.json(), otherwise);
  };
  // Without their own table it is English: better than nothing.
  const words = await load(baseOf(language)).catch(() => load((language = "en")));
  return { language, words };
}

/**
 * @param {string} language  a BCP 47 tag; the browser's rules for it form plurals and numbers
 * @param {Table} table
 * @param {Words} [otherwise]  says what is not in the table; the key itself unless told
 * @returns {Words}
 */
export function makeWords(language, table, otherwise = String) {
  const plural = new Intl.PluralRules(language);
  const number = new Intl.NumberFormat(language);
  return (key, values = {}) => {
    const entry = table[key];
    if (!entry) return otherwise(key, values);
    const text = typeof entry === "string" ? entry : (entry[plural.select(Number(values["n"]))] ?? entry["other"] ?? "");
    return text.replace(/\{(\w+)\}/g, (_, name) => {
      const value = values[name] ?? "";
      return typeof value === "number" ? number.format(value) : value;
    });
  };
}

/** @param {string} tag */
const baseOf = (tag) => tag.slice(0, 2);

/** A tag as browsers write it; `de_AT`, which many pages have, is one. Empty for what is none. @param {string} tag */
function canonical(tag) {
  try {
    return Intl.getCanonicalLocales(tag.trim().replaceAll("_", "-"))[0] ?? "";
  } catch {
    return "";
  }
}
