// @ts-check
/**
 * Who is here: how many read, how many are writing below which comment, in numbers only. Loaded when there is anybody else,
 * or when this reader writes, which it tells the others. Takes no room that was not there and says nothing to a screen
 * reader by itself.
 */
import { make, setChild, setText } from "./elements.js";
import { addEnglish } from "./wording.js";

const TELLING = 3000; // milliseconds between two words of "is writing"; the server counts each for 6 s
const HEARD = 1200; // after a word about another place; the server hears one a second
const COUNTED = 6000;

export class Presence {
  #thread;
  #root;
  /** Where something was written last by this reader, and when. @type {{parent: number | null, at: number}} */
  #own = { parent: null, at: 0 };
  /** Comments that show somebody writing. @type {Set<number>} */
  #shown = new Set();

  /** @param {import("./thread.js").Thread} thread @param {ShadowRoot} root @param {AbortSignal} signal */
  constructor(thread, root, signal) {
    addEnglish({
      readers: { one: "{n} reader here", other: "{n} readers here" },
      replying: { one: "{n} replying", other: "{n} replying" },
      writing: { one: "{n} writing", other: "{n} writing" },
    });
    this.#thread = thread;
    this.#root = root;
    root.addEventListener("input", ({ target }) => this.#tell(/** @type {Element} */ (target)), { signal });
  }

  /** @param {{readers: number, typing?: {parent: number | null, count: number}[]}} frame */
  show({ readers, typing = [] }) {
    const { words, view } = this.#thread;
    const mine = Date.now() - this.#own.at < COUNTED;
    const counts = new Map(typing.map(({ parent, count }) => [parent, count - Number(mine && parent === this.#own.parent)]));
    const above = counts.get(null) ?? 0;
    const said = [readers > 1 ? words("readers", { n: readers }) : "", above > 0 ? words("writing", { n: above }) : ""].filter(Boolean).join(" · ");
    const header = this.#root.querySelector(".header");
    if (header) setChild(header, ".readers", said !== "", () => make("span", { class: "readers", part: "readers" }), header.children[1] ?? null);
    const place = header?.querySelector(".readers");
    if (place) setText(place, said);
    for (const id of new Set([...this.#shown, ...counts.keys()])) {
      if (id === null) continue;
      const n = counts.get(id) ?? 0;
      const actions = view.element(id)?.querySelector(":scope > .entry > .actions");
      if (actions) setChild(actions, ".replying", n > 0, () => make("span", { class: "replying", part: "replying" }));
      const one = actions?.querySelector(".replying");
      if (one) setText(one, words("replying", { n }));
      if (n > 0) this.#shown.add(id);
      else this.#shown.delete(id);
    }
  }

  /** @param {Element} target */
  #tell(target) {
    if (!target.matches("textarea[name=text]")) return;
    const article = /** @type {HTMLElement | null} */ (target.closest("article"));
    if (article?.hasAttribute("data-editing")) return;
    const parent = article ? Number(article.dataset["commentId"]) : null;
    if (Date.now() - this.#own.at < (parent === this.#own.parent ? TELLING : HEARD)) return;
    this.#own = { parent, at: Date.now() };
    this.#thread.connection?.tell({ type: "typing", article: this.#thread.state.article.id, parent });
  }
}
