// @ts-check
/**
 * Three ways to hear an article's log, all with one small interface: WebSocket here, server-sent events and long poll in
 * fallback-transports.js, which is loaded where WebSockets do not get through. Each owns one attempt at one link: it
 * opens, hands over frames in order, and ends exactly once. None of them retries, keeps a position or knows what a frame
 * means; connection.js does.
 *
 * @typedef {object} Source  what to listen to
 * @property {string} server  its origin
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
import { decode } from "./decoding.js";

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

/** What a less able transport is loaded for. @param {"openStream" | "openPoll"} name @returns {typeof openSocket} */
const later = (name) => (source, listener) => {
  /** @type {Link | null} */
  let link = null;
  let closed = false;
  import("./fallback-transports.js").then(
    (fallbacks) => closed || (link = fallbacks[name](source, listener)),
    () => closed || listener.ended(1006),
  );
  return {
    send: () => false,
    subscribe: () => link?.subscribe(),
    close() {
      closed = true;
      link?.close();
    },
  };
};

export const openStream = later("openStream");
export const openPoll = later("openPoll");
