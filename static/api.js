// @ts-check
/**
 * Requests to the server and its errors as types. Owns how a request is made; keeps no state, knows no DOM and never
 * retries: who asked decides.
 */

/** The server said no, and why (RFC 9457). */
export class Problem extends Error {
  /** @param {number} status @param {any} body @param {number} retryAfter */
  constructor(status, body, retryAfter) {
    super(body?.detail || body?.title || `The server answered ${status}.`);
    this.name = "Problem";
    this.status = status;
    /** @type {{field: string, message: string}[]} */
    this.errors = Array.isArray(body?.errors) ? body.errors : [];
    /** Seconds to wait before trying again; 0 when not said. */
    this.retryAfter = retryAfter;
  }
}

/** No answer, or none that means anything: the request may or may not have been carried out. */
export class Unreachable extends Error {
  /** @param {string} reason */
  constructor(reason) {
    super(reason);
    this.name = "Unreachable";
  }
}

/** A request that takes longer has been lost on the way. */
const PATIENCE = 20_000; // milliseconds; a phone's worst round trip is well below

/**
 * @param {string} server  its origin
 * @param {string} path
 * @param {{method?: string, body?: unknown, token?: string | null, fresh?: boolean, signal?: AbortSignal, words?: import("./words.js").Words}} [options]
 *   fresh: past every cache; words: what a refusal is said in, where that is another language than the server's
 * @returns {Promise<any>} the answer's JSON, or null when it has no body
 * @throws {Problem} the server refused
 * @throws {Unreachable} no connection, a gateway's error, or something that is not our server
 */
export async function request(server, path, { method = "GET", body, token, fresh, signal, words } = {}) {
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (token) headers["Authorization"] = `Bearer ${token}`;
  const patience = AbortSignal.timeout(PATIENCE);
  let answer;
  let json;
  try {
    answer = await fetch(new URL(path, server), {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      cache: fresh ? "reload" : "default",
      credentials: "omit",
      signal: signal ? AbortSignal.any([signal, patience]) : patience,
    });
    const text = await answer.text();
    json = text ? JSON.parse(text) : null;
  } catch (error) {
    signal?.throwIfAborted();
    throw new Unreachable(String(error));
  }
  if (answer.ok) return json;
  // 500 and gateway errors say nothing about what happened to the request.
  if (answer.status >= 500) throw new Unreachable(`The server answered ${answer.status}.`);
  throw new Problem(answer.status, inWords(json, answer.status, words), Number(answer.headers.get("Retry-After")) || 0);
}

/** A request to the server of a thread, in its words and for as long as it is there. @param {import("./thread.js").Thread} thread @param {string} path @param {Parameters<typeof request>[2]} [options] */
export const ask = ({ server, signal, words }, path, options) => request(server, path, { ...options, signal, words });

/**
 * What the server says is exact, and English. Another language says less, but what its readers understand.
 *
 * @param {any} body @param {number} status @param {import("./words.js").Words} [words]
 */
function inWords(body, status, words) {
  const said = (/** @type {string} */ key) => (words && words(key) !== key ? words(key) : null);
  const any = said("problem");
  if (!any) return body;
  const errors = Array.isArray(body?.errors) ? body.errors : [];
  return {
    detail: said(`problem.${status}`) ?? any,
    errors: errors.map((/** @type {{field: string}} */ { field }) => ({ field, message: said(`problem.${field}`) ?? any })),
  };
}
