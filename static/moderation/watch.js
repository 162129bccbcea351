// @ts-check
/**
 * The moderation channel: says that something entered or left the queue. Owns a socket of its own, since few people have
 * one, and comes back with back-off until its signal ends. Promises a word after every (re)connection, so that whoever
 * listens reads the queue anew and misses nothing, and after the last, when the right to listen has ended; carries ids only.
 */
import { backOff, isTerminal } from "../connection.js";

const SILENCE = 40_000; // milliseconds; the server says something every 25 s

/**
 * @param {string} server  its origin @param {string} token @param {(frame: {type: string, id?: number}) => void} hear
 * @param {AbortSignal} signal
 */
export function watchQueue(server, token, hear, signal) {
  let tries = 0;
  let timer = 0;
  /** @type {WebSocket | null} */
  let socket = null;

  const open = () => {
    if (signal.aborted) return;
    const address = new URL("/live", server);
    address.protocol = address.protocol.replace("http", "ws");
    const one = (socket = new WebSocket(address));
    const quiet = () => {
      clearTimeout(timer);
      timer = window.setTimeout(() => one.close(), SILENCE);
    };
    one.addEventListener("open", () => {
      one.send(JSON.stringify({ type: "subscribe", channel: "moderation", token }));
      quiet();
    });
    one.addEventListener("message", ({ data }) => {
      quiet();
      const frame = JSON.parse(String(data));
      if (frame.type === "subscribed") tries = 0;
      // The right ended, or the token: asking again would only say so again.
      const over = frame.type === "unsubscribed" || (frame.type === "error" && frame.problem?.status < 500);
      if (over) end();
      if (over || ["subscribed", "reset", "queue.entered", "queue.left"].includes(frame.type)) hear(frame);
    });
    one.addEventListener("close", ({ code }) => {
      clearTimeout(timer);
      if (!signal.aborted && socket === one && !isTerminal(code)) timer = window.setTimeout(open, 500 + backOff(tries++));
    });
  };
  const end = () => {
    const last = socket;
    socket = null;
    clearTimeout(timer);
    last?.close();
  };
  signal.addEventListener("abort", end);
  open();
}
