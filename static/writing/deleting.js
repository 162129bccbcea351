// @ts-check
/** Deleting one's own comment, after asking in its place. Owns the question; promises that the focus is never lost. */
import { Problem } from "../api.js";
import { make, makeButton } from "../elements.js";

/** @param {import("../thread.js").Thread} thread @param {number} id */
export function askToDelete(thread, id) {
  const actions = thread.view.element(id)?.querySelector(":scope > .entry > .actions");
  if (!actions || actions.querySelector(".confirm")) return;
  const { words } = thread;
  const ask = make("span", { class: "confirm", role: "group", "aria-label": words("sureDelete") }, words("sureDelete"), " ");
  const yes = makeButton("confirm", words("delete"), { class: "action danger" });
  const no = makeButton("keep", words("keep"));
  const end = () => {
    ask.remove();
    /** @type {HTMLElement | null} */ (actions.querySelector("[data-ripost=delete]"))?.focus();
  };
  no.addEventListener("click", end);
  ask.addEventListener("keydown", ({ key }) => key === "Escape" && end());
  yes.addEventListener("click", async () => {
    const comment = thread.state.comments.get(id);
    if (!comment) return end();
    // Not `disabled`, which would drop the focus: what takes the comment's place is to have it.
    if (yes.ariaDisabled === "true") return;
    yes.ariaDisabled = "true";
    try {
      thread.accept(await thread.request(`/api/comments/${id}`, { method: "DELETE", token: thread.tokenFor(comment) }));
      ask.remove();
    } catch (error) {
      yes.ariaDisabled = null;
      ask.firstChild?.replaceWith(words("failed", { reason: error instanceof Problem ? error.message : words("unreachable") }));
    }
  });
  ask.append(yes, no);
  actions.append(ask);
  no.focus();
}
