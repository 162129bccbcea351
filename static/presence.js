// @ts-check
/**
 * Who is here: how many read, how many are writing below which comment, in numbers only. Takes no room that was not there
 * and says nothing to a screen reader by itself.
 */
import { childOf, makePart, setChild, setText } from "./elements.js";

const COUNTED = 6000; // milliseconds for which the server counts a word of "is writing"

export class Presence {
  #view;
  #words;
  /** Comments that show somebody writing. @type {Set<number>} */
  #shown = new Set();
  /** Where something was written last by this reader, and when (writing/typing.js). @type {{parent: number | null, at: number}} */
  own = { parent: null, at: 0 };

  /** @param {import("./thread-view.js").ThreadView} view @param {import("./words.js").Words} words */
  constructor(view, words) {
    this.#view = view;
    this.#words = words;
  }

  /** @param {{readers: number, typing?: {parent: number | null, count: number}[]}} frame */
  show({ readers, typing = [] }) {
    const words = this.#words;
    const mine = Date.now() - this.own.at < COUNTED;
    const counts = new Map(typing.map(({ parent, count }) => [parent, count - Number(mine && parent === this.own.parent)]));
    const above = counts.get(null) ?? 0;
    const header = /** @type {HTMLElement} */ (childOf(this.#view.frame.section, ".header"));
    word(header, "readers", [readers > 1 && words("readers", { n: readers }), above > 0 && words("writing", { n: above })].filter(Boolean).join(" · "), header.children[1]);
    counts.delete(null);
    for (const id of new Set([...this.#shown, ...counts.keys()])) {
      const n = counts.get(id) ?? 0;
      const entry = this.#view.views.get(/** @type {number} */ (id))?.entry;
      const actions = entry && childOf(entry, ".actions");
      if (actions) word(actions, "replying", n > 0 ? words("replying", { n }) : "");
    }
    this.#shown = new Set(/** @type {Iterable<number>} */ (counts.keys()));
  }
}

/** A few words in a place of their own, which is there while there are any. @param {HTMLElement} parent @param {string} name @param {string} text @param {Element | null} [before] */
function word(parent, name, text, before) {
  const place = setChild(parent, `.${name}`, text !== "", () => makePart("span", name), before);
  if (place) setText(place, text);
}
