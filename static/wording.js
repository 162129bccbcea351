// @ts-check
/**
 * Texts of one language with their places filled in. Owns how plurals and numbers are formed, and the English texts, which
 * parts that are loaded on demand add theirs to. Never decides which language is spoken.
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
