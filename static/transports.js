// @ts-check
/**
 * Three ways to hear an article's log, all with one small interface: WebSocket, server-sent events, long poll. Each owns
 * one attempt at one link: it opens, hands over frames in order, and ends exactly once. None of them retries, keeps a
 * position or knows what a frame means; connection.js does.
 *
 * @typedef {object} Source  what to listen to
 * @property {URL} server
 * @property {number} article
 * @property {() => {epoch: string, seq: number, at: string | null}} position  asked whenever a subscription begins
 *
 * @typedef {object} Listener
 * @property {() => void} opened  the server answers
 * @property {(frame: any) => void} frame
 * @property {() => void} heard  bytes that carry no frame, such as a keep-alive
 * @property {(code: number) => void} ended  a WebSocket close code; 1006 where there is none. Not called after close()
 *
 * @typedef {object} Link
 * @property {(frame: object) => boolean} send  false where this kind of link cannot send
 * @property {() => void} subscribe  begin (again) from the present position
 * @property {() => void} close
 */

/** @param {Source} source @param {Listener} listener @returns {Link} */
export function openSocket(source, listener) {
  const url = new URL("/live", source.server);
  url.protocol = url.protocol.replace("http", "ws");
  const socket = new WebSocket(url);
  const ends = new AbortController();
  const { signal } = ends;
  const send = (/** @type {object} */ frame) => {
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame));
    return true;
  };
  const { article } = source;
  // Subscribing again moves the position.
  const subscribe = () => {
    const { epoch, seq, at } = source.position();
    send({ type: "subscribe", article, epoch, since: seq, ...(at ? { at } : {}) });
  };
  socket.addEventListener("open", () => (listener.opened(), subscribe()), { signal });
  socket.addEventListener("message", ({ data }) => decode(data, listener), { signal });
  socket.addEventListener("close", ({ code }) => listener.ended(code), { signal });
  const close = () => {
    ends.abort();
    socket.close();
  };
  return { send, subscribe, close };
}

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

/** @param {string} text @param {Listener} listener */
function decode(text, listener) {
  let frame;
  try {
    frame = JSON.parse(text);
  } catch {
    return listener.heard(); // Not ours; a broken frame shows as a gap in `seq`.
  }
  // Batches are frames side by side or in a list.
  for (const one of Array.isArray(frame) ? frame : [frame]) listener.frame(one);
}
