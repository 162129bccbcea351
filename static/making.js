// @ts-check
/**
 * What a reader's page does not need until something new is shown on it: a comment as elements, the form to write one.
 * Loaded then. The markup is the server's own (server/markup/thread.py).
 */
import { childOf, make, makePart, makeButton } from "./elements.js";
import { CONTEXT, LEVELS } from "./nesting.js";
import { renderTree } from "./tree-view.js";

/** @typedef {import("./types.js").Comment} Comment @typedef {import("./comment-view.js").Setting} Setting @typedef {import("./words.js").Words} Words */

/** An article before anything stands in it. @param {Comment} comment */
export function makeArticle({ id, depth }) {
  return make("article", {
    class: "comment", part: "comment", id: `comment-${id}`, "data-comment-id": `${id}`, tabindex: "-1",
    "data-level": `${Math.min(depth, LEVELS)}`, "data-depth": `${depth}`, "data-deep": depth > LEVELS ? "" : null,
    "aria-labelledby": depth ? `by-${id} on-${id}` : `by-${id}`,
  }, make("div", { class: "entry" }));
}

/** Fill the entry of a comment, in place of another kind of comment than before. @param {import("./comment-view.js").CommentView} view @param {Setting} setting */
export function fill(view, setting) {
  const { element, entry } = view;
  const shown = /** @type {Comment} */ (view.shown);
  const others = [...entry.children].filter((child) => !child.matches("form")); // a reply that is being written stays
  const focused = others.some((child) => child.matches(":focus-within"));
  // A form that is moved would lose the focus.
  entry.prepend(...makeEntry(shown, setting));
  for (const child of others) child.remove();
  if (shown.status === "visible") {
    const values = { name: shown.author?.name ?? "", n: 0 };
    for (const act of ["up", "down", "options"]) childOf(entry, ".actions")?.append(makeButton(act, "\u2026", { "aria-label": setting.words(act, values) }));
  }
  if (focused) element.focus({ preventScroll: true });
  view.nameReplies(setting.words);
}

/** What stands in the entry of a comment, without its actions. @param {Comment} comment @param {Setting} setting @returns {HTMLElement[]} */
export function makeEntry({ id, author, tree, created_at, dated, status, depth }, { words, clock, link, parent }) {
  const avatar = makePart("span", "avatar", { "aria-hidden": "true" });
  const byline = makePart("header", "byline", {}, avatar);
  const by = { id: `by-${id}` };
  if (author) {
    avatar.dataset["hue"] = `${author.id % 12}`;
    avatar.textContent = ([...author.name][0] ?? "").toUpperCase();
    byline.append(makePart("bdi", "author", { ...by }, author.name));
    if (author.role === "moderator" || author.role === "admin") {
      byline.append(makePart("span", "role", { "data-role": author.role }, words(author.role)));
    }
  } else byline.append(makePart("span", "gone", { ...by }, words(status === "deleted" ? "deleted" : "removed")));
  // What others see by its indent.
  if (depth) byline.append(make("span", { class: "said", id: `on-${id}` }, words("level", { n: depth + 1 })));
  const permalink = makePart("a", "permalink", { href: link({ comment: `${id}` }) });
  if (dated) {
    const time = /** @type {HTMLTimeElement} */ (make("time", { datetime: created_at }));
    clock.keep(time);
    permalink.append(time);
  } else permalink.append(words("link"));
  byline.append(permalink);
  if (!author || !tree) return [byline];
  const entry = [byline, makePart("div", "body", { dir: "auto" }, renderTree(tree)), makePart("footer", "actions")];
  if (depth > CONTEXT && parent) {
    const whom = make("a", { href: link({ comment: `${parent.id}` }) }, make("bdi", {}, parent.author?.name ?? words("aRemovedComment")));
    entry.splice(1, 0, makePart("p", "context", {}, `${words("replyingTo")} `, whom));
  }
  if (status === "pending") entry.splice(-1, 0, make("p", { class: "held note", part: "note" }, words("pending")));
  return entry;
}

/** The form of the composer, as the server renders it. @param {Words} words */
export function makeComposer(words) {
  return makePart("form", "composer", { method: "dialog", autocomplete: "on" },
    make("textarea", { part: "text", name: "text", rows: "3", dir: "auto", "aria-label": words("text"), placeholder: words("join"), autocomplete: "off" }),
    make("div", { class: "composer-row" },
      make("input", { part: "name", name: "name", type: "text", dir: "auto", "aria-label": words("name"), placeholder: words("name"), autocomplete: "nickname", maxlength: "60" }),
      make("button", { part: "submit", class: "primary", type: "submit" }, words("post"))));
}
