// @ts-check
/**
 * Relative times ("3 min. ago"). Owns one timer for every <time> it was given and sleeps until the next one changes
 * its wording. Promises to forget elements that left the document; never touches a text that would stay the same.
 */

const MINUTE = 60_000; // milliseconds, as all durations here
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** [below this age, unit, its length]; older than the last is shown as a date. @type {[number, Intl.RelativeTimeFormatUnit, number][]} */
const STEPS = [[MINUTE, "second", MINUTE], [HOUR, "minute", MINUTE], [DAY, "hour", HOUR], [7 * DAY, "day", DAY]];

export class Clock {
  #relative;
  #date;
  #full;
  /** When the wording of an element changes next. @type {Map<HTMLTimeElement, number>} */
  #due = new Map();
  #timer = 0;
  /** Words stay as they are. */
  paused = false;
  #wake = Infinity;

  /** @param {string} language @param {AbortSignal} signal  ends the timer */
  constructor(language, signal) {
    this.#relative = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" });
    this.#date = new Intl.DateTimeFormat(language, { dateStyle: "medium" });
    this.#full = new Intl.DateTimeFormat(language, { dateStyle: "full", timeStyle: "short" });
    signal.addEventListener("abort", () => clearTimeout(this.#timer));
  }

  /** Word an element by its `dateTime`, now and from now on. @param {HTMLTimeElement} element */
  keep(element) {
    const at = Date.parse(element.dateTime);
    if (Number.isNaN(at)) return;
    element.title = this.#full.format(at);
    this.#word(element, at, Date.now());
    this.#sleep();
  }

  /** @param {HTMLTimeElement} element @param {number} at @param {number} now */
  #word(element, at, now) {
    const age = Math.max(0, now - at); // A client whose clock is behind must not read "in 2 minutes".
    const step = STEPS.find(([limit]) => age < limit);
    const units = step ? Math.floor(age / step[2]) : 0;
    const text = step ? this.#relative.format(units === 0 ? 0 : -units, step[1]) : this.#date.format(at);
    if (element.textContent !== text) element.textContent = text;
    if (!step) return void this.#due.delete(element);
    const due = now - age + (units + 1) * step[2];
    this.#due.set(element, due);
    this.#wake = Math.min(this.#wake, due);
  }

  #sleep() {
    clearTimeout(this.#timer);
    if (this.#wake === Infinity) return;
    // At most every 5 s, so that a busy thread's many boundaries are worded together.
    this.#timer = window.setTimeout(() => this.#tick(), Math.max(5000, this.#wake - Date.now()));
  }

  #tick() {
    const now = Date.now();
    this.#wake = Infinity;
    for (const [element, due] of this.#due) {
      if (!element.isConnected) this.#due.delete(element);
      else if (due <= now && !this.paused) this.#word(element, Date.parse(element.dateTime), now);
      else this.#wake = Math.min(this.#wake, due);
    }
    this.#sleep();
  }
}
