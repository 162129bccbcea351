// @ts-check
/** Tells the others that somebody is writing, and where: at most a word every few seconds, never what is written. */

const TELLING = 3000; // milliseconds between two words of "is writing"; the server counts each for 6 s
const HEARD = 1200; // after a word about another place; the server hears one a second

/** @param {import("../thread.js").Thread} thread @param {ShadowRoot} root @param {AbortSignal} signal */
export function tellTyping(thread, root, signal) {
  const tell = (/** @type {Event} */ { target }) => {
    if (!(target instanceof Element && target.matches("textarea[name=text]"))) return;
    const article = /** @type {HTMLElement | null} */ (target.closest("article"));
    if (article?.hasAttribute("data-editing")) return;
    const parent = article ? Number(article.dataset["commentId"]) : null;
    const { own } = thread.presence;
    if (Date.now() - own.at < (parent === own.parent ? TELLING : HEARD)) return;
    thread.presence.own = { parent, at: Date.now() };
    thread.connection.tell({ type: "typing", article: thread.state.article.id, parent });
  };
  root.addEventListener("input", tell, { signal });
}
