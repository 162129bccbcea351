// @ts-check
/** What a page needs where the server has rendered nothing, as one script: the first page, and what makes it. */
export { render } from "./branching.js";
export { firstPage } from "./first-page.js";
export { makeSection } from "./making.js";
