// @ts-check
/**
 * Words in the reader's language. Owns which language that is; English is there, what others need is loaded for those who
 * read them. Never guesses a language there is no table of.
 */
import { makeWords } from "./wording.js";

/**
 * The words for what stands around here: in the language this part of the page says it is in; where the page says
 * nothing, in the reader's own.
 *
 * @param {HTMLElement} host
 * @returns {Promise<{language: string, words: import("./wording.js").Words}>}
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
