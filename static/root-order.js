// @ts-check
/**
 * Where top-level comments that came by events stand among those of the pages. Loaded with what shows them; until then
 * their order is nobody's business. Never touches the DOM; runs under node.
 */

/** Put those that have come since the last time where they belong. @param {import("./thread-state.js").ThreadState} state */
export function settleRoots(state) {
  const { arrived, comments, roots } = state;
  state.arrived = [];
  for (const id of arrived) {
    const comment = comments.get(id);
    const at = roots.lastIndexOf(id);
    if (!comment || at < 0) continue;
    roots.splice(at, 1);
    roots.splice(rootPlace(state, comment), 0, id);
  }
}

/** Where a root that came by an event belongs, behind the roots that lead. @param {import("./thread-state.js").ThreadState} state @param {import("./types.js").Comment} comment */
function rootPlace(state, comment) {
  let at = state.roots.length;
  while (at > 0) {
    const id = /** @type {number} */ (state.roots[at - 1]);
    if (state.leading.has(id) || !comesBefore(state.sort, comment, /** @type {import("./types.js").Comment} */ (state.comments.get(id)))) break;
    at--;
  }
  return at;
}

/** @param {import("./types.js").Sort} sort @param {import("./types.js").Comment} a @param {import("./types.js").Comment} b */
export function comesBefore(sort, a, b) {
  if (sort === "newest") return a.id > b.id;
  if (sort === "oldest") return a.id < b.id;
  const better = a.up - a.down - (b.up - b.down);
  return better ? better > 0 : a.id > b.id; // the newer of two equals, as the server's pages have it
}
