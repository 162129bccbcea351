// @ts-check
/**
 * The tools of a writing form: formatting buttons with shortcuts, preview by the server's own parser, mentions, pastes.
 * Loaded with the composer. Owns the toolbar and what hangs at it, never the text: every change goes through the browser's
 * own editing, so that undo works, and is followed by an `input` event, so that the draft is kept.
 */
import { ask, Problem } from "../api.js";
import { make, makeButton, setAttribute, setChild, setText } from "../elements.js";
import { addStyle } from "../styles.js";
import { renderTree } from "../tree-view.js";
import { loadWords } from "../words.js";
import { leavePreview } from "./form.js";
import { cleanPaste, format, PASTE_MAX, quotation } from "./markdown-edit.js";
import { offerNames } from "./mention.js";
import { slowMode } from "./obstacle.js";

/** @typedef {Parameters<typeof format>[0]} Kind */

/** Kind, word, key with Ctrl or Cmd, whether Shift too. @type {[Kind, string, string, boolean][]} */
const TOOLS = [
  ["bold", "bold", "b", false],
  ["italic", "italic", "i", false],
  ["link", "linking", "k", false],
  ["quote", "quoting", ".", true],
  ["code", "coding", "e", false],
  ["list", "listing", "8", true],
];
/** Lines on a field of 20 by 20. @type {Record<Kind, string>} */
const ICONS = {
  bold: "M6 4h4.5a3 3 0 0 1 0 6H6zM6 10h5.5a3 3 0 0 1 0 6H6z",
  italic: "M9 4h5M6 16h5M12 4 8 16",
  link: "M8.5 11.5a3 3 0 0 0 4.2 0l3-3a3 3 0 0 0-4.2-4.2l-.8.8M11.5 8.5a3 3 0 0 0-4.2 0l-3 3a3 3 0 0 0 4.2 4.2l.8-.8",
  quote: "M4 5v10M8 7h8M8 10h8M8 13h5",
  code: "M7 6l-4 4 4 4M13 6l4 4-4 4",
  list: "M4 6h.01M4 10h.01M4 14h.01M8 6h8M8 10h8M8 14h8",
};
const MAC = /Mac|iP(hone|ad|od)/.test(navigator.platform);

/**
 * @param {import("../thread.js").Thread} thread @param {HTMLFormElement} form @param {AbortSignal} signal
 * @returns {Promise<() => void>} brings up to date what is said of writing here
 */
export async function addTools(thread, form, signal) {
  const root = /** @type {ShadowRoot} */ (form.getRootNode());
  const { words } = await loadWords(thread.language, "more-", thread.words);
  if (root instanceof ShadowRoot) await addStyle(root, "writing/writing.css");
  const area = /** @type {HTMLTextAreaElement} */ (form.querySelector("textarea"));
  if (signal.aborted || form.querySelector(".tools")) return () => {};
  const bar = make("div", { class: "tools", part: "tools", role: "toolbar", "aria-label": words("formatting") });
  for (const [kind, word, key, shift] of TOOLS) {
    const shortcut = `${MAC ? "\u2318" : "Ctrl+"}${shift ? (MAC ? "\u21e7" : "Shift+") : ""}${key.toUpperCase()}`;
    const button = makeButton("format", "", {
      class: `tool ${kind}`, "data-format": kind, "aria-label": words(word), title: `${words(word)} (${shortcut})`,
      "aria-keyshortcuts": `${MAC ? "Meta" : "Control"}+${shift ? "Shift+" : ""}${key}`, tabindex: bar.firstChild ? "-1" : "0",
    });
    button.append(icon(ICONS[kind]));
    // The selection in the text must survive the press.
    button.addEventListener("mousedown", (event) => event.preventDefault(), { signal });
    button.addEventListener("click", () => use(thread, root, area, kind), { signal });
    bar.append(button);
  }
  const preview = makeButton("preview", words("preview"), { class: "tool preview-button", "aria-pressed": "false", tabindex: "-1" });
  preview.addEventListener("click", () => void togglePreview(thread, form, area, preview, words), { signal });
  bar.append(preview);
  bar.addEventListener("keydown", rove, { signal });
  area.before(bar);
  area.addEventListener("keydown", (event) => {
    if (!(MAC ? event.metaKey : event.ctrlKey) || event.altKey) return;
    const tool = TOOLS.find(([, , key, shift]) => shift === event.shiftKey && (event.key.toLowerCase() === key || (shift && event.code === (key === "8" ? "Digit8" : "Period"))));
    if (!tool || area.readOnly) return;
    event.preventDefault();
    event.stopPropagation();
    use(thread, root, area, tool[0]);
  }, { signal });
  area.addEventListener("paste", (event) => paste(event, form, area, words), { signal });
  offerNames(thread, area, words, signal);
  if (isBlocked()) bar.after(make("p", { class: "unkept" }, words("notKept")));
  const renew = () => {
    const n = slowMode(thread);
    const note = setChild(form, ".slow", n > 0, () => make("p", { class: "slow" }), bar.nextElementSibling);
    if (note) setText(note, words("slow", { n }));
  };
  renew();
  return renew;
}

/**
 * What the reader has marked in a comment, if it may be quoted there.
 *
 * @param {ShadowRoot} root @param {Element | null} [within]  only from this comment
 */
export function markedPassage(root, within = null) {
  const selection = /** @type {{getSelection?: () => Selection | null}} */ (root).getSelection?.() ?? document.getSelection();
  if (!selection || selection.isCollapsed) return "";
  const body = [selection.anchorNode, selection.focusNode].map((node) => (node instanceof Element ? node : node?.parentElement)?.closest(".body"));
  if (!body[0] || body[0] !== body[1] || (within && !within.contains(body[0]))) return "";
  return selection.toString().slice(0, 2000);
}

/** Put a quotation at the end of what is written. @param {HTMLTextAreaElement} area @param {string} passage */
export function quote(area, passage) {
  const { value } = area;
  const room = !value || value.endsWith("\n\n") ? "" : value.endsWith("\n") ? "\n" : "\n\n";
  area.setSelectionRange(value.length, value.length);
  insert(area, room + quotation(passage));
}

/** @param {import("../thread.js").Thread} thread @param {ShadowRoot} root @param {HTMLTextAreaElement} area @param {Kind} kind */
function use(thread, root, area, kind) {
  if (area.readOnly || area.hidden) return;
  const passage = kind === "quote" && area.selectionStart === area.selectionEnd ? markedPassage(root) : "";
  if (passage) return quote(area, passage);
  const edit = format(kind, area.value, area.selectionStart, area.selectionEnd);
  area.setSelectionRange(edit.from, edit.to);
  insert(area, edit.text);
  area.setSelectionRange(edit.start, edit.end);
}

/** Type a text in place of the selection. @param {HTMLTextAreaElement} area @param {string} text */
export function insert(area, text) {
  if (area.form) leavePreview(area.form);
  area.focus({ preventScroll: true });
  // Deprecated and without a successor: the only edit that the browser can undo. It says `input` by itself.
  if (document.execCommand(text ? "insertText" : "delete", false, text)) return;
  area.setRangeText(text, area.selectionStart, area.selectionEnd, "end");
  area.dispatchEvent(new InputEvent("input", { bubbles: true, composed: true }));
}

/** @param {import("../thread.js").Thread} thread @param {HTMLFormElement} form @param {HTMLTextAreaElement} area @param {HTMLButtonElement} button @param {import("../words.js").Words} words */
async function togglePreview(thread, form, area, button, words) {
  const there = form.querySelector(".preview");
  const shows = !there && area.value.trim() !== "";
  there?.remove();
  area.hidden = shows;
  setAttribute(button, "aria-pressed", String(shows));
  setText(button, words(shows ? "write" : "preview"));
  for (const tool of form.querySelectorAll(".tool[data-format]")) /** @type {HTMLButtonElement} */ (tool).disabled = shows;
  if (!shows) return void area.focus();
  const place = make("div", { class: "preview body", part: "preview", dir: "auto", role: "region", "aria-label": words("previewOf"), "aria-live": "polite" }, words("previewing"));
  area.after(place);
  // What is sent is what was seen: sending goes back to writing.
  form.addEventListener("submit", () => place.isConnected && void togglePreview(thread, form, area, button, words), { once: true, capture: true });
  try {
    const { tree } = await ask(thread, "/api/preview", { method: "POST", token: thread.token, body: { text: area.value } });
    place.replaceChildren(renderTree(tree));
  } catch (error) {
    place.replaceChildren(thread.words("failed", { reason: error instanceof Problem ? error.message : words("unreachable") }));
  }
}

/** @param {string} path @returns {SVGElement} */
function icon(path) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("aria-hidden", "true");
  const lines = document.createElementNS(svg.namespaceURI, "path");
  lines.setAttribute("d", path);
  svg.append(lines);
  return /** @type {SVGElement} */ (svg);
}

/** Arrow keys move along the toolbar, which is one stop of the Tab key. @param {KeyboardEvent} event */
function rove(event) {
  const bar = /** @type {HTMLElement} */ (event.currentTarget);
  const tools = /** @type {HTMLElement[]} */ ([...bar.querySelectorAll("button:not(:disabled)")]);
  const at = tools.indexOf(/** @type {HTMLElement} */ (event.target));
  const step = getComputedStyle(bar).direction === "rtl" ? -1 : 1;
  const to = { ArrowRight: at + step, ArrowLeft: at - step, Home: 0, End: tools.length - 1 }[event.key];
  if (to === undefined || at < 0) return;
  event.preventDefault();
  const next = tools[(to + tools.length) % tools.length];
  for (const tool of bar.querySelectorAll("button")) tool.tabIndex = tool === next ? 0 : -1;
  next?.focus();
}

/** @param {ClipboardEvent} event @param {HTMLFormElement} form @param {HTMLTextAreaElement} area @param {import("../words.js").Words} words */
function paste(event, form, area, words) {
  const text = event.clipboardData?.getData("text/plain") ?? "";
  if (!text || area.readOnly) return;
  const clean = cleanPaste(text);
  if (clean === text) return;
  event.preventDefault();
  insert(area, clean);
  if (text.length > PASTE_MAX) {
    const message = form.querySelector(".message");
    if (message) setText(message, words("pasteCut", { n: PASTE_MAX }));
  }
}

/** Whether this browser keeps nothing for the page. */
function isBlocked() {
  try {
    localStorage.setItem("ripost:probe", "1");
    localStorage.removeItem("ripost:probe");
    return false;
  } catch {
    return true;
  }
}
