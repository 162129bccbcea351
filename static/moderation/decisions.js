// @ts-check
/**
 * Which decisions a comment's state allows, as buttons whose names say about whom. Pure but for the buttons it makes; what
 * a press does is the desk's.
 */
import { makeButton } from "../elements.js";

/** @typedef {import("../types.js").Comment} Comment
 * @typedef {"pin" | "unpin" | "approve" | "reject" | "isSpam" | "remove" | "restore" | "keepIt"} Choice
 */

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
  return choice === "remove" || choice === "isSpam" || choice === "reject" ? "restore" : null;
}

/** @param {string} word @returns {string} the key of what is said once it is done */
export const did = (word) => `did${word.charAt(0).toUpperCase()}${word.slice(1)}`;

/**
 * @param {Comment} comment @param {import("../words.js").Words} words @param {(choice: Choice) => void} press
 * @param {boolean} [reported]
 * @returns {HTMLButtonElement[]}
 */
export function makeChoices(comment, words, press, reported = false) {
  const name = comment.author?.name ?? "";
  return choices(comment, reported).map((choice) => {
    const grave = choice === "remove" || choice === "isSpam" || choice === "reject";
    const button = makeButton("decide", words(choice), {
      class: grave ? "action danger" : "action",
      "data-decision": choice,
      "aria-label": words(`${choice}Of`, { name }),
    });
    button.addEventListener("click", () => press(choice));
    return button;
  });
}
