// @ts-check
/**
 * What the formatting buttons do to a text, as pure functions: a text and a selection in, one replacement out. Knows no
 * DOM; runs under node. Promises that pressing a button twice gives back what was there.
 *
 * @typedef {object} Edit  replace [from, to) by `text`, then select [start, end)
 * @property {number} from
 * @property {number} to
 * @property {string} text
 * @property {number} start
 * @property {number} end
 */

const MARKS = { bold: "**", italic: "*", code: "`" };
const PREFIX = { quote: "> ", list: "- " };
/** What is taken of one paste. A comment is at most 10,000 characters; the rest would only make the page slow. */
export const PASTE_MAX = 100_000;

/**
 * @param {"bold" | "italic" | "code" | "quote" | "list" | "link"} kind
 * @param {string} text @param {number} start @param {number} end
 * @returns {Edit}
 */
export function format(kind, text, start, end) {
  if (kind === "link") return link(text, start, end);
  if (kind === "quote" || kind === "list") return prefix(text, start, end, PREFIX[kind]);
  if (kind === "code" && text.slice(start, end).includes("\n")) return fence(text, start, end);
  return wrap(text, start, end, MARKS[kind]);
}

/** @param {string} text @param {number} start @param {number} end @param {string} mark @returns {Edit} */
function wrap(text, start, end, mark) {
  // Spaces at the ends stay outside: "** word **" is not bold.
  while (start < end && /\s/.test(text[start] ?? "")) start++;
  while (end > start && /\s/.test(text[end - 1] ?? "")) end--;
  const n = mark.length;
  const inner = text.slice(start, end);
  if (inner.length >= 2 * n && marked(inner, mark)) {
    const bare = inner.slice(n, -n);
    return { from: start, to: end, text: bare, start, end: start + bare.length };
  }
  if (marked(text.slice(start - n, end + n), mark) && start >= n && (mark !== "*" || !marked(text.slice(start - 2, end + 2), "**") || marked(text.slice(start - 3, end + 3), "***"))) {
    return { from: start - n, to: end + n, text: inner, start: start - n, end: end - n };
  }
  return { from: start, to: end, text: mark + inner + mark, start: start + n, end: end + n };
}

/** @param {string} text @param {string} mark */
function marked(text, mark) {
  if (text.length < 2 * mark.length || !text.startsWith(mark) || !text.endsWith(mark)) return false;
  // One star inside two is bold, not italic.
  return mark !== "*" || !/^\*\*(?!\*)/.test(text);
}

/** @param {string} text @param {number} start @param {number} end @returns {Edit} */
function fence(text, start, end) {
  const before = start > 0 && text[start - 1] !== "\n" ? "\n" : "";
  const after = end < text.length && text[end] !== "\n" ? "\n" : "";
  const inner = text.slice(start, end).replace(/^\n+|\n+$/g, "");
  const made = `${before}\`\`\`\n${inner}\n\`\`\`${after}`;
  return { from: start, to: end, text: made, start: start + before.length + 4, end: start + before.length + 4 + inner.length };
}

/** Whole lines get the prefix, or lose it when all have it. @param {string} text @param {number} start @param {number} end @param {string} mark @returns {Edit} */
function prefix(text, start, end, mark) {
  const from = text.lastIndexOf("\n", start - 1) + 1;
  const stop = text.indexOf("\n", Math.max(start, end - 1));
  const to = stop < 0 ? text.length : stop;
  const lines = text.slice(from, to).split("\n");
  const all = lines.every((line) => line.startsWith(mark));
  const made = lines.map((line) => (all ? line.slice(mark.length) : mark + line)).join("\n");
  // A block begins after an empty line, or Markdown joins it to the paragraph above.
  const above = text.slice(0, from);
  const room = all || !above || above.endsWith("\n\n") || lastLine(above).startsWith(mark) ? "" : "\n";
  return { from, to, text: room + made, start: from + room.length + (start === end ? made.length : 0), end: from + room.length + made.length };
}

/** @param {string} above  ends with a newline */
const lastLine = (above) => above.slice(above.lastIndexOf("\n", above.length - 2) + 1);

/** @param {string} text @param {number} start @param {number} end @returns {Edit} */
function link(text, start, end) {
  const chosen = text.slice(start, end);
  if (isAddress(chosen)) {
    return { from: start, to: end, text: `[](${chosen.trim()})`, start: start + 1, end: start + 1 };
  }
  const made = `[${chosen}](https://)`;
  const address = start + chosen.length + 3;
  return chosen ? { from: start, to: end, text: made, start: address, end: address + 8 } : { from: start, to: end, text: made, start: start + 1, end: start + 1 };
}

/** @param {string} text */
const isAddress = (text) => /^\s*https?:\/\/\S+\s*$/.test(text);

/** A passage as a quotation, to be followed by an answer. @param {string} passage */
export function quotation(passage) {
  const lines = passage.replace(/\r\n?/g, "\n").trim().split(/\n/).map((line) => line.trim());
  return `${lines.map((line) => (line ? `> ${line}` : ">")).join("\n")}\n\n`;
}

/**
 * The name that is being typed after an @, if the caret stands in one.
 *
 * @param {string} text @param {number} caret
 * @returns {{from: number, typed: string} | null}
 */
export function mentionAt(text, caret) {
  const found = /(?:^|[\s(\p{Ps}\p{Pi}])@([^\n@]{0,40})$/u.exec(text.slice(Math.max(0, caret - 50), caret));
  const typed = found?.[1];
  if (typed === undefined || /\s$/.test(typed) || typed.split(/\s+/).length > 3) return null;
  return { from: caret - typed.length - 1, typed };
}

/** A name as it is looked for: without accents, in small letters. @param {string} name */
const fold = (name) => name.normalize("NFKD").replace(/\p{M}/gu, "").toLocaleLowerCase();

/** Whether a name is written out already. @param {string} name @param {string} typed */
export const isWritten = (name, typed) => fold(name) === fold(typed);

/**
 * Names that begin, or have a word that begins, with what was typed; the best first. None when there is nothing to add.
 *
 * @param {string[]} names  those who wrote last come first @param {string} typed @param {number} [most]
 */
export function suggest(names, typed, most = 6) {
  const wanted = fold(typed);
  const at = (/** @type {string} */ name) => isWritten(name, typed) ? 0 : fold(name).startsWith(wanted) ? 1 : fold(name).split(/\s+/).some((word) => word.startsWith(wanted)) ? 2 : 3;
  const found = [...new Set(names)].filter((name) => at(name) < 3).sort((a, b) => at(a) - at(b)).slice(0, most);
  return found.every((name) => isWritten(name, typed)) ? [] : found;
}

/** A pasted text as it can be written: one kind of line end, nothing invisible that changes how it reads. @param {string} text */
export function cleanPaste(text) {
  return text
    .slice(0, 2 * PASTE_MAX)
    .replace(/\r\n?|[\u2028\u2029\u0085]/g, "\n")
    .replace(/[\u00a0\u202f\u2007]/g, " ")
    // Controls, soft hyphens, zero-width spaces, overrides of direction. Joiners stay: Persian and emoji need them.
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u0084\u0086-\u009f\u00ad\u200b\u2060\ufeff\u202a-\u202e\u2066-\u2069]/g, "")
    .replace(/\n{4,}/g, "\n\n\n")
    .replace(/\p{Surrogate}/gu, "\ufffd")
    .slice(0, PASTE_MAX)
    .replace(/[\ud800-\udbff]$/, "");
}
