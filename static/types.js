// @ts-check
/**
 * The words of the wire as types, for the type checker only: nothing here runs and nothing imports it at run time.
 * The law is CONTRACT.md; fields that a server may leave out are optional here.
 *
 * @typedef {string | [string, ...any[]]} TreeNode  text, or [tag, …children]; ["a", {href}, …children]
 * @typedef {"visible" | "pending" | "removed" | "deleted"} CommentStatus
 * @typedef {"oldest" | "newest" | "top"} Sort
 * @typedef {"live" | "catching-up" | "offline" | "paused"} LinkState
 *
 * @typedef {{language: string, words: import("./words.js").Words}} InWords
 *
 * @typedef {object} Author
 * @property {number} id
 * @property {string} name
 * @property {"guest" | "member" | "moderator" | "admin"} role
 * @property {string | null} [avatar]
 *
 * @typedef {object} Comment
 * @property {number} id
 * @property {number} article
 * @property {number | null} parent
 * @property {number} depth
 * @property {string | null} ref  first 16 hex digits of the SHA-256 of the poster's client_id
 * @property {Author | null} author
 * @property {TreeNode[] | null} tree
 * @property {string} created_at
 * @property {boolean} dated  false: imported without a time, shown without one
 * @property {string | null} edited_at
 * @property {CommentStatus} status
 * @property {number} up
 * @property {number} down
 * @property {number} replies  direct visible replies
 * @property {boolean} pinned
 *
 * @typedef {object} Limits
 * @property {number} text_max
 * @property {number} name_max
 * @property {number} edit_seconds
 *
 * @typedef {object} Article
 * @property {number} id
 * @property {string} slug
 * @property {string | null} url
 * @property {string} title
 * @property {"open" | "premoderated" | "closed"} state
 * @property {number} slow_mode_seconds
 * @property {number} comment_count
 * @property {Limits} [limits]
 *
 * @typedef {object} Viewer
 * @property {{id: number, name: string, role: string}} person
 * @property {string[]} can
 * @property {Record<string, number>} votes
 * @property {Comment[]} pending
 * @property {Limits} limits
 * @property {string} now
 *
 * @typedef {object} Page  a page of a thread, or of the replies to one comment; every page carries its own position
 * @property {Article} [article]
 * @property {string} epoch
 * @property {number} seq
 * @property {string | null} [at]
 * @property {Sort} [sort]
 * @property {Comment[]} comments  parents before their replies
 * @property {Record<string, string>} branches
 * @property {string | null} next
 * @property {Viewer | null} [viewer]
 *
 * @typedef {object} ThreadEvent  an entry of an article's log; which fields it has depends on its type
 * @property {string} type
 * @property {number | Article} article  its id; in `article.updated` the article itself
 * @property {string} epoch
 * @property {number} seq
 * @property {string} at
 * @property {Comment} [comment]
 * @property {Comment[]} [ancestors]
 * @property {number} [root]  the top-level comment that a new one stands below
 * @property {number[]} [above]  ids between that and its parent, the nearest last
 * @property {number} [id]
 * @property {number | null} [parent]
 * @property {CommentStatus} [status]
 * @property {boolean} [pinned]
 * @property {Record<string, [number, number]>} [scores]
 * @property {number} [comment_count]
 * @property {number | null} [parent_replies]
 *
 * @typedef {object} Identity  a person this browser may post as
 * @property {number} id
 * @property {string} name
 * @property {string} token
 *
 * @typedef {object} Visit  how an article was left
 * @property {string} epoch
 * @property {number} seq  all before this had been shown
 * @property {number[]} left  ids of comments that were still unread
 * @property {number[]} own  ids of the reader's comments, as far as they were seen
 *
 * @typedef {object} Draft  what is being written at one place
 * @property {string} text
 * @property {string} [name]
 * @property {number} [at]  when it was last changed, in milliseconds since 1970
 * @property {boolean} [away]  its form was closed over it: it opens when that is asked for
 *
 * @typedef {object} Letter  what was sent from one place, from the press of the button until an answer that settles it
 * @property {string} text
 * @property {string} [name]
 * @property {string} client_id  made when it is first sent; kept for every retry
 * @property {number} at  when that was, in milliseconds since 1970
 * @property {boolean} [settled]  the server has it; said to the other windows before it is gone
 */
export {};
