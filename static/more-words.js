// @ts-check
/**
 * The words of what is loaded on demand: formatting, votes, reports, moderation. Owns no plural rule and no language of
 * its own: the table is English until another one has arrived, and what it lacks is asked of the reader's own words.
 */
import { moreEnglish } from "./i18n/more-en.js";
import { makeWords } from "./wording.js";

/**
 * @param {string} language  a BCP 47 tag
 * @returns {Promise<import("./wording.js").Words>}
 */
export async function loadMoreWords(language) {
  const base = language.split("-")[0] ?? "en";
  if (!OTHERS.has(base)) return makeWords("en", moreEnglish);
  try {
    const answer = await fetch(new URL(`./i18n/more-${base}.json`, import.meta.url));
    if (answer.ok) return makeWords(language, { ...moreEnglish, ...(await answer.json()) });
  } catch {
    // Without the table the controls speak English: better than none at all.
  }
  return makeWords("en", moreEnglish);
}

/** Languages that have a table beside this file. */
const OTHERS = new Set(["de", "es", "fr", "ar"]);
