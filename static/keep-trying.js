// @ts-check
/** Doing something again until it works. Owns the waiting in between; knows nothing of what it repeats. */
import { backOff } from "./connection.js";

/**
 * A module that is loaded when it is needed, as something to try: under another query each time, since browsers remember a
 * module that failed to load.
 *
 * @param {string} name  as seen from here
 * @returns {(tries: number) => Promise<any>}
 */
export const loadModule = (name) => (tries) => import(tries ? `${name}?again=${tries}` : name);

/**
 * @template T
 * @param {(tries: number) => Promise<T>} attempt  gets the number of failures so far
 * @param {AbortSignal} signal  ends the repetition: the promise rejects
 * @param {() => void} failed  called after every failure
 * @returns {Promise<T>}
 */
export async function keepTrying(attempt, signal, failed) {
  for (let tries = 0; ; tries++) {
    try {
      return await attempt(tries);
    } catch {
      signal.throwIfAborted();
      failed();
      await new Promise((resolve) => setTimeout(resolve, 500 + backOff(tries)));
      signal.throwIfAborted();
    }
  }
}
