// @ts-check
/**
 * What is said to somebody who writes, in English: loaded with the composer.
 *
 * @type {Record<string, string | Record<string, string>>}
 */
export const writingWords = {
  closedDraft: "This discussion was closed while you were writing. Your text is kept here.",
  postingAs: "Posting as {name}",
  postingClosed: "Posting as {name}. For readers this discussion is closed.",
  postReply: "Post reply",
  save: "Save",
  sending: "Sending…",
  sent: "Posted.",
  held: "Thank you. A moderator will look at it first.",
  sendNow: "Send now",
  expired: "Your sign-in has expired. Your text is kept: you can post it as a guest.",
  slowDown: { one: "You can post again in {n} second.", other: "You can post again in {n} seconds." },
  needText: "Write something first.",
  needName: "Please give a name.",
  left: { one: "{n} character left", other: "{n} characters left" },
  tooLong: { one: "{n} character too many", other: "{n} characters too many" },
  removedParent: "The comment you are replying to was removed. Your text is kept.",
  moveOut: "Make it a comment of its own",
  sureDelete: "Delete this comment?",
  keep: "Keep it",
};
