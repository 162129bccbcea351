// @ts-check
/** Style sheets of what is loaded on demand: one link for each in a thread's shadow root, before anything it styles. */
import { make } from "./elements.js";

/** Sheets that are there or on their way. @type {WeakMap<ShadowRoot, Map<string, Promise<void>>>} */
const known = new WeakMap();

/**
 * Resolves when the sheet is there, or cannot be had: controls without their looks are better than none. Such a sheet is
 * asked for again by whoever needs it next.
 *
 * @param {ShadowRoot} root @param {string} name  a file beside this one
 * @returns {Promise<void>}
 */
export function addStyle(root, name) {
  const sheets = known.get(root) ?? new Map();
  known.set(root, sheets);
  const there = sheets.get(name);
  if (there) return there;
  const link = make("link", { rel: "stylesheet", href: new URL(`./${name}`, import.meta.url).href });
  const arrived = new Promise((/** @type {(value: void) => void} */ resolve) => {
    link.addEventListener("load", () => resolve());
    link.addEventListener("error", () => {
      sheets.delete(name);
      link.remove();
      resolve();
    });
  });
  sheets.set(name, arrived);
  // After the first sheet, so that its layers keep their order.
  const first = root.querySelector("link[rel=stylesheet]");
  if (first) first.after(link);
  else root.prepend(link);
  return arrived;
}
