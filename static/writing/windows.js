// @ts-check
/**
 * The same draft in several windows of one person. What is typed in one shows in those that are not being typed in; what
 * was sent from one is gone from all that hold just that, so that nobody sends it again from another. Never takes away
 * words that were not sent, and owns none: drafts.js keeps them.
 */
import { keep, keyOf } from "./drafts.js";
import { area, nameField, put } from "./form.js";

/**
 * @param {import("../browser-store.js").BrowserStore} store
 * @param {() => Iterable<import("./form.js").Writing>} writings
 * @param {(writing: import("./form.js").Writing) => void} sent  another window has sent what this form holds
 * @param {AbortSignal} signal
 */
export function followOtherWindows(store, writings, sent, signal) {
  window.addEventListener("storage", ({ key, newValue }) => {
    for (const writing of writings()) {
      const { form, place, busy } = writing;
      const own = store.identitiesKey.replace(/identities$/, keyOf(place));
      // A form that sends by itself learns from the server; to send the same twice does no harm.
      if (busy || !key?.startsWith(own)) continue;
      const { text = "", name = "", settled = false, away = false } = read(newValue);
      if (key.startsWith(`${own}:`)) {
        if (settled && text === area(form).value) sent(writing);
      } else if (key === own && text && text !== area(form).value && !(document.hasFocus() && form.matches(":focus-within"))) {
        put(form, text);
        const field = nameField(form);
        if (field) field.value ||= name;
      }
      if (key === own && away) keep(store, place, area(form).value, nameField(form)?.value); // closed there, but not here
    }
  }, { signal });
}

/** @param {string | null} value  a draft or a letter as it is kept @returns {Partial<import("../types.js").Draft & import("../types.js").Letter>} */
function read(value) {
  try {
    return JSON.parse(value ?? "null") ?? {};
  } catch {
    return {};
  }
}
