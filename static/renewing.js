// @ts-check
/**
 * A discussion made anew because the page says something else about it: its language, its order, who reads. Loaded when
 * that happens. Whoever reads or writes goes on with the old one until the new one can take its place, and then goes on
 * there. Owns the exchange; what is being written is kept as drafts are, and the new thread begins with what stands there.
 */
import { ask } from "./api.js";
import { askDrawn, makeSection } from "./drawing.js";
import { childOf, make } from "./elements.js";
import { keepTrying } from "./keep-trying.js";
import { findAnchor, scrollerOf } from "./reading-place.js";
import { findWords } from "./words.js";

const PAGE = 25; // top-level comments of a page
const MOST = 100; // of them that the server gives at once
const WAITING = 10_000; // milliseconds until nobody waits for a form any more

/** @typedef {HTMLInputElement | HTMLTextAreaElement} Field */

/**
 * @param {import("./thread.js").Thread} thread
 * @returns {Promise<import("./types.js").InWords | null>} the words of what stands there now; null: it is another discussion, or cannot be had
 */
export async function renew(thread) {
  const { host, root, signal, state, view } = thread;
  const { id } = state.article;
  for (;;) {
    const said = attributes(host);
    const server = new URL(host.getAttribute("server") || import.meta.url).origin;
    if (server !== thread.server || (Number(host.getAttribute("article")) || id) !== id) return null;
    const sort = host.getAttribute("sort") || state.sort;
    const limit = `${Math.min(Math.max(1, Math.ceil(state.roots.length / PAGE)) * PAGE, MOST)}`;
    const [found, { page: { article }, section }, page] = await keepTrying(async () => {
      const words = await findWords(host);
      // As anybody sees it: who reads now is asked by the new thread.
      return Promise.all([words, askDrawn(thread, words.language, sort), ask(thread, `/api/articles/${id}/thread?${new URLSearchParams({ sort, limit })}`, { fresh: true }), thread.prepare()]);
    }, signal, () => thread.frame.fail(thread.words("unreachable")));
    signal.throwIfAborted(); // taken away meanwhile
    if (article?.id !== id) return null;
    if (attributes(host) !== said) continue; // once more: it has changed its mind
    const before = view.frame.section;
    const made = makeSection(host, page, section);
    childOf(made, ".feed")?.replaceChildren(); // the thread fills it from the page, as far as the reader had come
    made.hidden = before.hidden;
    made.style.minHeight = `${before.offsetHeight}px`; // what is read stays where it is
    const goOn = rememberPlace(root, view.frame.feed);
    carryFields(childOf(before, ".composer-place"), childOf(made, ".composer-place"));
    const focus = rememberFocus(root, made);
    before.replaceWith(made);
    root.append(make("data", { "data-ripost": "snapshot", hidden: "" }, JSON.stringify(page)));
    focus();
    requestAnimationFrame(() => {
      focus();
      made.style.minHeight = "";
      goOn();
    });
    return found;
  }
}

/** @param {HTMLElement} host */
const attributes = (host) => JSON.stringify(["article", "article-url", "server", "sort", "lang", "token"].map((name) => host.getAttribute(name)));

/** What was typed into one form stands in the other. @param {Element | null} from @param {Element | null} to */
function carryFields(from, to) {
  for (const { name, value } of /** @type {NodeListOf<Field>} */ (from?.querySelectorAll("textarea, input[name]") ?? [])) {
    const field = /** @type {Field | null | undefined} */ (to?.querySelector(`[name="${name}"]`));
    if (!field || !value || field.value === value) continue;
    field.value = value;
    field.dispatchEvent(new Event("input", { bubbles: true })); // whoever keeps drafts hears of it
  }
}

/** Where the reader is on the screen. @param {ShadowRoot} root @param {Element} feed @returns {() => void} brings them there again */
function rememberPlace(root, feed) {
  const article = findAnchor(root, feed)?.closest("article");
  if (!article) return () => {};
  const { top } = article.getBoundingClientRect();
  return () => {
    const now = root.getElementById(article.id)?.getBoundingClientRect();
    if (now) scrollerOf(root.host).scrollBy({ top: now.top - top, behavior: "instant" });
  };
}

/**
 * What has the focus.
 *
 * @param {ShadowRoot} root @param {HTMLElement} made  the new section
 * @returns {() => void} gives it to the same in the new section, as soon as that is there
 */
function rememberFocus(root, made) {
  const focused = /** @type {HTMLElement | null} */ (root.activeElement);
  if (!focused) return () => {};
  const article = focused.closest("article");
  const form = focused.closest("form");
  const { name = "", dataset } = /** @type {Field} */ (focused);
  const act = dataset["ripost"];
  const wanted = name ? `form [name="${name}"]` : form ? "form textarea" : act ? `[data-ripost="${act}"]` : "";
  const find = () => {
    const around = article ? root.getElementById(article.id)?.firstElementChild : childOf(made, form ? ".composer-place" : ".header");
    return /** @type {HTMLElement | null | undefined} */ (wanted ? around?.querySelector(wanted) : around?.closest("[tabindex]"));
  };
  // The form of an answer is opened by the new composer: out of sight the old one takes what is typed until then.
  const holder = article && form && make("div", { class: "said" });
  let done = false;
  const give = () => {
    const target = done || (root.activeElement && root.activeElement !== focused) ? null : find();
    if (target) {
      done = true;
      if (form) carryFields(form, target.closest("form"));
      target.focus({ preventScroll: true });
      if (name && form) /** @type {Field} */ (target).setSelectionRange(/** @type {Field} */ (focused).selectionStart, /** @type {Field} */ (focused).selectionEnd);
      holder?.remove();
    } else if (holder && !holder.isConnected && !done) {
      holder.append(form);
      made.append(holder);
      focused.focus({ preventScroll: true });
    }
  };
  const watch = new MutationObserver(() => {
    give();
    if (done) watch.disconnect();
  });
  watch.observe(root, { childList: true, subtree: true });
  setTimeout(() => {
    watch.disconnect();
    holder?.remove();
  }, WAITING);
  return give;
}
