// @ts-check
/** Deleting one's own comment, after asking in its place. Owns the row; promises that the focus is never lost. */
import { ask, Problem } from "../api.js";
import { make, makeButton } from "../elements.js";
import { tokenFor } from "../rights.js";

/** @param {import("../thread.js").Thread} thread @param {number} id */
export function askToDelete(thread, id) {
  const actions = /** @type {HTMLElement | null | undefined} */ (thread.view.element(id)?.querySelector(":scope > .entry > .actions"));
  if (!actions || actions.querySelector(".confirm")) return;
  const { words } = thread;
  const row = make("span", { class: "confirm", role: "group", "aria-label": words("sureDelete") }, words("sureDelete"), " ");
  const yes = makeButton("confirm", words("delete"), { class: "action danger" });
  const no = makeButton("keep", words("keep"));
  const close = () => {
    row.remove();
    delete actions.dataset["asking"];
  };
  const end = () => {
    close();
    /** @type {HTMLElement | null} */ (actions.querySelector("[data-ripost=delete]"))?.focus();
  };
  no.addEventListener("click", end);
  row.addEventListener("keydown", ({ key }) => key === "Escape" && end());
  yes.addEventListener("click", async () => {
    const comment = thread.state.comments.get(id);
    if (!comment) return end();
    // Not `disabled`, which would drop the focus: what takes the comment's place is to have it.
    if (yes.ariaDisabled === "true") return;
    yes.ariaDisabled = "true";
    try {
      thread.own?.accept(await ask(thread, `/api/comments/${id}`, { method: "DELETE", token: tokenFor(thread, comment) }));
      close();
    } catch (error) {
      yes.ariaDisabled = null;
      row.firstChild?.replaceWith(words("failed", { reason: error instanceof Problem ? error.message : words("unreachable") }));
    }
  });
  row.append(yes, no);
  actions.append(row);
  actions.dataset["asking"] = ""; // and not by :has(), which ten thousand such rows would make dear
  no.focus();
}
