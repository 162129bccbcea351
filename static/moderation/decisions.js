// @ts-check
/**
 * Which decisions a comment's state allows, as buttons whose names say about whom. Pure but for the buttons it makes; what
 * a press does is the desk's.
 */
import { make, makeButton, setAttribute } from "../elements.js";

/** @typedef {import("../types.js").Comment} Comment
 * @typedef {"pin" | "unpin" | "approve" | "reject" | "isSpam" | "remove" | "restore" | "keepIt"} Choice
 */

const REASON_MAX = 1000; // characters, the server's own

/** What the server calls each choice. @type {Record<Choice, string>} */
export const DECISIONS = {
  pin: "pin",
  unpin: "unpin",
  approve: "approve",
  reject: "reject",
  isSpam: "spam",
  remove: "reject",
  restore: "restore",
  keepIt: "approve",
};

/**
 * @param {Pick<Comment, "status" | "parent" | "pinned">} comment @param {boolean} [reported]  it has open reports
 * @returns {Choice[]}
 */
export function choices({ status, parent, pinned }, reported = false) {
  if (status === "pending") return ["approve", "reject", "isSpam"];
  if (status === "removed") return ["restore"];
  if (status !== "visible") return [];
  if (reported) return ["keepIt", "remove", "isSpam"];
  return parent === null ? [pinned ? "unpin" : "pin", "remove", "isSpam"] : ["remove", "isSpam"];
}

/** The choice that takes another back, if there is one. @param {Choice} choice @returns {Choice | null} */
export function undoing(choice) {
  if (choice === "pin") return "unpin";
  if (choice === "unpin") return "pin";
  return isGrave(choice) ? "restore" : null;
}

/** @param {string} word @returns {string} the key of what is said once it is done */
export const did = (word) => `did${word.charAt(0).toUpperCase()}${word.slice(1)}`;

/**
 * Buttons for the decisions, and a field for why where one takes something down. The reason is for the log of decisions.
 *
 * @param {Comment} comment @param {import("../words.js").Words} words @param {(choice: Choice, reason: string) => void} press
 * @param {boolean} [reported]
 * @returns {HTMLElement[]}
 */
export function makeChoices(comment, words, press, reported = false) {
  const name = comment.author?.name ?? "";
  const allowed = choices(comment, reported);
  const field = /** @type {HTMLInputElement} */ (make("input", {
    class: "reason", name: "reason", maxlength: `${REASON_MAX}`, dir: "auto", autocomplete: "off", "aria-label": words("reasonOf", { name }), placeholder: words("reason"),
  }));
  field.hidden = true;
  const why = makeButton("why", words("addReason"), { "aria-expanded": "false" });
  why.addEventListener("click", () => {
    field.hidden = !field.hidden;
    setAttribute(why, "aria-expanded", String(!field.hidden));
    if (!field.hidden) field.focus();
  });
  const buttons = allowed.map((choice) => {
    const grave = isGrave(choice);
    const button = makeButton("decide", words(choice), {
      class: grave ? "action danger" : "action",
      "data-decision": choice,
      "aria-label": words(`${choice}Of`, { name }),
    });
    button.addEventListener("click", () => press(choice, field.value.trim()));
    return button;
  });
  return allowed.some(isGrave) ? [...buttons, why, field] : buttons;
}

/** Whether it brings a comment onto the page. @param {Choice} choice */
export const letsIn = (choice) => choice === "approve" || choice === "restore";

/** @param {Choice} choice */
function isGrave(choice) {
  return choice === "remove" || choice === "isSpam" || choice === "reject";
}
