// @ts-check
/**
 * What a reader's page does not need until something new is shown on it: a comment as elements, the form to write one.
 * Loaded then, or at once where the server has rendered nothing. The markup is the server's own (server/markup/thread.py).
 */
import { CONTEXT } from "./nesting.js";
import { make, makeButton } from "./elements.js";
import { addEnglish } from "./wording.js";
export { bury, makeArticle, nameParts, number, repliesOf } from "./branching.js";
export { place } from "./placing.js";
export { renderTree } from "./tree-view.js";
import { renderTree } from "./tree-view.js";

/** @typedef {import("./types.js").Comment} Comment @typedef {import("./comment-view.js").Setting} Setting */

addEnglish({
  pause: "Pause live updates",
  level: "level {n}",
  order: "Order of comments",
  oldest: "Oldest",
  newest: "Newest",
  top: "Top",
  join: "Join the discussion",
  link: "Link",
  moderator: "Moderator",
  admin: "Admin",
  deleted: "Deleted by its author",
  newHere: "New comments",
  text: "Your comment",
  name: "Your name",
  post: "Post comment",
  replay: "Replay the discussion",
});

/** What stands in the entry of a comment, without its actions. @param {Comment} comment @param {Setting} setting @returns {HTMLElement[]} */
export function makeEntry({ id, author, tree, created_at, dated, status, depth }, { words, clock, link, parent }) {
  const avatar = make("span", { class: "avatar", part: "avatar", "aria-hidden": "true" });
  const byline = make("header", { class: "byline", part: "byline" }, avatar);
  const by = { id: `by-${id}` };
  if (author) {
    avatar.dataset["hue"] = `${author.id % 12}`;
    avatar.textContent = ([...author.name][0] ?? "").toUpperCase();
    byline.append(make("bdi", { class: "author", part: "author", ...by }, author.name));
    if (author.role === "moderator" || author.role === "admin") {
      byline.append(make("span", { class: "role", part: "role", "data-role": author.role }, words(author.role)));
    }
  } else byline.append(make("span", { class: "gone", part: "gone", ...by }, words(status === "deleted" ? "deleted" : "removed")));
  // What others see by its indent.
  if (depth) byline.append(make("span", { class: "said", id: `on-${id}` }, words("level", { n: depth + 1 })));
  const permalink = make("a", { class: "permalink", part: "permalink", href: link(id) });
  if (dated) {
    const time = /** @type {HTMLTimeElement} */ (make("time", { datetime: created_at }));
    clock.keep(time);
    permalink.append(time);
  } else permalink.append(words("link"));
  byline.append(permalink);
  if (!author || !tree) return [byline];
  const entry = [byline, make("div", { class: "body", part: "body", dir: "auto" }, renderTree(tree)), make("footer", { class: "actions", part: "actions" })];
  if (depth > CONTEXT && parent) {
    const whom = make("a", { href: link(parent.id) }, make("bdi", {}, parent.author?.name ?? words("aRemovedComment")));
    entry.splice(1, 0, make("p", { class: "context", part: "context" }, `${words("replyingTo")} `, whom));
  }
  if (status === "pending") entry.splice(-1, 0, make("p", { class: "held note", part: "note" }, words("pending")));
  return entry;
}

/** The form of the composer, as the server renders it. @param {import("./wording.js").Words} words */
export function makeComposer(words) {
  return make("form", { class: "composer", part: "composer", method: "dialog", autocomplete: "on" },
    make("textarea", { part: "text", name: "text", rows: "3", dir: "auto", "aria-label": words("text"), placeholder: words("join"), autocomplete: "off" }),
    make("div", { class: "composer-row" },
      make("input", { part: "name", name: "name", type: "text", dir: "auto", "aria-label": words("name"), placeholder: words("name"), autocomplete: "nickname", maxlength: "60" }),
      make("button", { part: "submit", class: "primary", type: "submit" }, words("post"))));
}

/** The frame of a thread while nothing of it has been loaded. @param {import("./wording.js").Words} words */
export function makeSection(words) {
  const sorts = ["oldest", "newest", "top"].map((sort) => make("a", { part: "sort", href: "", "data-ripost": "sort", "data-sort": sort }, words(sort)));
  return make("section", { class: "thread", part: "thread", "aria-labelledby": "title", "aria-busy": "true" },
    make("header", { class: "header", part: "header" },
      make("h2", { class: "count", part: "count", id: "title", "data-ripost": "count" }, words("loading")),
      make("nav", { class: "sorts", part: "sorts", "aria-label": words("order") }, ...sorts),
      makeButton("pause", "", { class: "action pause", part: "action pause", "aria-pressed": "false", "aria-label": words("pause") })),
    make("div", { class: "composer-place", part: "composer-place", "data-ripost": "composer" }),
    make("div", { class: "pill-place", "data-ripost": "pill" }),
    make("div", { class: "feed", part: "feed", role: "feed", "aria-labelledby": "title", "data-ripost": "feed" }),
    make("p", { class: "status", part: "status", "data-ripost": "status", "data-state": "offline", role: "status" }),
    make("p", { class: "said", "data-ripost": "said", role: "status" }),
    make("footer", { class: "actions", part: "end" }, makeButton("replay", words("replay"))));
}
