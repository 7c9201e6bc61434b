import { closeAll } from "./close_all.ts";
import { ValueQueue } from "./value_queue.ts";

/** As much of an Interrupt as is used here. */
interface Source {
  ref(): unknown;
  unref(): unknown;
  close(): void;
}

/** Makes an Interrupt on a signal. */
type OpenSource = (signal: number, callback: (value: number) => void) => Source;

/** An Interrupt for each of the signals, until the waiting is over. */
class Sources {
  readonly #abort: AbortSignal | undefined;
  readonly #onAbort: () => void;
  readonly #all: Source[] = [];
  #closed = false;

  /** @param onAbort what to do when `abort` aborts. */
  constructor(abort: AbortSignal | undefined, onAbort: (reason: unknown) => void) {
    abort?.throwIfAborted();
    this.#abort = abort;
    this.#onAbort = () => onAbort(abort!.reason);
    abort?.addEventListener("abort", this.#onAbort);
  }

  /** All signals, or none if one of them cannot be hooked. */
  open(signals: number[], open: OpenSource, callback: (signal: number) => void): void {
    try {
      for (const signal of signals) {
        this.#all.push(open(signal, callback));
        // A signal was handled, or the AbortSignal aborted, while the source was opened: a listener
        // of the runtime for new listeners can do both.
        if (this.#closed) return this.close();
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** The first alone: one reference keeps the process alive. */
  ref(): void {
    if (!this.#closed) this.#all[0]?.ref();
  }

  unref(): void {
    this.#all[0]?.unref();
  }

  /** @throws as closeAll(). */
  close(): void {
    this.#closed = true;
    this.#abort?.removeEventListener("abort", this.#onAbort);
    closeAll(this.#all);
  }
}

/** The implementation of Interrupt.on(). */
export function signalStream(
  signals: number[],
  open: OpenSource,
  abort: AbortSignal | undefined,
): AsyncIterableIterator<number> {
  const queue = new ValueQueue({
    waits: () => sources.ref(),
    rests: () => sources.unref(),
    ended: () => sources.close(),
  });
  const sources = new Sources(abort, (reason) => {
    // First what is pending: it came before.
    closeOr((error) => reason = error, sources);
    queue.fail(reason);
  });
  sources.open(signals, open, (signal) => queue.push(signal));
  return queue;
}

/** The implementation of Interrupt.once(). */
export function nextSignal(
  signals: number[],
  open: OpenSource,
  abort: AbortSignal | undefined,
  resolve: (signal: number) => void,
  reject: (reason: unknown) => void,
): void {
  let opened = false;
  const sources = new Sources(abort, (reason) => {
    // What is pending came first, and resolves.
    closeOr((error) => reason = error, sources);
    reject(reason);
  });
  let first: number | undefined;
  sources.open(signals, open, (signal) => {
    first ??= signal;
    // If another one cannot be hooked, that is the result.
    if (!opened) return;
    // Before the others are closed, which handles what is pending there.
    resolve(first);
    sources.close();
  });
  opened = true;
  if (first === undefined) return sources.ref();
  resolve(first);
  sources.close();
}

/** An AbortSignal cannot report what its listener throws, so the waiting rejects with that. */
function closeOr(report: (error: unknown) => void, sources: Sources): void {
  try {
    sources.close();
  } catch (error) {
    report(error);
  }
}
