// @ts-check
/**
 * Names of people in the thread, offered while an @ is typed. Owns the list, its keys and its place above all that stands
 * on the page, so that nothing makes room for it; knows only who has written what is loaded. A name that is chosen is plain text: nothing is looked up and nobody is told.
 */
import { make, setAttribute } from "../elements.js";
import { isWritten, mentionAt, suggest } from "./markdown-edit.js";

const GAP = 4; // pixels between the field and the list
let lists = 0; // for ids that no other list in the page has

/** @param {import("../thread.js").Thread} thread @param {HTMLTextAreaElement} area @param {import("../words.js").Words} words @param {AbortSignal} signal */
export function offerNames(thread, area, words, signal) {
  const list = make("ul", { class: "names", part: "names", role: "listbox", id: `names-${++lists}`, "aria-label": words("people") });
  const said = make("span", { class: "unseen", "aria-live": "polite" });
  list.hidden = true;
  list.popover = "manual"; // in the browser's top layer: no part of the page cuts it off
  area.after(list, said);
  let from = 0;
  let chosen = 0;
  /** @type {string[]} */
  let names = [];

  const stand = () => {
    if (list.hidden) return;
    const { left, right, top, bottom, width } = area.getBoundingClientRect();
    const { offsetTop = 0, height = window.innerHeight } = window.visualViewport ?? {};
    list.style.maxInlineSize = `${width}px`;
    const below = Math.min(bottom, offsetTop + height) + GAP;
    const fits = below + list.offsetHeight <= offsetTop + height;
    list.style.top = `${fits ? below : Math.max(offsetTop, Math.min(top, offsetTop + height) - GAP - list.offsetHeight)}px`;
    list.style.left = `${getComputedStyle(list).direction === "rtl" ? right - list.offsetWidth : left}px`;
  };
  const close = () => {
    if (!list.hidden) list.hidePopover?.();
    list.hidden = true;
    names = [];
    said.textContent = "";
    for (const name of ["aria-controls", "aria-activedescendant", "aria-autocomplete", "aria-haspopup"]) setAttribute(area, name, null);
  };
  const mark = (/** @type {number} */ at) => {
    chosen = (at + names.length) % names.length;
    [...list.children].forEach((option, index) => setAttribute(option, "aria-selected", String(index === chosen)));
    setAttribute(area, "aria-activedescendant", `${list.id}-${chosen}`);
  };
  const take = (/** @type {number} */ at) => {
    const name = names[at];
    if (name === undefined) return;
    const caret = area.selectionStart;
    close();
    area.setSelectionRange(from, caret);
    area.focus({ preventScroll: true });
    const text = `@${name} `;
    if (!document.execCommand("insertText", false, text)) {
      area.setRangeText(text, from, caret, "end");
      area.dispatchEvent(new InputEvent("input", { bubbles: true, composed: true }));
    }
  };
  const look = () => {
    const mention = area.selectionStart === area.selectionEnd ? mentionAt(area.value, area.selectionStart) : null;
    const found = mention ? suggest(known(thread), mention.typed) : [];
    if (!mention || !found.length) return list.hidden ? undefined : close();
    from = mention.from;
    if (found.join("\n") === names.join("\n") && !list.hidden) return stand(); // the line may have wrapped
    names = found;
    list.replaceChildren(...names.map((name, index) => {
      const option = make("li", { role: "option", id: `${list.id}-${index}` }, make("bdi", {}, name));
      option.addEventListener("mousedown", (event) => event.preventDefault());
      option.addEventListener("click", () => take(index));
      return option;
    }));
    list.hidden = false;
    list.showPopover?.();
    stand();
    said.textContent = words("peopleFound", { n: names.length });
    // A field of several lines may not be a combobox, nor be expanded: what it controls is its popup while that is there.
    for (const [name, value] of Object.entries({ "aria-autocomplete": "list", "aria-haspopup": "listbox", "aria-controls": list.id })) setAttribute(area, name, value);
    mark(0);
  };
  area.addEventListener("input", look, { signal });
  area.addEventListener("click", look, { signal });
  area.addEventListener("blur", close, { signal });
  // What moves the field moves the list.
  for (const [place, name] of /** @type {[EventTarget | null, string][]} */ ([[window, "scroll"], [window, "resize"], [window.visualViewport, "resize"]])) {
    place?.addEventListener(name, stand, { capture: true, passive: true, signal });
  }
  area.addEventListener("keydown", (event) => {
    if (list.hidden || event.isComposing) return;
    /** @type {Record<string, () => void>} */
    const keys = { ArrowDown: () => mark(chosen + 1), ArrowUp: () => mark(chosen - 1), Enter: () => take(chosen), Tab: () => take(chosen), Escape: close };
    const press = event.ctrlKey || event.metaKey ? undefined : keys[event.key];
    if (!press) return;
    // With the name there already, these keys are meant for the text.
    if (/Enter|Tab/.test(event.key) && isWritten(names[chosen] ?? "", area.value.slice(from + 1, area.selectionStart))) return close();
    event.preventDefault();
    event.stopPropagation(); // Escape closes the list, not the form
    press();
  }, { signal });
}

/** Everybody who wrote what is loaded, the latest first. @param {import("../thread.js").Thread} thread */
function known({ state }) {
  const comments = [...state.comments.values()].sort((a, b) => b.id - a.id);
  return comments.flatMap(({ author }) => (author ? [author.name] : []));
}
