import { describe, InterruptError } from "../ffi/errors.ts";
import { runtime } from "../ffi/runtime.ts";
import { type EventPipe, isEventPipe } from "./event_pipe.ts";
import type { NativeFunction } from "./native_function.ts";
import { checkOptions } from "./options.ts";
import { sig2name, sig2num, type SignalName } from "./signals.ts";

/** What an {@linkcode Interrupt} does when it is signalled. */
export interface InterruptOptions {
  /**
   * Runs on the thread that created the Interrupt, with the signalled value. It runs in the
   * `AsyncLocalStorage` context of the code whose `checkpoint()`, `handle()`, `signal()` or
   * `unblock()` runs it; when the event loop runs it, there is no context.
   *
   * It may be async. Then it counts as finished when it returns its promise, and may be called
   * again before that settles. A rejection goes to {@linkcode Interrupt.onError}, even with
   * `rethrow`.
   */
  // A union of two functions: `void | Promise<void>` would refuse `() => count++`.
  callback?: ((value: number) => void) | ((value: number) => Promise<void>);
  /**
   * A native function that is called on the creating thread, just before `callback`: `void
   * (*func)(void *arg, int value)`. A `func` that is not the address of executable memory is
   * rejected with a `RangeError`; the caller guarantees that the code there has this type.
   */
  nativeCallback?: NativeFunction;
  /**
   * POSIX signal to hook, by name or number: `"SIGINT"`, `"INT"` or `2`. The value that the
   * callback gets is its number. Any number of Interrupts may hook one signal, also in Workers. For
   * several signals, make several Interrupts, or use {@linkcode Interrupt.on}.
   *
   * The runtime's own listeners (`process.on`, `Deno.addSignalListener`) keep hearing the signal,
   * in whatever order they and Interrupts come and go: an Interrupt on a signal registers itself as
   * a listener of the runtime. So packages that count the listeners of `process` see one more (not
   * on Deno). Real-time signals (35 to 64) have no listeners in any runtime.
   *
   * Closing the last Interrupt on a signal restores the earlier disposition. On Node and Bun it is
   * restored byte for byte, unless other native code has replaced ours meanwhile. On Deno, whose
   * own handler stays installed, the default action is restored.
   *
   * Reserved are KILL, STOP, the synchronous faults, 32 to 34, and PWR on Bun. On Node an Interrupt
   * on USR1 keeps the debugger's port from opening, as a listener does; V8's profiler uses PROF.
   */
  signal?: SignalName | number;
  /**
   * true: only the first arrival of the signal counts. Our signal handler itself puts back what the
   * signal did before: a second Ctrl-C ends the program even if that never calls `checkpoint()`.
   * The program's own listeners keep hearing it, and other Interrupts on it that are not `once`.
   * When the signal is handled, this Interrupt no longer hooks it, but stays open. Default false.
   *
   * Deno, and a Worker of Node, cannot tell whether the program has other listeners. There a second
   * arrival plays the default action until the first is handled, even if the program has some. Bun
   * does not tell when a listener goes by `off()`. If the last one goes after this Interrupt was
   * made, a second arrival does nothing until the first is handled.
   */
  once?: boolean;
  /**
   * true: the kernel ignores the signal from its first arrival until it is handled, so that a flood
   * of signals costs one delivery per handling. It takes effect while all Interrupts on that signal
   * want it. Default false.
   *
   * Children that are spawned while the signal is ignored inherit that on Deno, and on Node for
   * signals above 31. It never takes effect under `bun --watch`, whose next program would inherit
   * it, and not for CHLD: while CHLD is ignored, the kernel reaps the children itself.
   */
  signalHysteresis?: boolean;
  /**
   * Also call the handler that other native code had installed before, on the thread that receives
   * the signal. The runtime's own listeners do not need this: they always hear. On Deno the
   * runtime's handler calls the earlier one by itself. Default false.
   */
  chain?: boolean;
  /**
   * Signal by itself, with value 1, every so many milliseconds: 0.05 to 2^31 - 1, fractions too.
   * The first time is one period from now, and all others are multiples of it on the monotonic
   * clock: lateness does not add up. It comes from a native thread, so it is in time while
   * JavaScript computes, and takes no POSIX signal. Ticks that come while one is pending are one,
   * and a tick that the machine is too busy for is not made up for.
   *
   * It goes on until `close()`, also while blocked. By itself it does not keep the process alive:
   * {@linkcode Interrupt.ref} and {@linkcode Interrupt.wait} do. All timers of the process share
   * one thread, which ends a second after the last of them is closed.
   */
  every?: number;
  /**
   * An {@linkcode EventPipe}, or two descriptors, to make readable when signalled. The caller keeps
   * its descriptors and may close them at any time: the Interrupt uses duplicates. Both must be
   * non-blocking and stay so: duplicates share that flag with the caller's descriptors, and with
   * those that a child process inherits.
   */
  pipe?: EventPipe | readonly [readFd: number, writeFd: number];
  /** Drain the pipe before the callback. Default true. */
  pipeAutodrain?: boolean;
  /**
   * Wake this thread's event loop when signalled. Default true. With false, signalling makes no
   * system call (unless it writes to a pipe), and an idle event loop sleeps on: the callback runs
   * at the next checkpoint.
   */
  wake?: boolean;
  /**
   * Let what `callback` throws come out of `checkpoint()`, `handle()`, `signal()` and `unblock()`.
   * Default false: {@linkcode Interrupt.onError} receives it. When the event loop itself runs the
   * callback, `onError` receives it in either case.
   */
  rethrow?: boolean;
  /**
   * Receives what `callback` throws or rejects with, in place of {@linkcode Interrupt.onError}.
   */
  onError?: (error: unknown) => void;
}

/**
 * Options of {@linkcode Interrupt.wait}, {@linkcode Interrupt.on} and {@linkcode Interrupt.once}.
 */
export interface WaitOptions {
  /** Aborting it ends the waiting, which rejects with its reason. */
  signal?: AbortSignal;
}

/** The options of an Interrupt after the checks, with the defaults filled in. */
export interface ParsedOptions {
  readonly callback: InterruptOptions["callback"];
  readonly nativeCallback: NativeFunction | undefined;
  readonly signal: number | undefined;
  readonly once: boolean;
  readonly signalHysteresis: boolean;
  readonly chain: boolean;
  /** The period of `every` in nanoseconds. */
  readonly period: bigint | undefined;
  readonly pipe: EventPipe | undefined;
  /** Given in place of an EventPipe. */
  readonly descriptors: readonly [readFd: number, writeFd: number] | undefined;
  readonly pipeAutodrain: boolean;
  readonly wake: boolean;
  readonly rethrow: boolean;
  readonly onError: InterruptOptions["onError"];
}

/** All options, so that the compiler finds one that is missing here. */
const optionNames = Object.keys(
  {
    callback: 0,
    nativeCallback: 0,
    signal: 0,
    once: 0,
    signalHysteresis: 0,
    chain: 0,
    every: 0,
    pipe: 0,
    pipeAutodrain: 0,
    wake: 0,
    rethrow: 0,
    onError: 0,
  } satisfies Record<keyof InterruptOptions, 0>,
);

/**
 * Checks the options and fills in the defaults.
 *
 * @throws what the constructor of Interrupt throws for options of the wrong type or out of range.
 */
export function parseOptions(options: InterruptOptions): ParsedOptions {
  checkOptions(options, "Cannot create an Interrupt", optionNames);
  const { callback, nativeCallback, signal, pipe, onError } = options;
  for (const [name, value] of Object.entries({ callback, onError })) {
    if (value === undefined || typeof value === "function") continue;
    throw new TypeError(
      `Cannot create an Interrupt: ${name} must be a function, not ${describe(value)}`,
    );
  }
  if (nativeCallback !== undefined && !isNativeFunction(nativeCallback)) {
    throw new TypeError(
      "Cannot create an Interrupt: nativeCallback must be { func, arg }, two addresses as bigints",
    );
  }
  return {
    callback,
    nativeCallback,
    signal: signal === undefined ? undefined : signalNumber(signal),
    once: Boolean(options.once),
    signalHysteresis: Boolean(options.signalHysteresis),
    chain: Boolean(options.chain),
    period: options.every === undefined ? undefined : nanoseconds(options.every),
    ...pipe === undefined ? { pipe, descriptors: undefined } : parsePipe(pipe),
    pipeAutodrain: Boolean(options.pipeAutodrain ?? true),
    wake: Boolean(options.wake ?? true),
    rethrow: Boolean(options.rethrow),
    onError,
  };
}

/**
 * Internal.
 *
 * @throws {TypeError} for options of the wrong type.
 */
export function parseWaitOptions(
  options: WaitOptions,
): AbortSignal | undefined {
  checkOptions(options, "Cannot wait", ["signal"]);
  return abortSignalOf(options.signal, "Cannot wait");
}

/**
 * Internal.
 *
 * @throws {TypeError} if it is neither an AbortSignal nor undefined.
 */
export function abortSignalOf(
  signal: AbortSignal | undefined,
  what: string,
): AbortSignal | undefined {
  // Not instanceof: the AbortSignal may come from another realm.
  if (signal !== undefined && typeof signal?.throwIfAborted !== "function") {
    throw new TypeError(`${what}: signal must be an AbortSignal, not ${describe(signal)}`);
  }
  return signal;
}

/**
 * Internal.
 *
 * @returns the numbers of one or several signals, each once.
 * @throws what the option `signal` of an Interrupt throws; RangeError if there is none.
 */
export function signalNumbers(
  signals: SignalName | number | readonly (SignalName | number)[],
): number[] {
  const all = Array.isArray(signals) ? signals : [signals];
  if (all.length === 0) throw new RangeError("Cannot hook a signal: the array has none");
  return [...new Set(all.map(signalNumber))];
}

/** The periods of `every`, in milliseconds. `setInterval` has the same upper limit. Internal. */
export const EVERY = { min: 0.05, max: 2 ** 31 - 1 };

function nanoseconds(every: number): bigint {
  if (typeof every !== "number") {
    throw new TypeError(
      `Cannot create an Interrupt: every must be a number, not ${describe(every)}`,
    );
  }
  // Not the other way round: NaN is neither.
  if (every >= EVERY.min && every <= EVERY.max) return BigInt(Math.round(every * 1e6));
  throw new RangeError(
    `Cannot create an Interrupt: every must be from ${EVERY.min} to ${EVERY.max} milliseconds, current value is ${every}`,
  );
}

function signalNumber(signal: SignalName | number): number {
  if (typeof signal !== "string" && typeof signal !== "number") {
    throw new TypeError(
      `Cannot hook a signal: it must be a name or a number, not ${describe(signal)}`,
    );
  }
  const number = typeof signal === "number" && isReservedNumber(signal) ? signal : sig2num(signal);
  if (number === undefined) {
    throw new RangeError(
      `Cannot hook a signal: this platform does not have ${
        typeof signal === "string" ? `"${signal}"` : signal
      }`,
    );
  }
  const name = sig2name(number);
  if (name !== undefined && isRuntimes(name)) {
    throw new InterruptError(
      "RESERVED_SIGNAL",
      `Cannot hook ${name}: Bun's JavaScript engine suspends threads with it`,
    );
  }
  return number;
}

/**
 * The signals 32 and 33 of libc have a number but no name. The library rejects them with the
 * reason.
 */
function isReservedNumber(signal: number): boolean {
  return signal === 32 || signal === 33;
}

/** Whether the runtime needs the signal for itself. */
export function isRuntimes(name: string): boolean {
  return runtime === "bun" && name === "SIGPWR";
}

/** Whether it has the shape of a NativeFunction: two addresses. */
export function isNativeFunction(value: unknown): value is NativeFunction {
  if (typeof value !== "object" || value === null) return false;
  const { func, arg } = value as Partial<NativeFunction>;
  return isAddress(func) && isAddress(arg);
}

function isAddress(value: unknown): value is bigint {
  return typeof value === "bigint" && BigInt.asUintN(64, value) === value;
}

function parsePipe(
  pipe: NonNullable<InterruptOptions["pipe"]>,
): Pick<ParsedOptions, "pipe" | "descriptors"> {
  if (isEventPipe(pipe)) {
    // This throws if the EventPipe is closed.
    pipe.signalFunc();
    return { pipe, descriptors: undefined };
  }
  if (
    !Array.isArray(pipe) || pipe.length !== 2 ||
    !pipe.every((fd) => typeof fd === "number")
  ) {
    throw new TypeError(
      "Cannot create an Interrupt: pipe must be an EventPipe or [readFd, writeFd]",
    );
  }
  const [readFd, writeFd] = pipe;
  for (const fd of [readFd, writeFd]) {
    if ((fd | 0) !== fd || fd < 0) {
      throw new InterruptError(
        "BAD_FD",
        `Cannot create an Interrupt: ${fd} is not a descriptor`,
      );
    }
  }
  return { pipe: undefined, descriptors: [readFd, writeFd] };
}
