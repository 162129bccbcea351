// @ts-check
/**
 * Making and changing elements in few words. Promises that writing what is already there writes nothing, so that
 * focus, selection and a screen reader's place are left alone. Never takes markup.
 */

/**
 * @param {string} tag
 * @param {Record<string, string | null>} [attributes]
 * @param {(Node | string)[]} children
 * @returns {HTMLElement}
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const name in attributes) setAttribute(element, name, attributes[name] ?? null);
  element.append(...children);
  return element;
}

/**
 * An element of which the page's style and a publisher's speak by one name.
 *
 * @param {string} tag @param {string} name  class and part
 * @param {Record<string, string | null>} [attributes]
 * @param {(Node | string)[]} children
 */
export const makePart = (tag, name, attributes, ...children) => make(tag, { class: name, part: name, ...attributes }, ...children);

/**
 * A button that says what it does by `data-ripost`.
 *
 * @param {string} action @param {string} text @param {Record<string, string | null>} [attributes]
 * @returns {HTMLButtonElement}
 */
export function makeButton(action, text, attributes = {}) {
  const base = { type: "button", class: "action", part: "action", "data-ripost": action };
  return /** @type {HTMLButtonElement} */ (make("button", { ...base, ...attributes }, text));
}

/** @param {Element} element @param {string} name @param {string | null} value  null removes it */
export function setAttribute(element, name, value) {
  if (element.getAttribute(name) === value) return;
  if (value === null) element.removeAttribute(name);
  else element.setAttribute(name, value);
}

/** @param {Element} element @param {string} text */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * The last child that matches. Looks at children only: `querySelector` would look at everything below them, which in a
 * thread of ten thousand comments takes longer than a frame.
 *
 * @param {Element} parent @param {string} selector @returns {HTMLElement | null}
 */
export function childOf(parent, selector) {
  let child = parent.lastElementChild;
  while (child && !child.matches(selector)) child = child.previousElementSibling;
  return /** @type {HTMLElement | null} */ (child);
}

/**
 * A child that is there or not: made when wanted, removed when not, left alone otherwise.
 *
 * @param {Element} parent @param {string} selector @param {boolean} wanted @param {() => HTMLElement} maker
 * @param {Element | null} [before]  where a new one stands; at the end unless told
 * @returns {HTMLElement | null} it, if it is there
 */
export function setChild(parent, selector, wanted, maker, before = null) {
  const there = childOf(parent, selector);
  if (wanted) return there ?? parent.insertBefore(maker(), before);
  // Focus on what goes away goes to what it belongs to, not to the top of the page.
  if (there?.matches(":focus-within")) /** @type {HTMLElement | null} */ (there.closest("[tabindex]"))?.focus({ preventScroll: true });
  there?.remove();
  return null;
}
