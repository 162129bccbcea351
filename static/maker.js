// @ts-check
/**
 * The parts that make comments and forms (making.js), once they are loaded. A module is there for all threads of a page
 * or for none, so this is kept here and not by each of them.
 */

/** @type {typeof import("./making.js") | null} */
let parts = null;

export const isMakerLoaded = () => parts !== null;

/** What was loaded. Never called before that. */
export const maker = () => /** @type {typeof import("./making.js")} */ (parts);

/** @param {number} tries  failures so far: browsers remember a module that failed to load */
export async function loadMaker(tries) {
  if (!tries) for (const part of [import("./branching.js"), import("./placing.js"), import("./tree-view.js")]) part.catch(() => null); // in one round trip
  parts ??= await (tries ? import(`./making.js?again=${tries}`) : import("./making.js"));
}
