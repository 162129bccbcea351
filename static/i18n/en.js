// @ts-check
/**
 * What a reader's page says, in English. Parts that are loaded on demand add their own words to it (addEnglish). Other
 * languages stand beside this file as JSON with all of these keys; i18n/more-en.js and its JSON tables are apart. A value
 * is a text with {places}, or a table of texts by plural category (Intl.PluralRules) of the value `n`.
 *
 * @type {Record<string, string | Record<string, string>>}
 */
export const english = {
  comments: { one: "{n} comment", other: "{n} comments" },
  discussion: "Discussion",
  reply: "Reply",
  replyTo: "Reply to {name}",
  repliesTo: "Replies to {name}",
  replies: "Replies",
  showReplies: { one: "Show {n} reply", other: "Show {n} replies" },
  moreReplies: "More replies",
  moreComments: "More comments",
  loading: "Loading…",
  edited: "edited",
  pinned: "Pinned",
  removed: "Removed by a moderator",
  pending: "Waiting for a moderator. Only you can see it.",
  replyingTo: "replying to",
  aRemovedComment: "a removed comment",
  empty: "No comments yet. Yours could be the first.",
  closed: "This discussion is closed.",
  premoderated: "New comments wait for a moderator.",
  newComments: { one: "{n} new comment", other: "{n} new comments" },
  newReplies: { one: "{n} new", other: "{n} new" },
  goToNew: "Go to the new comments",
  edit: "Edit",
  delete: "Delete",
  up: "Good, by {name}: {n}",
  down: "Bad, by {name}: {n}",
  options: "More about the comment by {name}",
  live: "Live",
  catchingUp: "Catching up…",
  offline: "Not connected. New comments will appear when the connection is back.",
  stopped: "The live connection was refused. Reload the page to try again.",
  unreachable: "The discussion could not be loaded.",
  tryAgain: "Try again",
  cancel: "Cancel",
  waiting: "Not sent yet: the server cannot be reached. Your text is kept and will be sent.",
  failed: "That did not work: {reason}",
};
