import { InterruptError } from "../ffi/errors.ts";
import { FLAG_WAKE } from "../ffi/symbols.ts";
import type { Agent } from "./delivery/agent.ts";
import type { InterruptRecord } from "./delivery/record.ts";
import { ValueQueue } from "./value_queue.ts";

interface Listener {
  value(value: number): void;
  close(): void;
  /** A promise is unsettled: the process must stay alive. */
  waits?: boolean;
}

/** The promises and iterators that want the values of one Interrupt. */
export class Listeners {
  readonly #agent: Agent;
  readonly #record: InterruptRecord;
  /** The Interrupt wakes the event loop without listeners too. */
  readonly #wakes: boolean;
  readonly #listeners = new Set<Listener>();

  constructor(agent: Agent, record: InterruptRecord, wakes: boolean) {
    this.#agent = agent;
    this.#record = record;
    this.#wakes = wakes;
  }

  /**
   * Passes a value to all of them. Code that listens to the abort event runs meanwhile: a wait that
   * it begins gets the next value, not this one.
   */
  value(value: number): void {
    if (this.#listeners.size === 0) return;
    for (const listener of [...this.#listeners]) listener.value(value);
  }

  /** Ends all of them: the Interrupt is closed. */
  close(): void {
    for (const listener of this.#listeners) listener.close();
  }

  /**
   * Resolves with the next value; rejects with CLOSED, or with the reason of `signal` when that
   * aborts.
   */
  wait(
    signal: AbortSignal | undefined,
    resolve: (value: number) => void,
    reject: (reason: unknown) => void,
  ): void {
    signal?.throwIfAborted();
    const stop = () => {
      this.#delete(listener);
      signal?.removeEventListener("abort", abort);
    };
    const abort = () => {
      reject(signal!.reason);
      stop();
    };
    const listener: Listener = {
      value(value) {
        resolve(value);
        stop();
      },
      close() {
        const message = "Cannot wait: the Interrupt was closed meanwhile";
        reject(new InterruptError("CLOSED", message));
        stop();
      },
    };
    signal?.addEventListener("abort", abort);
    this.#listeners.add(listener);
    this.#await(listener);
  }

  /** Iterates over all values until the Interrupt is closed. */
  iterate(): AsyncIterableIterator<number> {
    const queue = new ValueQueue({
      waits: () => this.#await(listener),
      rests: () => this.#rest(listener),
      ended: () => this.#delete(listener),
    });
    const listener: Listener = {
      value: (value) => queue.push(value),
      close: () => {
        queue.end();
        this.#delete(listener);
      },
    };
    this.#listeners.add(listener);
    return queue;
  }

  /** Aborts with the first value. */
  abortSignal(reasonOf: (value: number) => unknown): AbortSignal {
    const controller = new AbortController();
    const listener: Listener = {
      value: (value) => {
        controller.abort(reasonOf(value));
        this.#delete(listener);
      },
      close: () => this.#delete(listener),
    };
    this.#listeners.add(listener);
    return controller.signal;
  }

  #delete(listener: Listener): void {
    this.#rest(listener);
    this.#listeners.delete(listener);
  }

  /** The listener begins to wait: the process stays alive, and signals wake the event loop. */
  #await(listener: Listener): void {
    if (listener.waits) return;
    this.#agent.ref();
    listener.waits = true;
    if (this.#wakes) return;
    this.#setWake(1);
    // It was signalled before the flag was set, so that signal has not woken the loop. `pending`
    // must stay an Atomics.load: a plain read may come before the store of the flag on arm64, and
    // a signaller that stores its value and then reads the flag may miss that too.
    // (verify/litmus/wait.litmus)
    if (this.#record.pending !== 0) this.#record.notify();
  }

  #rest(listener: Listener): void {
    if (!listener.waits) return;
    this.#agent.unref();
    listener.waits = false;
    const others = [...this.#listeners].some(({ waits }) => waits);
    if (!this.#wakes && !this.#record.closed && !others) this.#setWake(0);
  }

  #setWake(on: 0 | 1): void {
    const { functions } = this.#agent.native;
    functions.record_flag(this.#record.slot, FLAG_WAKE, on);
  }
}
