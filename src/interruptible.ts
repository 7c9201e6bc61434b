import { describe } from "../ffi/errors.ts";
import { abortError } from "./abort_error.ts";
import { closeAll } from "./close_all.ts";
import type { AsyncStorage } from "../ffi/node_types.ts";
import { process } from "../ffi/runtime.ts";
import { Interrupt } from "./interrupt.ts";
import { abortSignalOf, EVERY, type InterruptOptions, signalNumbers } from "./interrupt_options.ts";
import { hasStoppedNativeCode, stopNativeCode } from "./native_stop.ts";
import { checkOptions } from "./options.ts";
import type { SignalName } from "./signals.ts";
import { stopError } from "./stop_error.ts";

/** What may stop the work of {@linkcode interruptible}. */
export interface InterruptibleOptions {
  /** These signals, each as in {@linkcode InterruptOptions.signal}: an `AbortError`. */
  on?: SignalName | number | readonly (SignalName | number)[];
  /** So many milliseconds, 0 or more, fractions too: a `TimeoutError`. Default: no limit. */
  timeout?: number;
  /** Aborting it: its reason. */
  signal?: AbortSignal;
}

const what = "Cannot make it interruptible";

/** How often unfinished work that was stopped is told so, at its checkpoints. */
const AGAIN_MS = 10;

/**
 * Runs work, synchronous or async, that signals, time or an AbortSignal may stop.
 *
 * The work is stopped by an exception that comes out of its next {@linkcode checkpoint}():
 * `finally` blocks run. It is thrown once; work that catches it goes on. The end of the work is a
 * checkpoint too. If the work is async, the promise also rejects as soon as the event loop turns;
 * what is left of the work is stopped at its next `checkpoint()`, and not at those of other code.
 *
 * Until this has ended, a second Ctrl-C does what it did before: see {@linkcode
 * InterruptOptions.once}. Calls nest. While async work is awaited, the process stays alive.
 *
 * @param work what to run.
 * @param options what may stop it.
 * @returns what `work` returns.
 * @throws {DOMException} named `AbortError` for a signal, `TimeoutError` after the timeout; with
 * `signal` its reason; what `work` throws. If `work` is async, its promise rejects instead.
 * @throws {TypeError | RangeError} for options of the wrong type or out of range.
 * @throws {InterruptError} as the constructor of {@linkcode Interrupt}.
 *
 * @example Ctrl-C and five seconds
 * ```ts
 * import { checkpoint, interruptible } from "@async/interrupt";
 *
 * const sum = interruptible(() => {
 *   let sum = 0;
 *   for (let i = 0; i < 1e6; i++) {
 *     sum += Math.sqrt(i);
 *     checkpoint();
 *   }
 *   return sum;
 * }, { on: "SIGINT", timeout: 5000 });
 * console.log(sum);
 * ```
 */
export function interruptible<T>(work: () => T, options: InterruptibleOptions = {}): T {
  if (typeof work !== "function") {
    throw new TypeError(`${what}: work must be a function, not ${describe(work)}`);
  }
  checkOptions(options, what, ["on", "timeout", "signal"]);
  const { on, timeout = Infinity } = options;
  if (typeof timeout !== "number") {
    throw new TypeError(`${what}: timeout must be a number, not ${describe(timeout)}`);
  }
  if (!(timeout >= 0)) {
    throw new RangeError(`${what}: timeout must be 0 or more, current value is ${timeout}`);
  }
  const abort = abortSignalOf(options.signal, what);
  abort?.throwIfAborted();
  const scope = new Scope(on === undefined ? [] : signalNumbers(on), timeout, abort);
  let isAsync = false;
  try {
    const result = scope.run(work);
    isAsync = typeof (result as Partial<PromiseLike<unknown>> | null)?.then === "function";
    if (isAsync) return scope.settle(result as PromiseLike<unknown>) as T;
    scope.handle();
    return result;
  } catch (error) {
    scope.handleStopped();
    throw error;
  } finally {
    if (!isAsync) scope.close();
  }
}

/** Which scope the running code belongs to. Made when first needed. */
let storage: AsyncStorage<Scope> | undefined;

function scopes(): AsyncStorage<Scope> {
  if (storage !== undefined) return storage;
  const { AsyncLocalStorage } = process().getBuiltinModule("node:async_hooks");
  return storage = new AsyncLocalStorage<Scope>();
}

/** One call of interruptible(), until its work has ended. */
class Scope {
  readonly #outer = scopes().getStore();
  readonly #interrupts: Interrupt[] = [];
  readonly #abort: AbortSignal | undefined;
  #onAbort: (() => void) | undefined;
  /** The synchronous part of the work runs: all checkpoints are its own. */
  #runs = true;
  #stopped: { readonly reason: unknown } | undefined;
  /** The work was told. */
  #hasThrown = false;
  #closed = false;
  #reject: ((reason: unknown) => void) | undefined;

  constructor(signals: number[], timeout: number, abort: AbortSignal | undefined) {
    this.#abort = abort;
    try {
      for (const signal of signals) {
        this.#open({ signal, once: true }, () => abortError(signal, signal));
      }
      if (timeout !== Infinity) {
        const every = Math.min(Math.max(timeout, EVERY.min), EVERY.max);
        const message = `Interrupted after ${timeout} ms`;
        this.#open({ every }, () => stopError("TimeoutError", message));
      }
      if (abort !== undefined) {
        const interrupt = this.#open({}, () => abort.reason);
        // Code that runs at a checkpoint of the work may abort it, so this must not throw here.
        this.#onAbort = () => Interrupt.signal(interrupt.signalFunc());
        abort.addEventListener("abort", this.#onAbort);
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #open(options: InterruptOptions, reasonOf: () => unknown): Interrupt {
    const interrupt: Interrupt = new Interrupt({
      ...options,
      rethrow: true,
      callback: () => this.#stop(reasonOf),
      // Another callback has thrown at the same checkpoint: throw at the next one.
      onError: () => {
        this.#hasThrown = false;
        Interrupt.signal(interrupt.signalFunc());
      },
    });
    this.#interrupts.push(interrupt);
    if (this.#runs) stopNativeCode(interrupt, true);
    return interrupt;
  }

  #stop(reasonOf: () => unknown): void {
    if (this.#closed) return;
    const isFirst = this.#stopped === undefined;
    const { reason } = this.#stopped ??= { reason: reasonOf() };
    if (this.#reject !== undefined) {
      this.#reject(reason);
      // What is left of the work is not awaited any more.
      for (const interrupt of this.#interrupts) interrupt.unref();
    }
    if (this.#hasThrown) return;
    if (!this.#isInside()) {
      // wake: false makes its ticks cost nothing but at checkpoints.
      if (isFirst) this.#open({ every: AGAIN_MS, wake: false }, reasonOf);
      return;
    }
    this.#hasThrown = true;
    throw reason;
  }

  /** Whether the code that runs belongs to this scope. */
  #isInside(): boolean {
    if (this.#runs) return true;
    let scope = scopes().getStore();
    while (scope !== undefined && scope !== this) scope = scope.#outer;
    return scope === this;
  }

  run<T>(work: () => T): T {
    return scopes().run(this, work);
  }

  /** Handles what is pending. */
  handle(): void {
    for (const interrupt of this.#interrupts) interrupt.handle();
  }

  /** Handles what has stopped native code: its reason is thrown, and not the error of that code. */
  handleStopped(): void {
    for (const interrupt of this.#interrupts) {
      if (hasStoppedNativeCode(interrupt)) interrupt.handle();
    }
  }

  settle(work: PromiseLike<unknown>): Promise<unknown> {
    this.#runs = false;
    for (const interrupt of this.#interrupts) {
      interrupt.ref();
      // Native code that runs now may belong to somebody else.
      stopNativeCode(interrupt, false);
    }
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      if (this.#stopped !== undefined) reject(this.#stopped.reason);
      const ended = () => {
        try {
          this.handle();
        } finally {
          this.close();
        }
      };
      Promise.resolve(work).finally(ended).then(resolve, reject);
    });
  }

  close(): void {
    this.#closed = true;
    if (this.#onAbort !== undefined) this.#abort!.removeEventListener("abort", this.#onAbort);
    closeAll(this.#interrupts);
  }
}
