// @ts-check
/**
 * Keeps what is being read where it is while the thread changes around it. Owns the choice of what that is (the focused
 * comment, else the first one in the window) and the scroll that undoes a shift. Browsers anchor scrolling too, but not
 * all do, and not when the reader is at an edge; measuring after the change makes both agree.
 */

/**
 * Run `change` and put what was being read back to where it stood on the screen.
 *
 * @param {ShadowRoot} root
 * @param {Element} feed  what can shift; nothing is done while it is below the window
 * @param {() => void} change
 */
export function keepPlace(root, feed, change) {
  const anchor = findAnchor(root, feed);
  if (!anchor) return change();
  // What goes leaves its place to what follows.
  const next = anchor.closest("article")?.nextElementSibling;
  const before = topOf(anchor);
  const after = topOf(next);
  change();
  const moved = anchor.isConnected ? topOf(anchor) - before : next?.isConnected ? topOf(next) - after : 0;
  if (Math.abs(moved) >= 0.5) scrollerOf(root.host).scrollBy({ top: moved, behavior: "instant" });
}

/** @param {Element | null | undefined} element */
const topOf = (element) => element?.getBoundingClientRect().top ?? 0;

/** What scrolls a thread: the window, or a box of the page's own. @param {Element} host */
export function scrollerOf(host) {
  let box = host.parentElement;
  while (box && (box.scrollHeight <= box.clientHeight || !/auto|scroll/.test(getComputedStyle(box).overflowY))) box = box.parentElement;
  return box ?? window;
}

/** What is being read, if it is in the window. @param {ShadowRoot} root @param {Element} feed @returns {Element | null} */
export function findAnchor(root, feed) {
  const box = feed.getBoundingClientRect();
  const height = window.innerHeight;
  if (box.top >= height || box.bottom <= 0) return null;
  const focused = root.activeElement?.closest(".entry, form");
  if (focused && isInside(focused, height)) return focused;
  // A point beside the avatars of the first line that shows; it hits whichever article covers it.
  const x = Math.min(Math.max(box.left + box.width / 2, 1), window.innerWidth - 1);
  for (let y = Math.max(box.top, 0) + 8; y < height; y += 48) {
    const entry = root.elementFromPoint(x, y)?.closest(".entry");
    if (!entry) continue;
    const { top, bottom } = entry.getBoundingClientRect();
    // One that begins in the window, or fills most of it.
    if (top >= 0 || bottom > height / 2) return entry;
  }
  return null;
}

/** @param {Element} element @param {number} height */
function isInside(element, height) {
  const { top, bottom } = element.getBoundingClientRect();
  return top < height && bottom > 0;
}
