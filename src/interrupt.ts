import {
  BLOCK_FUNCTION,
  HYSTERESIS,
  ONCE,
  PENDING,
  POLL_FUNCTION,
  SIGNAL_FUNCTION,
  UNBLOCK_FUNCTION,
} from "../ffi/symbols.ts";
import { checked, describe, InterruptError } from "../ffi/errors.ts";
import { isExecutedAnew } from "../ffi/runtime.ts";
import { namedSignals } from "../ffi/signal_names.ts";
import { abortError } from "./abort_error.ts";
import { type Agent, agent } from "./delivery/agent.ts";
import { InterruptRecord, type Thrown } from "./delivery/record.ts";
import { chainOption } from "./delivery/signal_listeners.ts";
import { stackWasFull } from "./delivery/stack.ts";
import { adoptPipe, EventPipe } from "./event_pipe.ts";
import {
  type InterruptOptions,
  isNativeFunction,
  isRuntimes,
  parseOptions,
  parseWaitOptions,
  signalNumbers,
  type WaitOptions,
} from "./interrupt_options.ts";
import { Listeners } from "./listeners.ts";
import type { NativeFunction } from "./native_function.ts";
import { nextSignal, signalStream } from "./signal_stream.ts";
import { sig2name, type SignalName } from "./signals.ts";

/** What this runtime and platform can do. */
export interface InterruptSupport {
  /** Names of the signals that can be hooked here, in the order of their numbers. */
  readonly signals: readonly string[];
  /**
   * `"memory"`: `pending` and `checkpoint()` read native memory. `"call"`: each of these reads is a
   * native call, which costs more, because the permissions do not allow a view of native memory
   * (some versions of Deno, with `--allow-ffi=<path>` and without `--allow-read`).
   */
  readonly poll: "memory" | "call";
}

/**
 * Lets other threads and signal handlers run a callback on this thread.
 *
 * Signalling is one atomic operation. Until the callback runs, further signals replace the value;
 * the callback runs at least once after the last of them. It runs at the next {@linkcode
 * checkpoint}() or in the next turn of the event loop, whichever comes first. It is never
 * re-entered, and runs at most 16 times in a row, so that other callbacks have their turn.
 *
 * An Interrupt belongs to the thread that created it: call its methods there only. Other threads
 * use {@linkcode signalFunc} and {@linkcode Interrupt.signal}.
 *
 * An Interrupt lives until `close()`, or until its realm ends; it does not keep the process alive.
 * After `close()`, every method that does something throws an {@linkcode InterruptError} with code
 * `CLOSED`, except `close()` itself and `unref()`; `pending` is then 0 and `blocked` is false.
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
  readonly #onError: InterruptOptions["onError"];
  readonly #wake: boolean;
  readonly #chain: boolean;
  readonly #once: boolean;
  readonly #listeners: Listeners;
  #hysteresis: boolean;
  /** Which signal it hooks. It keeps the number after a hook that has ended with `once`. */
  #signal: number | undefined;
  /** LISTENED when the runtime also listens to the signal, else 0. */
  #listened = 0;
  #pipe: EventPipe | undefined;
  /** This Interrupt made the pipe, and closes it. */
  #ownsPipe = false;
  #pipeEnabled = true;
  #pipeAutodrain: boolean;
  #referenced = false;
  #isSpent = false;
  #buffer: Int32Array | undefined;
  #abortSignal: AbortSignal | undefined;
  /** What it was first handled with; 0: not yet. */
  #first = 0;

  /**
   * The first Interrupt of a thread opens the native library, unless loading this module has opened
   * it. If the constructor throws, nothing stays behind.
   *
   * @param options what to run, and what to do when signalled.
   * @throws {TypeError | RangeError} for options of the wrong type or out of range.
   * @throws {InterruptError} with code `RESERVED_SIGNAL`, `BAD_FD`, `CLOSED` (the EventPipe is
   * closed, or the realm has ended), `LIBRARY_NOT_FOUND`, `UNSUPPORTED` or `SYSTEM`.
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
    this.#onError = parsed.onError;
    this.#wake = parsed.wake;
    this.#chain = parsed.chain;
    this.#once = parsed.once;
    this.#hysteresis = parsed.signalHysteresis;
    this.#pipeAutodrain = parsed.pipeAutodrain;
    const own = parsed.descriptors && adoptPipe(...parsed.descriptors);
    const pipe = own ?? parsed.pipe;
    try {
      this.#record = new InterruptRecord(
        this.#agent,
        this.#wake,
        this.#handle,
        (error) => this.#report(error),
      );
    } catch (error) {
      own?.close();
      throw error;
    }
    this.#listeners = new Listeners(this.#agent, this.#record, this.#wake);
    try {
      if (pipe !== undefined) this.#usePipe(pipe, own !== undefined);
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
      // Last: whatever throws before it has no tick to deliver.
      if (parsed.period !== undefined) {
        checked(
          this.#agent.native.functions.timer_start(this.#record.slot, parsed.period),
          "Cannot start the timer of `every`",
        );
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /**
   * What this runtime and platform can do.
   *
   * @throws {InterruptError} with code `UNSUPPORTED`, `LIBRARY_NOT_FOUND` or `SYSTEM` when the
   * native library cannot be opened.
   */
  static get supports(): InterruptSupport {
    if (supports !== undefined) return supports;
    const { native, poll } = agent();
    const signals = namedSignals()
      .filter(([number, name]) => !isRuntimes(name) && native.functions.hook_check(number) === 0)
      .map(([, name]) => name);
    return supports = Object.freeze({ signals: Object.freeze(signals), poll });
  }

  /**
   * Receives what a callback threw, or what its promise was rejected with (Perl's
   * `$Async::Interrupt::DIED`). It never stops other callbacks. Default: `console.error`.
   *
   * It also receives an {@linkcode InterruptError} for failures that no call could throw: foreign
   * code has closed or replaced the descriptor of a wake or of a pipe. Such a failure concerns all
   * Interrupts of this thread. It is reported at the next checkpoint or turn of the event loop,
   * once for each kind of failure, together with the Interrupt that was opened first.
   *
   * What `onError` itself throws, or rejects with, goes to `console.error`.
   */
  static onError: (error: unknown, interrupt: Interrupt) => void = (error) => console.error(error);

  /**
   * Iterates over every arrival of these signals, by number. A burst of one signal counts once, and
   * no signal hides another. Signals that arrive while the consumer is busy are queued. The process
   * stays alive while the consumer waits.
   *
   * The signals are hooked from this call until the loop ends: by `break`, `return`, an exception,
   * or when `options.signal` aborts; the loop then throws its reason.
   *
   * @param signals one signal or several, each as in {@linkcode InterruptOptions.signal}.
   * @param options with an AbortSignal, the iteration can be given up.
   * @throws what the constructor throws for a signal that cannot be hooked; the reason of an
   * AbortSignal that has aborted already.
   *
   * @example
   * ```ts
   * import { Interrupt } from "@async/interrupt";
   * import process from "node:process";
   *
   * setTimeout(() => process.kill(process.pid, "SIGHUP"), 10);
   * for await (const signal of Interrupt.on(["SIGHUP", "SIGUSR2"])) {
   *   console.log("heard", signal); // 1
   *   break;
   * }
   * ```
   */
  static on(
    signals: SignalName | number | readonly (SignalName | number)[],
    options: WaitOptions = {},
  ): AsyncIterableIterator<number> {
    const abort = parseWaitOptions(options);
    return signalStream(signalNumbers(signals), openOn, abort);
  }

  /**
   * Waits for the first of these signals. The process stays alive meanwhile. When the promise
   * resolves, each signal does again what it did before.
   *
   * @param signals one signal or several, each as in {@linkcode InterruptOptions.signal}.
   * @param options with an AbortSignal, the wait can be given up.
   * @returns a promise of the number of that signal. It rejects with what the constructor throws
   * for a signal that cannot be hooked, and with the reason of the AbortSignal when that aborts.
   *
   * @example
   * ```ts
   * import { Interrupt } from "@async/interrupt";
   * import process from "node:process";
   *
   * setTimeout(() => process.kill(process.pid, "SIGTERM"), 10);
   * await Interrupt.once(["SIGTERM", "SIGINT"]); // 15
   * ```
   */
  static once(
    signals: SignalName | number | readonly (SignalName | number)[],
    options: WaitOptions = {},
  ): Promise<number> {
    return new Promise((resolve, reject) => {
      const abort = parseWaitOptions(options);
      nextSignal(signalNumbers(signals), openOn, abort, resolve, reject);
    });
  }

  /**
   * Signals an Interrupt of any thread from JavaScript: send its {@linkcode signalFunc}() to a
   * Worker with `postMessage()`, and call this there. Any thread may call it. The callback runs
   * later, on the thread of that Interrupt.
   *
   * @param target what `signalFunc()` returned, in this process.
   * @param value an int32; 0 means 1.
   * @returns true if the Interrupt was signalled, false if it is closed.
   * @throws {TypeError} if `target` was never returned by `signalFunc()` in this process (this
   * never crashes), or `value` is not an integer.
   * @throws {RangeError} if `value` is an integer but not an int32.
   * @throws {InterruptError} with code `UNSUPPORTED`, `LIBRARY_NOT_FOUND` or `SYSTEM` when the
   * native library cannot be opened.
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
   * Signals this Interrupt from its own thread. The callback has run when this returns, unless the
   * Interrupt is blocked or this is called from the callback itself.
   *
   * @param value an int32; 0 means 1.
   * @throws {TypeError} if `value` is not an integer.
   * @throws {RangeError} if `value` is an integer but not an int32.
   * @throws {InterruptError} with code `CLOSED`.
   * @throws what the callback throws, with `rethrow`.
   */
  signal(value: number = 1): void {
    const int32 = signalValue(value);
    rethrow(this.#open().signal(int32));
  }

  /**
   * Runs the callback now if a value is pending and the Interrupt is not blocked. If signals keep
   * coming, a value may still be pending after 16 calls of the callback: the next checkpoint or
   * turn of the event loop continues.
   *
   * @throws {InterruptError} with code `CLOSED`.
   * @throws what the callback throws, with `rethrow`.
   */
  handle(): void {
    rethrow(this.#open().deliver());
  }

  /**
   * The pending value, or 0 if there is none. One read of memory, no native call: see {@linkcode
   * InterruptSupport.poll}.
   */
  get pending(): number {
    return this.#record.pending;
  }

  /**
   * Holds the callback back. Blocks nest: each `block()` needs its own {@linkcode unblock}().
   *
   * @throws {InterruptError} with code `CLOSED`.
   */
  block(): void {
    this.#open().block();
  }

  /**
   * Undoes one {@linkcode block}(). Undoing the outermost one runs the callback if a value is
   * pending.
   *
   * @throws {InterruptError} with code `UNBALANCED_UNBLOCK`, and without any effect, if there is no
   * `block()` to undo; with code `CLOSED`.
   * @throws what the callback throws, with `rethrow`.
   */
  unblock(): void {
    const record = this.#open();
    checkBlocked(record);
    if (record.unblock()) rethrow(record.deliver());
  }

  /** Whether the callback is held back. */
  get blocked(): boolean {
    return !this.#record.closed && this.#record.blocked > 0;
  }

  /**
   * Calls {@linkcode block}() now, and {@linkcode unblock}() at the end of a `using` scope.
   *
   * @returns an object whose disposal unblocks once. It does nothing if the Interrupt is closed by
   * then; else it throws what `unblock()` throws.
   * @throws {InterruptError} with code `CLOSED`.
   */
  scopeBlock(): Disposable {
    this.block();
    let done = false;
    return {
      [Symbol.dispose]: () => {
        // If it was closed inside the scope, there is nothing left to unblock.
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
   * A native function that signals this Interrupt: `void (*)(void *arg, int value)`. Any thread and
   * any signal handler may call it: it is async-signal-safe. The address stays callable for as long
   * as the process lives; after `close()` a call does nothing.
   *
   * @returns the address of the function, and the token to pass as `arg`.
   * @throws {InterruptError} with code `CLOSED`.
   */
  signalFunc(): NativeFunction {
    return this.#function(SIGNAL_FUNCTION);
  }

  /**
   * {@linkcode block} as a native function: `void (*)(void *arg)`. Only native code on this thread
   * may call it, no other thread and no signal handler. After `close()` a call does nothing.
   *
   * @returns the address of the function, and the token to pass as `arg`.
   * @throws {InterruptError} with code `CLOSED`.
   */
  blockFunc(): NativeFunction {
    return this.#function(BLOCK_FUNCTION);
  }

  /**
   * {@linkcode unblock} as a native function: `void (*)(void *arg)`. Only native code on this
   * thread may call it, no other thread and no signal handler. A pending value is handled at the
   * next checkpoint or turn of the event loop. After `close()`, or without a matching block, a call
   * does nothing.
   *
   * @returns the address of the function, and the token to pass as `arg`.
   * @throws {InterruptError} with code `CLOSED`.
   */
  unblockFunc(): NativeFunction {
    return this.#function(UNBLOCK_FUNCTION);
  }

  /**
   * A native function that tells whether a value is pending: `int (*)(void *arg)`. It returns
   * exactly 1 while a value is pending, blocked or not, else 0; after `close()` 0 for ever. C
   * libraries ask such a function whether they shall abort: SQLite's progress handler, FFmpeg's
   * `AVIOInterruptCB`, curl's `CURLOPT_XFERINFOFUNCTION`, ggml's abort callback. Any thread and any
   * signal handler may call it: it is async-signal-safe.
   *
   * @returns the address of the function, and the token to pass as `arg`.
   * @throws {InterruptError} with code `CLOSED`.
   */
  pollFunc(): NativeFunction {
    return this.#function(POLL_FUNCTION);
  }

  #function(which: number): NativeFunction {
    const { token } = this.#open();
    const func = this.#agent.native.functions.function_address(which);
    return { func, arg: token };
  }

  /**
   * Address of the int32 that holds the pending value, and is 0 when none is pending. Native code
   * may read it, from any thread, until `close()`.
   *
   * @throws {InterruptError} with code `CLOSED`.
   */
  get cVar(): bigint {
    return this.#agent.native.functions.record_address(this.#open().slot) +
      BigInt(PENDING * 4);
  }

  /**
   * The same int32 as {@linkcode cVar}, as a view of one element for APIs in the style of
   * `setInterruptBuffer`; always the same object. Do not use it after `close()`.
   *
   * @throws {InterruptError} with code `UNSUPPORTED` where `supports.poll` is `"call"`; with code
   * `CLOSED`.
   */
  get buffer(): Int32Array {
    const { memory, at } = this.#open();
    if (memory.view === undefined) {
      throw new InterruptError(
        "UNSUPPORTED",
        "Cannot view native memory: it needs --allow-ffi without a path, or --allow-read too",
      );
    }
    return this.#buffer ??= memory.view.subarray(at + PENDING, at + PENDING + 1);
  }

  /**
   * See {@linkcode InterruptOptions.signalHysteresis}.
   *
   * @throws {InterruptError} when set: with code `SYSTEM` if the signal's disposition cannot be
   * changed; with code `CLOSED`.
   */
  get signalHysteresis(): boolean {
    return this.#hysteresis;
  }

  set signalHysteresis(on: boolean) {
    const { slot } = this.#open();
    const { functions } = this.#agent.native;
    this.#hysteresis = Boolean(on);
    const status = functions.record_hook_options(slot, this.#hookOptions);
    // If this failed, the kernel may still ignore the signal, so the record must go on rearming it:
    // #updateRecord() does not run.
    checked(status, "Cannot hear the signal again");
    this.#updateRecord();
  }

  get #hookOptions(): number {
    return chainOption(this.#chain, this.#listened) | this.#listened | (this.#once ? ONCE : 0) |
      (this.#hysteresis && !isExecutedAnew() ? HYSTERESIS : 0);
  }

  /**
   * Descriptor of the read side of the event pipe, for the `poll`, `select` or `epoll` loop of
   * another library. Without a `pipe` option the first access makes a pipe, which is closed with
   * the Interrupt. Do not close the descriptor.
   *
   * @throws {InterruptError} with code `SYSTEM` when no descriptor is left; with code `CLOSED`.
   */
  get pipeFileno(): number {
    this.#open();
    if (this.#pipe === undefined) this.#usePipe(new EventPipe(), true);
    // An exception may have ended #usePipe() before this step, so repeat it.
    else this.#updateRecord();
    return this.#pipe!.fileno;
  }

  /**
   * Lets signals make the pipe readable: the default. If a value is pending, the pipe becomes
   * readable at once.
   *
   * @throws {InterruptError} with code `CLOSED`.
   */
  pipeEnable(): void {
    this.#setPipeEnabled(true);
  }

  /**
   * Stops signals from writing to the pipe. If {@linkcode Interrupt.pipeAutodrain} is on, the next
   * handling drains what they wrote before.
   *
   * @throws {InterruptError} with code `CLOSED`.
   */
  pipeDisable(): void {
    this.#setPipeEnabled(false);
  }

  #setPipeEnabled(on: boolean): void {
    this.#open();
    this.#pipeEnabled = on;
    this.#updateRecord();
  }

  /**
   * See {@linkcode InterruptOptions.pipeAutodrain}.
   *
   * @throws {InterruptError} when set after `close()`, with code `CLOSED`.
   */
  get pipeAutodrain(): boolean {
    return this.#pipeAutodrain;
  }

  set pipeAutodrain(on: boolean) {
    this.#open();
    this.#pipeAutodrain = Boolean(on);
    this.#updateRecord();
  }

  /**
   * Makes the pipe unreadable. Does nothing without a pipe.
   *
   * @throws {InterruptError} with code `CLOSED`.
   */
  pipeDrain(): void {
    this.#open().drainPipe();
  }

  /**
   * Call this after fork(2) in native code, in the child: it puts a new pipe under the same
   * descriptor numbers, so that parent and child do not drain each other's. Does nothing without a
   * pipe.
   *
   * @throws {InterruptError} as {@linkcode EventPipe.renew}.
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

  /** Tells the record what the current options mean for delivery. */
  #updateRecord(): void {
    const record = this.#record;
    record.setPipe(
      this.#pipe !== undefined && this.#pipeEnabled,
      this.#pipeAutodrain,
    );
    record.rearms = this.#hysteresis;
  }

  /**
   * Aborts when this Interrupt is first handled, before the callback: give it to `fetch()`, timers
   * or child processes. Its reason is a `DOMException` named `AbortError`. It is made with the
   * first access, and has aborted already if the Interrupt was handled before that. It does not
   * keep the process alive.
   *
   * @throws {InterruptError} with code `CLOSED`, if it was not made before `close()`.
   */
  get abortSignal(): AbortSignal {
    if (this.#abortSignal !== undefined) return this.#abortSignal;
    this.#open();
    const reason = (value: number) => abortError(this.#signal, value);
    return this.#abortSignal = this.#first === 0
      ? this.#listeners.abortSignal(reason)
      : AbortSignal.abort(reason(this.#first));
  }

  /**
   * Waits for the next value. Until then the process stays alive, and signals wake the event loop
   * even with `wake: false`.
   *
   * @param options with an AbortSignal, the wait can be given up.
   * @returns a promise of the next handled value. It rejects with an {@linkcode InterruptError}
   * with code `CLOSED` when the Interrupt is or becomes closed, with a `TypeError` for options of
   * the wrong type, and with the reason of the AbortSignal when that aborts.
   */
  wait(options: WaitOptions = {}): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#open();
      this.#listeners.wait(parseWaitOptions(options), resolve, reject);
    });
  }

  /**
   * Iterates over every handled value until `close()`. Values that are handled while the consumer
   * is busy are queued, without a limit. The process stays alive while the consumer waits.
   *
   * @throws {InterruptError} with code `CLOSED`.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<number> {
    this.#open();
    return this.#listeners.iterate();
  }

  /**
   * Keeps the process alive until {@linkcode unref}() or `close()`. Calling it twice has no further
   * effect.
   *
   * @throws {InterruptError} with code `CLOSED`, or with the failure of the wake if the event loop
   * cannot be woken.
   */
  ref(): this {
    this.#open();
    if (!this.#referenced) {
      this.#agent.ref();
      this.#referenced = true;
    }
    return this;
  }

  /** Lets the process end although this Interrupt is open: the default. Never throws `CLOSED`. */
  unref(): this {
    if (this.#referenced) {
      this.#agent.unref();
      this.#referenced = false;
    }
    return this;
  }

  /**
   * Closes the Interrupt. A pending value is handled first, once, even while blocked; then the
   * signal gets its earlier disposition back and the descriptors that were made here are closed. No
   * callback begins after that. Closing twice is fine.
   *
   * @throws {InterruptError} with code `SYSTEM` if what the signal did before cannot be put back.
   */
  close(): void {
    this.#record.close();
    // Still open: the last callback, which close() itself runs, has called close() again.
    if (!this.#record.closed) return;
    this.unref();
    if (this.#signal !== undefined) {
      this.#agent.signals.close(this.#signal, this);
    }
    this.#listeners.close();
    if (this.#ownsPipe) this.#pipe!.close();
  }

  /** Whether the Interrupt is closed. */
  get closed(): boolean {
    return this.#record.closed;
  }

  /** Calls {@linkcode close}() at the end of a `using` scope. */
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

  /**
   * Calls the callback. isOnStack() looks for the frame of this function to tell whether the
   * callback still runs.
   */
  readonly #handle = (value: number): Thrown | undefined => {
    const record = this.#record;
    if (this.#first === 0) this.#first = value;
    if (this.#once) this.#unhookSpent();
    this.#listeners.value(value);
    // A listener of abortSignal has closed it.
    if (record.closed) return undefined;
    try {
      if (this.#nativeCallback !== undefined) {
        const { func, arg } = this.#nativeCallback;
        // This throws if the native function is JavaScript that throws.
        this.#agent.native.functions.function_call(func, arg, value);
      }
      record.begin();
      const result: unknown = this.#callback?.(value);
      if (result !== undefined) {
        whenRejected(result, (error) => this.#report(error));
      }
    } catch (error) {
      // Keep the value before anything else: each step below may throw.
      record.left.taken = value;
      if (stackWasFull(error)) throw error;
      record.left.taken = 0;
      if (this.#rethrow) return { error, record };
      this.#report(error);
    }
    return undefined;
  };

  /** Calling it again has no effect, should an exception have ended it. */
  #unhookSpent(): void {
    const signal = this.#signal;
    const { native: { functions }, signals } = this.#agent;
    if (signal === undefined || this.#record.closed) return;
    if (functions.record_unhook_spent(this.#record.slot) === 1) this.#isSpent = true;
    if (!this.#isSpent) return;
    try {
      signals.close(signal, this);
    } catch (error) {
      if (!(error instanceof InterruptError)) throw error;
      this.#report(error);
    }
  }

  #report(error: unknown): void {
    try {
      const result: unknown = this.#onError === undefined
        ? Interrupt.onError(error, this)
        : this.#onError(error);
      whenRejected(result, (failure) => printAnyway("onError rejected:", failure));
    } catch (failure) {
      printAnyway("A callback threw:", error);
      printAnyway("onError threw:", failure);
    }
  }
}

let supports: InterruptSupport | undefined;

/** An Interrupt on one signal. */
function openOn(signal: number, callback: (value: number) => void): Interrupt {
  return new Interrupt({ signal, callback });
}

/**
 * Calls `report` when `result` is a promise, or anything that `await` treats as one, and rejects.
 */
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

/** Prints `error` even if printing it throws, as with a getter that throws. */
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
  // Hot path: the common case comes first.
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
