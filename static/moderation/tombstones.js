// @ts-check
/**
 * Removed comments as a moderator sees them where they stood: with a way back, and with what they said for as long as the
 * moderator looks. Owns what stands in a tombstone's entry below its line; promises to add it to those that come later
 * too, and that what a tombstone said is in the page only while it is asked for.
 */
import { ask, Problem } from "../api.js";
import { make, makeButton, setAttribute, setText } from "../elements.js";

/**
 * @param {import("../thread.js").Thread} thread @param {ShadowRoot} root @param {import("../words.js").Words} words
 * @param {(comment: import("../types.js").Comment, choice: "restore") => Promise<boolean>} decide @param {AbortSignal} signal
 */
export function tendTombstones(thread, root, words, decide, signal) {
  const tend = () => {
    for (const entry of root.querySelectorAll("article[data-status=removed] > .entry:not(:has(> .grave))")) {
      const id = Number(/** @type {HTMLElement} */ (entry.parentElement).dataset["commentId"]);
      if (!thread.state.comments.has(id)) continue;
      const said = makeButton("show-removed", words("showRemoved"), { "aria-expanded": "false" });
      said.addEventListener("click", () => void show(thread, id, said, words), { signal });
      const restore = makeButton("restore", words("restore"));
      restore.addEventListener("click", async () => {
        const comment = thread.state.comments.get(id);
        if (!comment) return;
        restore.disabled = true;
        const done = await decide(comment, "restore");
        restore.disabled = false;
        (done ? thread.view.element(id) : restore)?.focus({ preventScroll: true });
      }, { signal });
      entry.querySelector(".byline")?.after(make("div", { class: "actions grave" }, said, restore));
    }
  };
  const observer = new MutationObserver(tend);
  observer.observe(root, { subtree: true, childList: true });
  signal.addEventListener("abort", () => observer.disconnect());
  tend();
}

/** @param {import("../thread.js").Thread} thread @param {number} id @param {HTMLButtonElement} button @param {import("../words.js").Words} words */
async function show(thread, id, button, words) {
  const row = /** @type {HTMLElement} */ (button.parentElement);
  const there = row.nextElementSibling;
  if (there?.matches(".exhumed")) {
    there.remove();
    return setAttribute(button, "aria-expanded", "false");
  }
  if (button.ariaBusy) return;
  button.ariaBusy = "true"; // one that is disabled would lose the focus
  const place = make("blockquote", { class: "exhumed", dir: "auto" });
  try {
    const { text } = await ask(thread, `/api/comments/${id}/source`, { token: thread.token });
    setText(place, text);
  } catch (error) {
    setText(place, thread.words("failed", { reason: error instanceof Problem ? error.message : words("unreachable") }));
  }
  button.ariaBusy = null;
  row.after(place);
  setAttribute(button, "aria-expanded", "true");
}
