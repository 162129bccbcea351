// @ts-check
/**
 * Comment counts for front pages: fills every element that has `data-ripost-count`, and keeps them live over one
 * connection. Owns those elements' text and nothing else of the page; stands alone, loads nothing and lets go of the
 * connection while nobody looks. A place whose count is not known keeps the text it has.
 */

const SERVER = new URL(import.meta.url).origin;
const MOST = 200; // articles a connection watches, or a request asks for
const LONGEST = 6000; // characters of a query; proxies refuse longer addresses
const MINUTE = 60_000; // milliseconds: a hidden page lets go after one, and a silent connection is asked after one
const FAILURES = 10; // requests after which a page whose origin is not allowed gives up

/** What places ask for, an id or an address, and the id of the article that it turned out to be. @type {Map<string, string | undefined>} */
const ids = new Map();
/** By id, or by the address of a page that has no article yet. @type {Map<string, number>} */
const counts = new Map();
/** @type {WebSocket | null} */
let socket = null;
let heard = true; // the connection has said something since it was asked
let tries = 0; // failures in a row; Infinity: the server does not want us back
let hint = 0; // milliseconds the server asked us to wait before coming back
let retry = 0;
let sleep = 0;
let planned = 0;

/** @param {HTMLElement} place @returns {string} an id, or an address without its fragment; empty if it is none */
function askedBy(place) {
  const said = place.dataset["ripostCount"] || /** @type {HTMLAnchorElement | null} */ (place.closest("a[href]"))?.href || location.href;
  try {
    return /^\d+$/.test(said) ? said : new URL(said, document.baseURI).href.replace(/#.*/, "");
  } catch {
    return "";
  }
}

/** @param {HTMLElement} place @param {number} n @param {string} [language] */
function worded({ dataset }, n, language) {
  const form = (n ? null : dataset["zero"]) ?? dataset[new Intl.PluralRules(language).select(n)] ?? dataset["other"] ?? "{n}";
  return form.replace("{n}", new Intl.NumberFormat(language).format(n));
}

/** @param {HTMLElement} place @param {number} n */
function fill(place, n) {
  let text;
  try {
    text = worded(place, n, /** @type {HTMLElement | null} */ (place.closest("[lang]"))?.lang || undefined);
  } catch {
    text = worded(place, n); // a `lang` that is no language
  }
  if (place.textContent !== text) place.textContent = text;
}

/** Look at the page: fill what is known, ask for what is not. @param {boolean} [anew]  also for pages that had no article */
function look(anew) {
  clearTimeout(planned);
  planned = 0;
  const wanted = /** @type {Set<string>} */ (new Set());
  for (const place of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-ripost-count]"))) {
    const asked = askedBy(place);
    const n = counts.get(ids.get(asked) ?? asked);
    if (n !== undefined) fill(place, n);
    if (asked && (anew ? !ids.get(asked) : !ids.has(asked))) wanted.add(asked);
  }
  if (wanted.size) void ask([...wanted]);
  else connect();
}

/** @param {string[]} wanted */
async function ask(wanted) {
  let query = "";
  const rest = wanted.filter((one, at) => {
    const id = /^\d/.test(one);
    if (at >= MOST || query.length > LONGEST) return true;
    query += `&${id ? "id" : "url"}=${encodeURIComponent(one)}`;
    ids.set(one, id ? one : undefined);
    return false;
  });
  try {
    const answer = await fetch(`${SERVER}/api/counts?${query.slice(1)}`, { credentials: "omit" });
    if (!answer.ok) throw answer;
    const { counts: found, articles } = await answer.json();
    for (const url in articles) ids.set(url, `${articles[url]}`);
    for (const one in found) counts.set(ids.get(one) ?? one, found[one]);
  } catch {
    if (tries < FAILURES) setTimeout(look, patience(), true);
  }
  if (rest.length) return void ask(rest);
  watch();
  look();
}

/** Full jitter: the readers of a server that restarts do not come back together. */
const patience = () => 100 + Math.random() * Math.min(20_000, 500 * 2 ** tries++);

/** Watch the articles of the page over the connection that is there. */
function watch() {
  const known = [...new Set(ids.values())].filter(Boolean).slice(0, MOST).map(Number);
  if (known.length && socket?.readyState === 1) socket.send(JSON.stringify({ type: "subscribe", counts: known }));
}

function connect() {
  if (socket || retry || document.hidden || tries === Infinity || ![...ids.values()].some(Boolean)) return;
  const mine = (socket = new WebSocket(`${SERVER.replace("http", "ws")}/live`));
  heard = true;
  mine.onopen = () => {
    watch();
    if (tries) look(true);
  };
  mine.onmessage = ({ data }) => {
    heard = true;
    for (const frame of [JSON.parse(data)].flat()) {
      if (frame.type === "counts") for (const id in frame.counts) counts.set(id, frame.counts[id]);
      else if (frame.type === "reconnect") hint = frame.in_ms;
      else if (frame.type === "error") mine.close();
    }
    look();
  };
  mine.onclose = ({ code }) => {
    if (mine !== socket) return;
    drop();
    if (code >= 4500 && code < 5000) tries = Infinity;
    else retry = window.setTimeout(() => ((retry = 0), connect()), hint || patience());
    hint = 0;
  };
}

function drop() {
  const open = socket;
  socket = null;
  clearTimeout(retry);
  retry = 0;
  open?.close();
}

/** The page is looked at again, or no more. */
function turn() {
  clearTimeout(sleep);
  if (document.hidden) sleep = window.setTimeout(drop, MINUTE);
  else if (!socket) {
    drop();
    look(true);
  }
}

// One that has held for a minute forgets its failures; one that was asked and said nothing is dead.
setInterval(() => {
  if (!socket) return;
  if (heard) tries = 0;
  else drop();
  heard = false;
  if (socket) socket.send('{"type":"ping"}');
  else connect();
}, MINUTE);
document.addEventListener("visibilitychange", turn);
addEventListener("online", () => (drop(), turn()));
addEventListener("pageshow", ({ persisted }) => persisted && turn());
addEventListener("pagehide", drop); // an open connection would keep the page out of the back-forward cache
new MutationObserver(() => (planned ||= window.setTimeout(look, 100))).observe(document, { subtree: true, childList: true, attributeFilter: ["data-ripost-count"] });
look();
