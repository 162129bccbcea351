// @ts-check
/**
 * Keeps a form clear of the keyboard that a phone lays over the page: where the browser says how much it covers (the
 * visual viewport), the line with the button to send comes into view together with what is typed. Never moves a page whose
 * form can be seen.
 */

const ROOM = 12; // pixels between the form and what covers the page

/** @param {ShadowRoot} root @param {AbortSignal} signal */
export function keepClear(root, signal) {
  const viewport = window.visualViewport;
  if (!viewport) return;
  const measure = () => {
    const covered = Math.max(0, window.innerHeight - viewport.height - viewport.offsetTop);
    const section = /** @type {HTMLElement | null} */ (root.querySelector(".thread"));
    section?.style.setProperty("--covered", `${Math.round(covered)}px`);
  };
  const look = () => {
    measure();
    const focused = root.activeElement;
    const form = focused?.closest("form");
    if (!form || viewport.scale > 1.01) return; // who has zoomed in looks where they want
    const end = form.getBoundingClientRect().bottom + ROOM - (viewport.offsetTop + viewport.height);
    // Never so far that the field itself leaves at the top.
    const most = focused ? focused.getBoundingClientRect().top - viewport.offsetTop - ROOM : 0;
    const by = Math.min(end, most);
    if (by > 1) window.scrollBy({ top: by, behavior: "instant" });
  };
  viewport.addEventListener("resize", look, { signal });
  viewport.addEventListener("scroll", measure, { signal });
  root.addEventListener("focusin", () => requestAnimationFrame(look), { signal });
  look();
}
