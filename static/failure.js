// @ts-check
/** What a reader is told when the server could not be asked, or said no. */
import { Problem } from "./api.js";

/** @param {import("./thread.js").Thread} thread @param {unknown} error @param {() => void} [again]  what "Try again" is to do */
export function fail({ frame, words }, error, again) {
  frame.fail(error instanceof Problem ? sentence(error.message) : words("unreachable"), again);
}

/** What the server says, as a sentence. @param {string} reason */
function sentence(reason) {
  return reason.charAt(0).toUpperCase() + reason.slice(1) + (/[.!?]$/.test(reason) ? "" : ".");
}
