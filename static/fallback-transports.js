// @ts-check
/**
 * Hearing an article's log where WebSockets do not get through: server-sent events, else long poll. Loaded when the first
 * attempts have failed. The interface, and what it promises, is that of transports.js.
 */
import { decode } from "./decoding.js";

/** @typedef {import("./transports.js").Source} Source @typedef {import("./transports.js").Listener} Listener
 * @typedef {import("./transports.js").Link} Link */

/**
 * Server-sent events, read by fetch: EventSource would hide the status and reconnect by rules of its own.
 *
 * @param {Source} source @param {Listener} listener @returns {Link}
 */
export function openStream(source, listener) {
  return repeat(listener, async (signal) => {
    const answer = await fetch(eventsUrl(source), { headers: { Accept: "text/event-stream" }, cache: "no-store", credentials: "omit", signal });
    if (!answer.ok || !answer.body || !answer.headers.get("Content-Type")?.startsWith("text/event-stream")) return false;
    listener.opened();
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
      listener.heard();
      const blocks = (rest + chunk.value).replaceAll("\r\n", "\n").split("\n\n");
      rest = blocks.pop() ?? "";
      for (const block of blocks) {
        const lines = block.split("\n").filter((line) => line.startsWith("data:"));
        if (lines.length) decode(lines.map((line) => line.slice(5)).join("\n"), listener);
      }
    }
    return false;
  });
}

const HOLDING = 2000; // milliseconds; a refusal takes one round trip

/** Long poll: one question, answered when something has happened or after 25 s. @param {Source} source @param {Listener} listener @returns {Link} */
export function openPoll(source, listener) {
  return repeat(listener, async (signal) => {
    const asked = Date.now();
    // No news is no answer for 25 s; a server that has not refused by now is holding the question.
    const holding = setTimeout(() => signal.aborted || listener.opened(), HOLDING);
    signal.addEventListener("abort", () => clearTimeout(holding));
    const answer = await fetch(eventsUrl(source), { headers: { Accept: "application/json" }, cache: "no-store", credentials: "omit", signal }).finally(() => clearTimeout(holding));
    if (!answer.ok) return false;
    const { epoch, seq, reset, events = [] } = await answer.json();
    listener.opened();
    const { article } = source;
    if (reset) {
      listener.frame({ type: "reset", article, epoch, seq });
      return null; // Where to go on from is not known until a snapshot is there.
    }
    for (const event of events) listener.frame(event);
    listener.frame({ type: "head", article, epoch, seq });
    // A proxy that answers at once must not make us ask a hundred times a second.
    if (!events.length && Date.now() - asked < 1000) await new Promise((resolve) => setTimeout(resolve, 1000));
    return true;
  });
}

/** @param {Source} source */
function eventsUrl({ server, article, position }) {
  const { epoch, seq } = position();
  const url = new URL(`/api/articles/${article}/events`, server);
  url.search = String(new URLSearchParams({ epoch, since: String(seq) }));
  return url;
}

/**
 * Ask again and again.
 *
 * @param {Listener} listener
 * @param {(signal: AbortSignal) => Promise<boolean | null>} ask  true: again; false: the link ended; null: wait to be told
 * @returns {Link}
 */
function repeat(listener, ask) {
  let ends = new AbortController();
  const subscribe = async () => {
    ends.abort();
    ends = new AbortController();
    const { signal } = ends;
    try {
      for (let again = await ask(signal); again !== false; again = await ask(signal)) {
        if (again === null || signal.aborted) return;
      }
    } catch {
      // A link that broke ends like one that was closed.
    }
    if (!signal.aborted) listener.ended(1006);
  };
  queueMicrotask(subscribe);
  return { send: () => false, subscribe, close: () => ends.abort() };
}
