// @ts-check
/** The entry: defines <ripost-thread>. The only module with a side effect. */
import { RipostThread } from "./thread-element.js";

if (!customElements.get("ripost-thread")) customElements.define("ripost-thread", RipostThread);
