// @ts-check
/**
 * A writing form from the outside: its fields, what it says, whether it can be sent, and the identity of what is sent from
 * it. Knows nothing of threads, keeps nothing.
 *
 * @typedef {object} Writing  one form and what became of it
 * @property {HTMLFormElement} form
 * @property {string} place  where its draft is kept
 * @property {number | null} parent  the comment it answers
 * @property {number | null} edits  the comment it changes
 * @property {boolean} busy  sent, not settled: the text may not change, or a retry would be another comment
 * @property {import("../types.js").Letter | null} sent  what is on its way
 * @property {number} tries  failures so far of what is on its way
 * @property {number} timer  of the next try
 * @property {number} gone  position of the thread at which the server said that the comment is no longer there: what comes after it is heard; -1: never
 * @property {number} until  the server takes nothing from here before, in milliseconds since 1970
 * @property {boolean} refused  it was sent too early
 * @property {() => void} renew  brings up to date what the tools say
 */
import { make, setAttribute, setChild, setText } from "../elements.js";

const COUNT_FROM = 500; // characters left when the counter appears

/** @param {HTMLFormElement} form */
export const area = (form) => /** @type {HTMLTextAreaElement} */ (form.querySelector("textarea"));
/** @param {HTMLFormElement} form */
export const sendButton = (form) => /** @type {HTMLButtonElement} */ (form.querySelector("[type=submit]"));
/** @param {HTMLFormElement} form */
export const message = (form) => /** @type {HTMLElement} */ (form.querySelector(".message"));
/** Go back to writing: a preview shows only what is sent. @param {HTMLFormElement} form */
export function leavePreview(form) {
  if (area(form).hidden) /** @type {HTMLElement | null} */ (form.querySelector(".preview-button"))?.click();
}
/** Show another text. @param {HTMLFormElement} form @param {string} text */
export function put(form, text) {
  leavePreview(form);
  area(form).value = text;
}
/** The guest's name; none while a member posts. @param {HTMLFormElement} form @returns {HTMLInputElement | null} */
export const nameField = (form) => form.querySelector("input[name=name]:not([hidden])");

/** Whether it may be sent. Not `disabled`, which would drop the focus. @param {HTMLFormElement} form @param {boolean} able */
export const enable = (form, able) => setAttribute(sendButton(form), "aria-disabled", able ? null : "true");

/** @param {HTMLFormElement} form @param {string} text @param {boolean} [wrong] */
export function tell(form, text, wrong = false) {
  const place = message(form);
  setText(place, text);
  place.classList.toggle("wrong", wrong);
}

/** Say how long one has to wait: that it counts is seen; it is spoken once. @param {HTMLFormElement} form @param {string} text @param {boolean} wrong */
export function countDown(form, text, wrong) {
  const place = message(form);
  if (!place.querySelector(".seconds")) {
    place.replaceChildren(make("span", { class: "unseen" }, text), make("span", { class: "seconds", "aria-hidden": "true" }));
  }
  setText(/** @type {HTMLElement} */ (place.querySelector(".seconds")), text);
  place.classList.toggle("wrong", wrong);
}

/** Say something in passing; not in place of what stands in the way. @param {HTMLFormElement} form @param {string} text @param {boolean} [wrong] @returns {boolean} whether it was said */
export function say(form, text, wrong) {
  if (form.hasAttribute("data-blocked")) return false;
  tell(form, text, wrong);
  return true;
}

/** What is on its way cannot be changed. @param {Writing} writing @param {boolean} busy */
export function lock(writing, busy) {
  const { form } = writing;
  writing.busy = busy;
  if (!busy) Object.assign(writing, { sent: null, tries: 0 });
  for (const field of [area(form), nameField(form)]) if (field) field.readOnly = busy;
  setAttribute(form, "aria-busy", busy ? "true" : null);
  enable(form, !busy && !form.hasAttribute("data-blocked"));
}

/** Say how many characters are left, once it matters. @param {HTMLFormElement} form @param {number} most @param {import("../words.js").Words} words */
export function count(form, most, words) {
  const left = most - [...area(form).value].length;
  setChild(form, ".counter", left < COUNT_FROM, () => make("p", { class: "counter" }), message(form));
  const counter = form.querySelector(".counter");
  counter?.classList.toggle("wrong", left < 0);
  if (counter) setText(counter, left < 0 ? words("tooLong", { n: -left }) : words("left", { n: left }));
}

/** A version 4 UUID, also on pages without a secure context. */
export function makeId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (/** @type {number} */ (bytes[6]) & 0x0f) | 0x40;
  bytes[8] = (/** @type {number} */ (bytes[8]) & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** What the comment will be known by; null where the page may not hash (plain http): the answer says it too.
 * @param {string} clientId @returns {Promise<string | null>} */
export async function refOf(clientId) {
  if (!crypto.subtle) return null;
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(clientId));
  return [...new Uint8Array(digest, 0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
