// @ts-check
/** How deep replies stand inside each other. What makes comments and what moves them agree on it. */

/** Levels of nesting; deeper replies stand flat in the container of the last. */
export const LEVELS = 6;
/** Replies deeper than this say whom they answer (on a phone, where indenting stops at 3; wider screens hide it until 6). */
export const CONTEXT = 3;
