// @ts-check
/**
 * A comment's tree of nodes as DOM. Owns the list of what may stand in a comment; makes elements only by createElement
 * and text only by textContent, so there is no markup to sanitise and Trusted Types have nothing to object to.
 */

import { make } from "./elements.js";

/** @typedef {import("./types.js").TreeNode} TreeNode */

const TAGS = new Set(["p", "blockquote", "ul", "ol", "li", "pre", "code", "strong", "em", "del", "a", "br", "h"]);
/** Deeper nodes show their text only. The server nests far less; a hostile one must not overflow the stack. */
const DEPTH = 50;

/**
 * @param {TreeNode[]} nodes
 * @returns {DocumentFragment}
 */
export function renderTree(nodes) {
  const fragment = new DocumentFragment();
  append(fragment, nodes, 0);
  return fragment;
}

/** @param {ParentNode} parent @param {any[]} nodes @param {number} depth */
function append(parent, nodes, depth) {
  for (const node of nodes) {
    if (typeof node === "string") parent.append(node);
    else if (Array.isArray(node)) {
      const [tag, ...rest] = node;
      const attributes = rest[0] && typeof rest[0] === "object" && !Array.isArray(rest[0]) ? rest.shift() : {};
      const element = TAGS.has(tag) && depth < DEPTH ? makeNode(tag, attributes) : null;
      if (element) parent.append(element);
      if (depth < 2 * DEPTH) append(element?.querySelector("strong") ?? element ?? parent, rest, depth + 1);
    }
  }
}

/** @param {string} tag @param {{href?: unknown}} attributes */
function makeNode(tag, attributes) {
  if (tag === "h") {
    // A heading in a comment must not enter the page's outline.
    return make("p", {}, make("strong"));
  }
  const element = make(tag);
  if (element instanceof HTMLAnchorElement && /^(https?:|mailto:)/i.test(String(attributes.href))) {
    element.href = String(attributes.href);
    element.rel = "ugc nofollow noopener";
  }
  return element;
}
