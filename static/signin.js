// @ts-check
/**
 * The sign-in page: takes a one-time token from the address's fragment (which no server sees) or from what is pasted,
 * exchanges it for a session, and remembers that as the person this browser writes as. Never puts a token into an
 * address, and takes the one it was opened with out of the history at once.
 */
import { Problem, request } from "./api.js";
import { BrowserStore } from "./browser-store.js";
import { addIdentity } from "./remembering.js";

const form = /** @type {HTMLFormElement} */ (document.getElementById("sign-in"));
const field = /** @type {HTMLInputElement} */ (form.elements.namedItem("link"));
const button = /** @type {HTMLButtonElement} */ (form.querySelector("button"));
const status = /** @type {HTMLElement} */ (document.getElementById("sign-in-status"));

form.addEventListener("submit", (event) => {
  event.preventDefault();
  void signIn(tokenIn(field.value));
});
window.addEventListener("hashchange", begin);
begin();

/** Sign in with the link that led here, if one did. */
function begin() {
  const token = tokenIn(location.hash);
  if (!token) return void field.focus();
  history.replaceState(null, "", location.pathname);
  field.value = token;
  void signIn(token);
}

/** The token in a link, or in what was copied of it. @param {string} text */
function tokenIn(text) {
  return text.slice(text.indexOf("#") + 1).trim();
}

/** @param {string} token */
async function signIn(token) {
  if (!token || button.disabled) return;
  button.disabled = true;
  say(words("busy"));
  try {
    const { token: session, person } = await request(location.origin, "/api/sessions", { method: "POST", body: { link: token } });
    addIdentity(new BrowserStore(location.origin), { id: person.id, name: person.name, token: session });
    say(words("done").replace("{name}", person.name));
    location.replace("/");
  } catch (error) {
    button.disabled = false;
    // A link that is no longer good stays so; what did not arrive, or came too soon, may be sent again.
    const spent = error instanceof Problem && isSpent(error);
    if (spent) field.value = "";
    say(error instanceof Problem ? sentence(error) : words("away"), true);
    (spent ? field : button).focus();
  }
}

/** What the page says, in its language. @param {string} key */
function words(key) {
  return form.dataset[key] ?? "";
}

/** Whether the link itself was refused. @param {Problem} problem */
function isSpent({ status: code }) {
  return code === 401 || code === 422;
}

/** @param {Problem} problem */
function sentence(problem) {
  if (isSpent(problem)) return words("used");
  if (problem.status === 429) return words("many");
  return problem.message;
}

/** @param {string} text @param {boolean} [wrong] */
function say(text, wrong = false) {
  status.textContent = text;
  status.toggleAttribute("data-wrong", wrong);
}
