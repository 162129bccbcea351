// @ts-check
/**
 * The live connection of one thread. Owns the link, its state (live, catching up, offline) and when to try again: full
 * jitter, at once when the tab, the network or the laptop comes back. Falls back from WebSocket to server-sent events
 * to long poll. Promises that what it hands over resumes from the position it was told; never changes the thread itself.
 */
import { openPoll, openSocket, openStream } from "./transports.js";

/** @typedef {import("./types.js").LinkState} LinkState @typedef {import("./transports.js").Link} Link */

const SILENCE = 40_000; // milliseconds; the server says something every 25 s, so this is a dead link
const ANSWER = 4000; // milliseconds a ping may take after the tab came back before the link counts as dead
const OPENING = 10_000; // milliseconds until an attempt that does nothing is given up
const HIDDEN = 60_000; // milliseconds in a tab that nobody looks at until only counts are heard
const MISSED = 20; // events in such a tab after which that is done at once: some 12 KB
const FAR = 2000; // events behind after which a snapshot costs less than all that was missed: some 1.2 MB
const STEADY = 5000; // milliseconds a link must hold before its failures are forgotten

/**
 * How long to wait before try number `tries` (0 is the first): full jitter, so that ten thousand readers of a server that
 * restarts do not come back together (AWS Architecture Blog, "Exponential Backoff And Jitter").
 *
 * @param {number} tries @param {() => number} [random]
 * @returns {number} milliseconds, at most 20 s
 */
export function backOff(tries, random = Math.random) {
  return Math.min(20_000, random() * 500 * 2 ** Math.min(tries, 16));
}

const TRANSPORTS = [openSocket, openStream, openPoll];

/**
 * Which transport to use after `failures` attempts in a row: what worked last gets two chances, then each has a turn.
 *
 * @param {number} failures @param {typeof openSocket} last
 */
export function chooseTransport(failures, last) {
  const turn = TRANSPORTS.indexOf(last) + Math.max(0, failures - 1);
  return TRANSPORTS[turn % TRANSPORTS.length] ?? openSocket;
}

/** Close codes 4500-4999 mean: do not come back. @param {number} code */
export const isTerminal = (code) => code >= 4500 && code <= 4999;

export class Connection {
  #options;
  /** @type {Link | null} */
  #link = null;
  #open = false; // the server answers on #link
  #resetting = false; // a snapshot is being loaded; frames until the next subscription are of the old history
  #awaiting = false; // a subscription was asked for on an open link and has not been confirmed
  #stopped = false; // for good: the server said so
  #tries = 0; // attempts since the last steady link
  #failures = 0; // attempts since the last link that opened
  #worked = openSocket; // the transport that opened last
  #socketWorked = false;
  #head = 0; // the highest position the server spoke of
  #heard = 0; // when the link last said anything
  #hint = -1; // milliseconds the server asked us to wait before coming back
  #retry = 0;
  #watch = 0;
  #steady = 0;
  #sleep = 0;
  #missed = 0; // events, then comments, since the tab was last looked at
  #paused = false;
  #resting = false; // hears how many comments there are, and nothing else
  /** What was said last. @type {LinkState | null} */
  #state = "offline";

  /**
   * @param {object} options
   * @param {string} options.server  its origin
   * @param {number} options.article
   * @param {() => {epoch: string, seq: number, at: string | null, article: {comment_count: number}}} options.position
   * @param {(event: any) => boolean} options.event  take an event; false: one before it is missing
   * @param {() => Promise<void>} options.reset  load a snapshot; resolves when `position` speaks of it
   * @param {(state: LinkState, stopped: boolean) => void} options.status
   * @param {() => string | null} options.token  of a reader who waits for a decision about their own comment
   * @param {(frame: any) => void} options.personal  what is in no article's log: what concerns that reader alone, who is here, counts
   * @param {AbortSignal} options.signal  ends everything
   */
  constructor(options) {
    this.#options = options;
    const { signal } = options;
    const recheck = () => {
      clearTimeout(this.#sleep);
      if (document.hidden) this.#sleep = window.setTimeout(() => this.#rest(), HIDDEN);
      else {
        if (!this.#link) this.#state = null; // said anew, now that somebody looks
        this.recheck();
      }
      this.#missed = 0;
    };
    document.addEventListener("visibilitychange", recheck, { signal });
    for (const name of ["online", "offline", "pageshow", "focus"]) window.addEventListener(name, recheck, { signal });
    // An open socket would keep the page out of the back-forward cache.
    window.addEventListener("pagehide", () => this.#close(), { signal });
    signal.addEventListener("abort", () => (clearTimeout(this.#sleep), this.#close()));
    this.#connect();
    if (document.hidden) recheck(); // opened in the background
  }

  /** Something may have changed (the tab is looked at, the network is back): be sure of the link, or connect at once. */
  recheck() {
    if (this.#stopped || this.#paused || this.#options.signal.aborted) return;
    const heard = Date.now() - this.#heard < ANSWER;
    if (this.#resting && heard) {
      this.#resting = false;
      this.tell({ type: "unsubscribe", counts: true });
      this.#watchSilence(SILENCE);
      return this.#missed > FAR ? void this.#reset() : this.resubscribe();
    }
    // A restart may have made us take a lesser transport; the tab coming back is a good moment for the best one.
    if (this.#socketWorked && this.#open && this.#worked !== openSocket) this.#worked = openSocket;
    else if (this.#link && !this.#resting && (!this.#open || heard || this.#ping())) return;
    this.#connect();
  }

  /** Ask the link whether it lives. @returns {boolean} false on a link that cannot be asked */
  #ping() {
    const asked = Date.now();
    if (!this.#link?.send({ type: "ping" })) return false;
    this.#expect(ANSWER, () => this.#heard < asked);
    return true;
  }

  /** Nobody looks: hear no more than counts, on the same link where it can be told so. */
  #rest() {
    const { article } = this.#options;
    if (this.#resting) return;
    if (!this.#open || !this.#link?.send({ type: "unsubscribe", article })) return this.#close();
    this.#resting = true;
    clearTimeout(this.#watch); // it may be silent for long
    this.tell({ type: "subscribe", counts: [article] });
  }

  /** Hear what concerns this reader alone, where there is something to wait for. */
  listenPersonally() {
    const token = this.#options.token();
    if (token && this.#open) this.#link?.send({ type: "subscribe", channel: "me", token });
  }

  /** Tell the server something that needs no answer. @param {object} frame */
  tell(frame) {
    if (this.#open) this.#link?.send(frame);
  }

  /** Let the link go for as long as the reader wants, or come back and catch up. @param {boolean} paused */
  pause(paused) {
    this.#paused = paused;
    if (paused) this.#close();
    else this.recheck();
  }

  /** Begin again from the present position on the same link: an event is missing. */
  resubscribe() {
    if (!this.#open || this.#awaiting) return;
    this.#awaiting = true;
    this.#link?.subscribe();
    this.#tell();
  }

  #connect() {
    clearTimeout(this.#retry);
    this.#close();
    const open = chooseTransport(this.#failures, this.#worked);
    let mine = true; // A link that was given up may not speak any more.
    const current = (/** @type {() => void} */ act) => mine && act();
    this.#awaiting = this.#resetting = false;
    const link = open(this.#options, {
      opened: () => current(() => this.#opened(open)),
      heard: () => current(() => (this.#heard = Date.now())),
      frame: (frame) => current(() => this.#frame(frame)),
      ended: (code) => current(() => this.#lost(code)),
    });
    this.#link = { ...link, close: () => ((mine = false), link.close()) };
    this.#heard = Date.now();
    this.#expect(OPENING, () => !this.#open);
  }

  /** @param {typeof openSocket} open */
  #opened(open) {
    this.#open = true;
    this.#heard = Date.now();
    this.#failures = 0;
    this.#hint = -1;
    this.#awaiting = open === openSocket; // `subscribed` will say where the head is
    this.#socketWorked ||= this.#awaiting;
    this.#worked = open;
    clearTimeout(this.#steady);
    this.#steady = window.setTimeout(() => (this.#tries = 0), STEADY);
    this.#watchSilence(SILENCE);
    this.listenPersonally();
    this.#tell();
  }

  /** Look after `wait` whether the link is dead; go on looking while it lives. @param {number} wait @param {() => boolean} dead */
  #expect(wait, dead) {
    clearTimeout(this.#watch);
    this.#watch = window.setTimeout(() => {
      if (dead()) this.#lost(1006);
      else this.#watchSilence(Math.max(1000, this.#heard + SILENCE - Date.now()));
    }, wait);
  }

  /** @param {number} wait */
  #watchSilence(wait) {
    this.#expect(wait, () => Date.now() - this.#heard >= SILENCE);
  }

  /** @param {any} frame */
  #frame(frame) {
    this.#heard = Date.now();
    // In `article.updated` the article stands where other frames have its id.
    const article = frame.article?.id ?? frame.article;
    if (article !== undefined && article !== this.#options.article) return;
    const { epoch, seq, article: { comment_count } } = this.#options.position();
    if (frame.counts) this.#missed = frame.counts[this.#options.article] - comment_count;
    if (frame.channel || /^(presence|counts)$/.test(frame.type)) return this.#options.personal(frame);
    if (frame.type === "subscribed") {
      this.#awaiting = false;
      this.#head = frame.seq;
      this.#options.personal(frame); // who is here; nobody is known to write
      if (frame.seq - seq > FAR) {
        this.tell({ type: "unsubscribe", article });
        return void this.#reset();
      }
    } else if (frame.type === "reset") return void this.#reset();
    else if (frame.type === "head") {
      this.#head = frame.seq;
      if (frame.epoch !== epoch) return void this.#reset();
      if (frame.seq > seq) this.resubscribe();
    } else if (frame.type === "error" && this.#awaiting && frame.problem?.status !== 401) return this.#lost(1006); // not subscribed
    else if (frame.type === "reconnect") this.#hint = Number(frame.in_ms) || 0;
    else if (typeof frame.seq === "number" && !this.#resetting && !this.#awaiting) {
      if (frame.epoch !== epoch) return void this.#reset();
      this.#head = Math.max(this.#head, frame.seq);
      if (!this.#options.event(frame)) this.resubscribe();
      // It resumes from its position when it is looked at; until then it costs nobody anything.
      if (document.hidden && ++this.#missed > MISSED) this.#rest();
    }
    this.#tell();
  }

  async #reset() {
    if (this.#resetting) return;
    this.#resetting = true;
    this.#tell();
    const link = this.#link;
    try {
      await this.#options.reset();
    } catch {
      if (link === this.#link) this.#lost(1006);
      return;
    }
    if (link !== this.#link) return;
    this.#resetting = false;
    this.#head = 0;
    this.resubscribe();
  }

  /** @param {number} code */
  #lost(code) {
    this.#close();
    if (this.#options.signal.aborted) return;
    this.#stopped = isTerminal(code);
    // Nobody looks: it is taken up again when somebody does.
    if (!this.#stopped && !document.hidden) {
      const wait = this.#hint >= 0 ? this.#hint : backOff(this.#tries++);
      this.#failures++;
      this.#hint = -1;
      this.#retry = window.setTimeout(() => this.#connect(), wait);
    }
    this.#tell();
  }

  #close() {
    for (const timer of [this.#retry, this.#watch, this.#steady]) clearTimeout(timer);
    this.#link?.close();
    this.#link = null;
    this.#options.personal({ readers: 0 }); // nobody can tell
    this.#open = this.#resting = false;
    this.#tell();
  }

  #tell() {
    const behind = this.#awaiting || this.#resetting || this.#options.position().seq < this.#head;
    const state = this.#paused ? "paused" : !this.#open ? "offline" : behind ? "catching-up" : "live";
    if (state === this.#state && !this.#stopped) return;
    this.#state = state;
    this.#options.status(state, this.#stopped);
  }
}
