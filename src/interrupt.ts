import {
  BLOCK_FUNCTION,
  HYSTERESIS,
  PENDING,
  SIGNAL_FUNCTION,
  UNBLOCK_FUNCTION,
} from "../ffi/symbols.ts";
import { checked, describe, InterruptError } from "../ffi/errors.ts";
import { isExecutedAnew } from "../ffi/runtime.ts";
import { namedSignals } from "../ffi/signal_names.ts";
import { type Agent, agent } from "./delivery/agent.ts";
import { InterruptRecord, type Thrown } from "./delivery/record.ts";
import { chainOption } from "./delivery/signal_listeners.ts";
import { stackWasFull } from "./delivery/stack.ts";
import { adoptPipe, EventPipe, isEventPipe } from "./event_pipe.ts";
import {
  type InterruptOptions,
  isNativeFunction,
  isRuntimes,
  parseOptions,
  parseWaitOptions,
  type WaitOptions,
} from "./interrupt_options.ts";
import { Listeners } from "./listeners.ts";
import type { NativeFunction } from "./native_function.ts";
import { sig2name } from "./signals.ts";

/** What this runtime and platform can do. */
export interface InterruptSupport {
  /** Signal names that can be hooked here. */
  readonly signals: readonly string[];
  /**
   * `"memory"`: pending and checkpoint read native memory. `"call"`: the permissions given allow no
   * view of it (some versions of Deno, with `--allow-ffi=<path>` and without `--allow-read`), and
   * each read is a native call, which costs more.
   */
  readonly poll: "memory" | "call";
}

/**
 * Something that other threads and signal handlers can signal, and that then runs a callback on
 * this thread.
 *
 * A signal is one atomic operation. Until the callback runs, further signals replace the value; the
 * callback runs at least once after the last. It runs at the next {@linkcode checkpoint}(), or in
 * the next turn of the event loop, whichever is first; never inside itself, and at most 16 times in
 * a row, so that others have their turn. All methods belong to the creating thread; what other
 * threads may use is {@linkcode signalFunc} and {@linkcode Interrupt.signal}.
 *
 * An Interrupt lives until `close()`, or the end of its realm; it does not keep the process alive.
 * After `close()` all that does something throws an {@linkcode InterruptError} with code `CLOSED`,
 * save `close()` itself and `unref()`; `pending` is 0 then, `blocked` false.
 *
 * @example
 * ```ts
 * import { Interrupt } from "@async/interrupt";
 *
 * using interrupt = new Interrupt({ callback: (value) => console.log("signalled with", value) });
 * interrupt.signal(42);
 * ```
 */
export class Interrupt implements Disposable, AsyncIterable<number> {
  readonly #agent: Agent;
  readonly #record: InterruptRecord;
  readonly #callback: InterruptOptions["callback"];
  readonly #nativeCallback: NativeFunction | undefined;
  readonly #rethrow: boolean;
  readonly #wake: boolean;
  readonly #chain: boolean;
  readonly #listeners: Listeners;
  #hysteresis: boolean;
  #signal: number | undefined;
  /** LISTENED, if the runtime listens to the signal too. */
  #listened = 0;
  #pipe: EventPipe | undefined;
  /** The pipe was made here, and is closed here. */
  #ownsPipe = false;
  #pipeEnabled = true;
  #pipeAutodrain: boolean;
  #referenced = false;

  /**
   * Throws a `TypeError` or `RangeError` for options that make no sense, and an {@linkcode
   * InterruptError} with code `RESERVED_SIGNAL`, `BAD_FD`, `CLOSED`, `LIBRARY_NOT_FOUND`,
   * `UNSUPPORTED` or `SYSTEM`. Nothing stays behind then.
   */
  constructor(options: InterruptOptions = {}) {
    const parsed = parseOptions(options);
    const { nativeCallback, signal: number } = parsed;
    this.#agent = agent();
    if (nativeCallback !== undefined) {
      checkCode(this.#agent, nativeCallback.func);
    }
    this.#callback = parsed.callback;
    this.#nativeCallback = nativeCallback;
    this.#rethrow = parsed.rethrow;
    this.#wake = parsed.wake;
    this.#chain = parsed.chain;
    this.#hysteresis = parsed.signalHysteresis;
    this.#pipeAutodrain = parsed.pipeAutodrain;
    const { pipe } = parsed;
    const given = pipe === undefined || isEventPipe(pipe) ? pipe : adoptPipe(...pipe);
    try {
      this.#record = new InterruptRecord(
        this.#agent,
        this.#wake,
        this.#handle,
        (error) => this.#report(error),
      );
    } catch (error) {
      if (given !== pipe) given?.close();
      throw error;
    }
    this.#listeners = new Listeners(this.#agent, this.#record, this.#wake);
    try {
      if (given !== undefined) this.#usePipe(given, given !== pipe);
      if (number !== undefined) {
        const { native: { functions }, signals } = this.#agent;
        const what = `Cannot hook ${sig2name(number) ?? `signal ${number}`}`;
        checked(functions.hook_check(number), what);
        this.#listened = signals.open(number, this);
        this.#signal = number;
        checked(
          functions.record_hook(this.#record.slot, number, this.#hookOptions),
          what,
        );
        this.#updateRecord();
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /**
   * What this runtime and platform can do. Throws an {@linkcode InterruptError} with code
   * `UNSUPPORTED`, `LIBRARY_NOT_FOUND` or `SYSTEM` where the native library cannot be opened.
   */
  static get supports(): InterruptSupport {
    const { native, poll } = agent();
    const signals = namedSignals()
      .filter(([number, name]) => !isRuntimes(name) && native.functions.hook_check(number) === 0)
      .map(([, name]) => name);
    return { signals, poll };
  }

  /**
   * Called with what a callback threw (Perl's `$Async::Interrupt::DIED`) or its promise was
   * rejected with; and with an {@linkcode InterruptError} for failures that no call could throw: a
   * wake or a pipe whose descriptor other code has closed or replaced, at the next checkpoint or
   * turn of the loop. These are all Interrupts' of this thread: they are told once for each kind of
   * failure, with the Interrupt that was opened first. Default: `console.error`, and go on. It
   * never stops other callbacks. What it throws itself, or its promise is rejected with, goes to
   * `console.error`.
   */
  static onError: (error: unknown, interrupt: Interrupt) => void = (error) => console.error(error);

  /**
   * Signals an Interrupt of any thread from JavaScript: send {@linkcode signalFunc}() to a Worker
   * with `postMessage`, and call this there. The callback runs later, on the thread of that
   * Interrupt.
   *
   * Anything but a live Interrupt's `signalFunc()` is a `TypeError`, never a crash; after its
   * `close()` it is `false`.
   *
   * @param target what `signalFunc()` gave, in this process.
   * @param value int32; 0 means 1. A `TypeError` if it is no integer, a `RangeError` if it is no
   * int32.
   * @returns whether it was signalled: false when that Interrupt is closed.
   */
  static signal(target: NativeFunction, value: number = 1): boolean {
    const int32 = signalValue(value);
    const { functions } = agent().native;
    const known = isNativeFunction(target) &&
      target.func === functions.function_address(SIGNAL_FUNCTION);
    const status = known ? functions.signal(target.arg, int32) : undefined;
    if (status === undefined || status < 0) {
      throw new TypeError(
        "Cannot signal: the target is not what signalFunc() of an Interrupt in this process gave",
      );
    }
    return status === 1;
  }

  /**
   * Signals from JavaScript: the callback has run when this returns, unless blocked, or called from
   * the callback itself. With `rethrow` what it throws comes out of here.
   *
   * @param value int32; 0 means 1. A `TypeError` if it is no integer, a `RangeError` if it is no
   * int32.
   */
  signal(value: number = 1): void {
    const int32 = signalValue(value);
    rethrow(this.#open().signal(int32));
  }

  /**
   * Handles now what is pending; nothing when nothing is pending or while blocked. Signalled
   * without a pause it is still pending after 16 calls of the callback: then the next handling goes
   * on.
   */
  handle(): void {
    rethrow(this.#open().deliver());
  }

  /** The value that waits to be handled, 0 for none. A memory read: no native call. */
  get pending(): number {
    return this.#record.pending;
  }

  /** Holds callbacks back. Nests: as many {@linkcode unblock}() as `block()`. */
  block(): void {
    this.#open().block();
  }

  /**
   * Undoes one {@linkcode block}(); the outermost runs what is pending. One too many throws an
   * {@linkcode InterruptError} with code `UNBALANCED_UNBLOCK` and changes nothing.
   */
  unblock(): void {
    const record = this.#open();
    checkBlocked(record);
    if (record.unblock()) rethrow(record.deliver());
  }

  /** Whether callbacks are held back. */
  get blocked(): boolean {
    return !this.#record.closed && this.#record.blocked > 0;
  }

  /** `block()` now, `unblock()` at the end of a `using` scope. */
  scopeBlock(): Disposable {
    this.block();
    let done = false;
    return {
      [Symbol.dispose]: () => {
        // Closed inside the scope: there is nothing left to unblock.
        if (done || this.closed) return;
        const record = this.#record;
        checkBlocked(record);
        const waits = record.unblock();
        done = true;
        if (waits) rethrow(record.deliver());
      },
    };
  }

  /**
   * `void (*)(void *arg, int value)`: signals from any thread or signal handler. The address stays
   * callable for ever; after `close()` it does nothing.
   */
  signalFunc(): NativeFunction {
    return this.#function(SIGNAL_FUNCTION);
  }

  /**
   * `void (*)(void *arg)`: {@linkcode block} for native code that runs on this thread, not for
   * other threads or signal handlers. After `close()` it does nothing.
   */
  blockFunc(): NativeFunction {
    return this.#function(BLOCK_FUNCTION);
  }

  /**
   * `void (*)(void *arg)`: {@linkcode unblock} for native code that runs on this thread, not for
   * other threads or signal handlers; what is pending is handled after it. After `close()` it does
   * nothing, nor does one too many.
   */
  unblockFunc(): NativeFunction {
    return this.#function(UNBLOCK_FUNCTION);
  }

  #function(which: number): NativeFunction {
    const { token } = this.#open();
    const func = this.#agent.native.functions.function_address(which);
    return { func, arg: token };
  }

  /**
   * Address of the int32 that is 0 when idle and holds the value while pending. Native code may
   * read it until `close()`.
   */
  get cVar(): bigint {
    return this.#agent.native.functions.record_address(this.#open().slot) +
      BigInt(PENDING * 4);
  }

  /**
   * The same int32 as a one-element view: what `setInterruptBuffer`-style APIs take. Do not use it
   * after `close()`.
   *
   * Throws an {@linkcode InterruptError} with code `UNSUPPORTED` where `supports.poll` is `"call"`.
   */
  get buffer(): Int32Array {
    const { memory, at } = this.#open();
    if (memory.view === undefined) {
      throw new InterruptError(
        "UNSUPPORTED",
        "Cannot view native memory: it needs --allow-ffi without a path, or --allow-read too",
      );
    }
    return memory.view.subarray(at + PENDING, at + PENDING + 1);
  }

  /** See {@linkcode InterruptOptions.signalHysteresis}. */
  get signalHysteresis(): boolean {
    return this.#hysteresis;
  }

  set signalHysteresis(on: boolean) {
    const { slot } = this.#open();
    const { functions } = this.#agent.native;
    this.#hysteresis = Boolean(on);
    const status = functions.record_hook_options(slot, this.#hookOptions);
    // If so, the signal may still be ignored: #updateRecord() waits until it is not.
    checked(status, "Cannot hear the signal again");
    this.#updateRecord();
  }

  get #hookOptions(): number {
    return chainOption(this.#chain, this.#listened) | this.#listened |
      (this.#hysteresis && !isExecutedAnew() ? HYSTERESIS : 0);
  }

  /**
   * Read side of the event pipe, made on demand: for poll/select/epoll in other libraries. Closed
   * with the Interrupt: do not close it. Throws an {@linkcode InterruptError} with code `SYSTEM`
   * when no descriptor is left.
   */
  get pipeFileno(): number {
    this.#open();
    if (this.#pipe === undefined) this.#usePipe(new EventPipe(), true);
    // Again where an exception came between.
    else this.#updateRecord();
    return this.#pipe!.fileno;
  }

  /** Signals make the pipe readable: the default. One that is pending does so at once. */
  pipeEnable(): void {
    this.#setPipeEnabled(true);
  }

  /**
   * Signals leave the pipe alone. What they wrote before, the next handling drains, if {@linkcode
   * Interrupt.pipeAutodrain} is on.
   */
  pipeDisable(): void {
    this.#setPipeEnabled(false);
  }

  #setPipeEnabled(on: boolean): void {
    this.#open();
    this.#pipeEnabled = on;
    this.#updateRecord();
  }

  /** See {@linkcode InterruptOptions.pipeAutodrain}. */
  get pipeAutodrain(): boolean {
    return this.#pipeAutodrain;
  }

  set pipeAutodrain(on: boolean) {
    this.#open();
    this.#pipeAutodrain = Boolean(on);
    this.#updateRecord();
  }

  /** Makes the pipe unreadable, if there is one. */
  pipeDrain(): void {
    this.#open().drainPipe();
  }

  /**
   * After fork(2) in native code: a new pipe under the same read descriptor number, so that parent
   * and child do not drain each other's. Nothing without a pipe. Throws as {@linkcode
   * EventPipe.renew} does.
   */
  postFork(): void {
    const record = this.#open();
    if (this.#pipe === undefined) return;
    this.#pipe.renew();
    record.refillPipe(true);
  }

  #usePipe(pipe: EventPipe, owned: boolean): void {
    this.#record.usePipe(pipe.signalFunc().arg, pipe.fileno);
    this.#ownsPipe = owned;
    this.#pipe = pipe;
    this.#updateRecord();
  }

  /** What delivery must know, from the options as they are now. */
  #updateRecord(): void {
    const record = this.#record;
    record.setPipe(
      this.#pipe !== undefined && this.#pipeEnabled,
      this.#pipeAutodrain,
    );
    record.rearms = this.#hysteresis;
  }

  /**
   * Resolves with the next value. Keeps the process alive while it waits, and wakes the event loop
   * even with `wake: false`. Rejects with code `CLOSED` when the Interrupt is closed, with a
   * `TypeError` for options that are none.
   */
  wait(options: WaitOptions = {}): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#open();
      this.#listeners.wait(parseWaitOptions(options), resolve, reject);
    });
  }

  /**
   * Every handled value until `close()`; what comes while the consumer is busy is queued. Keeps the
   * process alive while it waits.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<number> {
    this.#open();
    return this.#listeners.iterate();
  }

  /**
   * This Interrupt alone keeps the process alive, until {@linkcode unref}() or `close()`. Twice is
   * as once.
   */
  ref(): this {
    this.#open();
    if (!this.#referenced) {
      this.#agent.ref();
      this.#referenced = true;
    }
    return this;
  }

  /** This Interrupt does not keep the process alive: the default. */
  unref(): this {
    if (this.#referenced) {
      this.#agent.unref();
      this.#referenced = false;
    }
    return this;
  }

  /**
   * What is pending and not yet handled is handled first, even while blocked; then everything is
   * undone: the signal's old disposition, the descriptors that were made here. No callback begins
   * after it. Twice is fine.
   */
  close(): void {
    this.#record.close();
    // Not yet closed: called again by the last callback, which close() itself runs.
    if (!this.#record.closed) return;
    this.unref();
    if (this.#signal !== undefined) {
      this.#agent.signals.close(this.#signal, this);
    }
    this.#listeners.close();
    if (this.#ownsPipe) this.#pipe!.close();
  }

  /** Whether it was closed. */
  get closed(): boolean {
    return this.#record.closed;
  }

  /** {@linkcode close}, at the end of a `using` scope. */
  [Symbol.dispose](): void {
    this.close();
  }

  #open(): InterruptRecord {
    if (this.#record.closed) {
      throw new InterruptError(
        "CLOSED",
        "Cannot use an Interrupt after its close()",
      );
    }
    return this.#record;
  }

  /** Its frame tells whether the callback still runs: isOnStack(). */
  readonly #handle = (value: number): Thrown | undefined => {
    const record = this.#record;
    this.#listeners.value(value);
    try {
      if (this.#nativeCallback !== undefined) {
        const { func, arg } = this.#nativeCallback;
        // It throws if it is JavaScript that throws.
        this.#agent.native.functions.function_call(func, arg, value);
      }
      record.begin();
      const result: unknown = this.#callback?.(value);
      if (result !== undefined) {
        whenRejected(result, (error) => this.#report(error));
      }
    } catch (error) {
      // First: all that follows may throw.
      record.left.taken = value;
      if (stackWasFull(error)) throw error;
      record.left.taken = 0;
      if (this.#rethrow) return { error, record };
      this.#report(error);
    }
    return undefined;
  };

  #report(error: unknown): void {
    try {
      const result: unknown = Interrupt.onError(error, this);
      whenRejected(
        result,
        (failure) => printAnyway("Interrupt.onError rejected:", failure),
      );
    } catch (failure) {
      printAnyway("A callback threw:", error);
      printAnyway("Interrupt.onError threw:", failure);
    }
  }
}

/** A promise, or what `await` would take for one. */
function whenRejected(result: unknown, report: (error: unknown) => void): void {
  if (typeof result !== "object" || result === null) return;
  const { then } = result as Partial<PromiseLike<unknown>>;
  if (typeof then !== "function") return;
  Promise.resolve(result).then(undefined, report);
}

function checkBlocked({ blocked }: InterruptRecord): void {
  if (blocked > 0) return;
  throw new InterruptError(
    "UNBALANCED_UNBLOCK",
    "Cannot unblock: there was one unblock() more than block()",
  );
}

function rethrow(thrown: Thrown | undefined): void {
  if (thrown !== undefined) throw thrown.error;
}

/** Also what cannot be printed: a getter of it may throw. */
function printAnyway(what: string, error: unknown): void {
  try {
    console.error(what, error);
  } catch {
    console.error(what, "something that cannot be printed");
  }
}

const INT32 = { min: -(2 ** 31), max: 2 ** 31 - 1 };

function signalValue(value: number): number {
  if (typeof value !== "number") {
    throw new TypeError(
      `Cannot signal: value must be a number, not ${describe(value)}`,
    );
  }
  // The common case first: this is the hot path.
  if ((value | 0) === value) return value === 0 ? 1 : value;
  if (!Number.isInteger(value)) {
    throw new TypeError(
      `Cannot signal: value must be an integer, current value is ${value}`,
    );
  }
  throw new RangeError(
    `Cannot signal: value must be from ${INT32.min} to ${INT32.max}, current value is ${value}`,
  );
}

function checkCode({ native }: Agent, address: bigint): void {
  if (native.functions.function_check(address) === 0) return;
  throw new RangeError(
    `Cannot create an Interrupt: there is no code at nativeCallback.func, 0x${
      address.toString(16)
    }`,
  );
}
