// @ts-check
/**
 * What makes comments and forms and puts them in their places (placing.js), once it is loaded. A module is there for all
 * threads of a page or for none, so this is kept here and not by each of them.
 */

import { loadModule } from "./keep-trying.js";

/** @type {typeof import("./placing.js") | null} */
let parts = null;

export const isMakerLoaded = () => parts !== null;

/** What was loaded. Never called before that. */
export const maker = () => /** @type {typeof import("./placing.js")} */ (parts);

/** @param {number} tries  failures so far */
export async function loadMaker(tries) {
  parts ??= await loadModule("./placing.js")(tries);
}
