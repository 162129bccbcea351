// @ts-check
/**
 * The same draft in several windows of one person. What is typed in one shows in those that are not being typed in; what
 * was sent from one is gone from all, so that nobody sends it again from another. Owns no draft; the store has them.
 */
import { area, nameField } from "./form.js";

/**
 * @param {import("../browser-store.js").BrowserStore} store
 * @param {() => Iterable<import("./form.js").Writing>} writings
 * @param {(writing: import("./form.js").Writing) => void} sent  another window has sent what this form holds
 * @param {AbortSignal} signal
 */
export function followOtherWindows(store, writings, sent, signal) {
  window.addEventListener("storage", ({ key, oldValue, newValue }) => {
    for (const writing of writings()) {
      const { form, place, busy } = writing;
      // A form that sends by itself learns from the server; to send the same twice does no harm.
      if (busy || key !== store.identitiesKey.replace(/identities$/, `draft:${place}`)) continue;
      const before = textOf(oldValue);
      const text = area(form);
      const now = textOf(newValue);
      if (!now && before && text.value === before) sent(writing);
      else if (now && now !== text.value && !(document.hasFocus() && form.matches(":focus-within"))) {
        text.value = now;
        const name = nameField(form);
        if (name) name.value ||= store.draft(place)?.name ?? "";
      }
    }
  }, { signal });
}

/** @param {string | null} value  a draft as it is kept */
function textOf(value) {
  try {
    return String(JSON.parse(value ?? "null")?.text ?? "");
  } catch {
    return "";
  }
}
