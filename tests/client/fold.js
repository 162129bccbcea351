// @ts-check
/**
 * The page's own reducer for other programs: reads JSON lines `{"snapshot": page, "events": [event…], "pages"?: [[page, branch]…]}`
 * from standard input and prints, for each, the page that the state amounts to afterwards, with `gap` and `reset` if an
 * event was refused. The Python suite compares it with a fresh snapshot.
 */
import { createInterface } from "node:readline";
import { toSnapshot } from "../../static/thread-snapshot.js";
import { addPage } from "../../static/thread-pages.js";
import { applyEvent, makeState } from "../../static/thread-state.js";

for await (const line of createInterface({ input: process.stdin })) {
  if (!line.trim()) continue;
  const { snapshot, events = [], pages = [] } = JSON.parse(line);
  const state = makeState(snapshot);
  let gap = false;
  let reset = false;
  for (const event of events) {
    const outcome = applyEvent(state, event);
    gap ||= outcome.gap;
    reset ||= outcome.reset;
  }
  for (const [page, branch] of pages) addPage(state, page, branch ?? null);
  process.stdout.write(`${JSON.stringify({ ...toSnapshot(state), gap, reset })}\n`);
}
