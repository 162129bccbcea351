// @ts-check
/**
 * <ripost-thread>: attributes in, one open discussion out. Owns the element's life: starts a Thread when it is on a page,
 * ends it when it is taken away, has it made anew when an attribute says something else (renewing.js, where somebody reads
 * or writes already). Never keeps state of its own; the attributes are the state.
 */
import { Thread } from "./thread.js";

export class RipostThread extends HTMLElement {
  static observedAttributes = ["article", "article-url", "server", "sort", "lang", "token"];

  /** @type {AbortController | null} */
  #ends = null;
  /** @type {Thread | undefined} */
  #thread;
  #planned = false;

  connectedCallback() {
    this.#plan();
  }

  disconnectedCallback() {
    this.#end();
  }

  attributeChangedCallback() {
    if (this.#ends) this.#plan();
  }

  /** Attributes come one by one; begin once, when they are all there. */
  #plan() {
    if (this.#planned) return;
    this.#planned = true;
    queueMicrotask(async () => {
      // Whoever reads or writes goes on until there is something new.
      const words = this.#thread?.view && (await this.#thread.act((acting) => acting.renew()));
      this.#planned = false;
      this.#end();
      if (!this.isConnected) return;
      this.#ends = new AbortController();
      this.#thread = new Thread(this, this.shadowRoot ?? this.attachShadow({ mode: "open" }), this.#ends.signal);
      void this.#thread.start(words);
    });
  }

  #end() {
    this.#ends?.abort();
    this.#ends = null;
    this.#thread = undefined;
  }
}
