import { ValueQueue } from "./value_queue.ts";

/** As much of an Interrupt as is used here. */
interface Source {
  ref(): unknown;
  unref(): unknown;
  close(): void;
}

/** Makes an Interrupt on a signal. */
type OpenSource = (signal: number, callback: (value: number) => void) => Source;

/** An Interrupt for each of the signals, or none if one of them cannot be hooked. */
class Sources {
  readonly #all: Source[] = [];

  constructor(signals: number[], open: OpenSource, callback: (signal: number) => void) {
    try {
      for (const signal of signals) this.#all.push(open(signal, callback));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** The first alone: one reference keeps the process alive. */
  ref(): void {
    this.#all[0]?.ref();
  }

  unref(): void {
    this.#all[0]?.unref();
  }

  close(): void {
    for (const source of this.#all) source.close();
  }
}

/** The implementation of Interrupt.on(). */
export function signalStream(
  signals: number[],
  open: OpenSource,
  abort: AbortSignal | undefined,
): AsyncIterableIterator<number> {
  abort?.throwIfAborted();
  const queue = new ValueQueue({
    waits: () => sources.ref(),
    rests: () => sources.unref(),
    ended: () => stop(),
  });
  const sources = new Sources(signals, open, (signal) => queue.push(signal));
  const stop = () => {
    abort?.removeEventListener("abort", onAbort);
    sources.close();
  };
  const onAbort = () => {
    stop();
    queue.fail(abort!.reason);
  };
  abort?.addEventListener("abort", onAbort);
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
  abort?.throwIfAborted();
  const stop = () => {
    abort?.removeEventListener("abort", onAbort);
    sources.close();
  };
  const onAbort = () => {
    stop();
    reject(abort!.reason);
  };
  const sources = new Sources(signals, open, (signal) => {
    // Before the others are closed, which handles what is pending there.
    resolve(signal);
    stop();
  });
  abort?.addEventListener("abort", onAbort);
  sources.ref();
}
