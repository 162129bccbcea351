// @ts-check
/** Who writes and to whom, as a form says it. Owns neither; promises to say what is known at this moment. */
import { make, setAttribute, setChild, setText } from "../elements.js";
import { memberOf } from "../rights.js";
import { area } from "./form.js";

/** A member sees who they post as; a guest has a field. @param {import("../thread.js").Thread} thread @param {HTMLFormElement} form */
export function showMember(thread, form) {
  const { words, state } = thread;
  const member = memberOf(thread);
  const name = /** @type {HTMLInputElement | null} */ (form.querySelector("input[name=name]"));
  if (name) name.hidden = member !== null;
  setChild(form, ".as", Boolean(member?.name), () => make("p", { class: "as" }), form.querySelector(".composer-row"));
  const as = form.querySelector(".as");
  if (as) setText(as, words(state.article.state === "closed" ? "postingClosed" : "postingAs", { name: member?.name ?? "" }));
}

/** Say whom a form answers, for as long as that may be said. @param {import("../thread.js").Thread} thread @param {HTMLFormElement} form @param {number} parent */
export function address({ words, state }, form, parent) {
  const name = state.comments.get(parent)?.author?.name;
  for (const attribute of ["aria-label", "placeholder"]) setAttribute(area(form), attribute, name ? words("replyTo", { name }) : words("reply"));
}
