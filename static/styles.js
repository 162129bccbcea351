// @ts-check
/** Style sheets of what is loaded on demand: one link for each in a thread's shadow root, before anything it styles. */
import { make } from "./elements.js";

/**
 * Resolves when the sheet is there, or cannot be had: controls without their looks are better than none.
 *
 * @param {ShadowRoot} root @param {string} name  a file beside this one
 * @returns {Promise<void>}
 */
export function addStyle(root, name) {
  const known = root.querySelector(`link[data-sheet="${name}"]`);
  if (known) return Promise.resolve();
  const link = make("link", { rel: "stylesheet", href: new URL(`./${name}`, import.meta.url).href, "data-sheet": name });
  const arrived = new Promise((/** @type {(value: void) => void} */ resolve) => {
    for (const event of ["load", "error"]) link.addEventListener(event, () => resolve(), { once: true });
  });
  // After the first sheet, so that its layers keep their order.
  const first = root.querySelector("link[rel=stylesheet]");
  if (first) first.after(link);
  else root.prepend(link);
  return arrived;
}
