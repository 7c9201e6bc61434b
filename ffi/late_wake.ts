import type { Wake } from "./library.ts";

/** What keeps a process alive while it is referenced. */
interface Referable {
  ref(): void;
  unref(): void;
}

/** A wake whose socket is opened later: it remembers whether it is to keep the process alive. */
export class LateWake implements Wake {
  #socket: Referable | undefined;
  #isReferenced = false;

  /** Uses this socket from here on, which holds a reference now. */
  opened(socket: Referable): void {
    this.#socket = socket;
    if (!this.#isReferenced) socket.unref();
  }

  ref(): void {
    this.#isReferenced = true;
    this.#socket?.ref();
  }

  unref(): void {
    this.#isReferenced = false;
    this.#socket?.unref();
  }
}
