// @ts-check
/**
 * Words in the reader's language. Owns which table is used and how plurals and numbers are formed; English is here,
 * what other languages need is loaded for those who read them. Never guesses a language the table is not in.
 */
import { english } from "./i18n/en.js";

/** Words of a part that was loaded on demand. @param {typeof english} table */
export const addEnglish = (table) => Object.assign(english, table);

/** @typedef {(key: string, values?: Record<string, string | number>) => string} Words */

/**
 * @param {string} language  a BCP 47 tag; the browser's rules for it form plurals and numbers
 * @param {Record<string, string | Record<string, string>>} [table]  texts by key; English for what it lacks
 * @returns {Words}
 */
export function makeWords(language, table = english) {
  const plural = new Intl.PluralRules(language);
  const number = new Intl.NumberFormat(language);
  return (key, values = {}) => {
    const entry = table[key] ?? english[key] ?? key;
    const text = typeof entry === "string" ? entry : (entry[plural.select(Number(values["n"]))] ?? entry["other"] ?? "");
    return text.replace(/\{(\w+)\}/g, (_, name) => {
      const value = values[name] ?? "";
      return typeof value === "number" ? number.format(value) : value;
    });
  };
}

/**
 * The words for what stands around here: in the language this part of the page says it is in; where the page says
 * nothing, in the reader's own.
 *
 * @param {HTMLElement} host
 * @returns {Promise<{language: string, words: Words}>}
 */
export async function findWords(host) {
  const said = /** @type {HTMLElement | null} */ (host.closest("[lang]"))?.lang || document.documentElement.lang;
  // Who reads British English sees British dates on any English page.
  const language = !said || navigator.language.startsWith(`${said}-`) ? navigator.language : said;
  if (!/^en(-[a-z]{2})?$/i.test(language)) {
    try {
      const { loadWords } = await import("./languages.js");
      return await loadWords(said ? [language] : navigator.languages);
    } catch {
      // Without the table it is English: better than nothing.
    }
    return { language: "en", words: makeWords("en") };
  }
  return { language, words: makeWords(language) };
}
