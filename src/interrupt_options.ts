import { describe, InterruptError } from "../ffi/errors.ts";
import { runtime } from "../ffi/runtime.ts";
import { type EventPipe, isEventPipe } from "./event_pipe.ts";
import type { NativeFunction } from "./native_function.ts";
import { sig2name, sig2num } from "./signals.ts";

/** What an {@linkcode Interrupt} does when it is signalled. */
export interface InterruptOptions {
  /**
   * Runs on the thread that created the Interrupt, with the signalled value. Its
   * `AsyncLocalStorage` context is that of the code whose `checkpoint()`, `handle()`, `signal()` or
   * `unblock()` runs it; from the event loop it has none.
   *
   * It may be async: then it counts as run once it has returned its promise, and may be called
   * again before that settles. A rejection goes to {@linkcode Interrupt.onError}, with `rethrow`
   * too.
   */
  // Two functions and not one: `void | Promise<void>` would refuse `() => count++`.
  callback?: ((value: number) => void) | ((value: number) => Promise<void>);
  /**
   * `void (*func)(void *arg, int value)`: called on the creating thread, just before `callback`. An
   * address where no code is, is refused; that the code is such a function, is the caller's word.
   */
  nativeCallback?: NativeFunction;
  /**
   * POSIX signal to hook: `"SIGINT"`, `"INT"` or `2`. Any number of Interrupts may hook one signal,
   * in Workers too.
   *
   * An Interrupt on a signal is a listener of its runtime: `process.on` and
   * `Deno.addSignalListener` go on hearing the signal, whatever comes and goes first, and packages
   * that count the listeners of `process` see one (not on Deno). When the last Interrupt is closed,
   * what the signal did before returns: byte for byte on Node and Bun, unless other native code has
   * replaced it meanwhile; on Deno, whose own handler stays, the default action. Real-time signals
   * (35 to 64) have no listeners in any runtime.
   *
   * KILL, STOP, the synchronous faults, 32 to 34 and, on Bun, PWR are reserved. On Node an
   * Interrupt on USR1 keeps the debugger's port from opening, as a listener does; V8's profiler
   * uses PROF.
   */
  signal?: string | number;
  /**
   * true: the kernel ignores the signal from its first arrival until it was handled, so that a
   * flood costs one delivery a handling. Takes effect while all Interrupts on that signal want it.
   * Children that are spawned while it is ignored inherit that on Deno, and on Node for signals
   * above 31. Never under `bun --watch`, whose next program would inherit it. Not for CHLD: while
   * it is ignored the kernel reaps the children itself. Default false.
   */
  signalHysteresis?: boolean;
  /**
   * Also call the handler that other native code had installed before, on the thread that takes the
   * signal. Not needed for the runtime's own listeners, which always hear. Deno's handler calls
   * that one by itself. Default false.
   */
  chain?: boolean;
  /**
   * Descriptors (or an {@linkcode EventPipe}) to make readable when signalled. The caller keeps
   * them, and may close them at any time: duplicates are used. Both must be non-blocking and stay
   * so: duplicates share that flag with the caller's, and with a child process that inherits them.
   */
  pipe?: EventPipe | readonly [readFd: number, writeFd: number];
  /** Drain the pipe before the callback. Default true. */
  pipeAutodrain?: boolean;
  /**
   * Wake this thread's event loop when signalled. Default true. false: signalling makes no system
   * call at all.
   */
  wake?: boolean;
  /**
   * Let what `callback` throws come out of `checkpoint()`, `handle()`, `signal()` and `unblock()`.
   * Default false: see {@linkcode Interrupt.onError}, which also gets it when the event loop itself
   * ran the callback.
   */
  rethrow?: boolean;
}

/** Options of {@linkcode Interrupt.wait}. */
export interface WaitOptions {
  /** Rejects with the signal's reason when it aborts. */
  signal?: AbortSignal;
}

/** The options of an Interrupt, checked, and with their defaults. */
export interface ParsedOptions {
  readonly callback: InterruptOptions["callback"];
  readonly nativeCallback: NativeFunction | undefined;
  readonly signal: number | undefined;
  readonly signalHysteresis: boolean;
  readonly chain: boolean;
  readonly pipe:
    | EventPipe
    | readonly [readFd: number, writeFd: number]
    | undefined;
  readonly pipeAutodrain: boolean;
  readonly wake: boolean;
  readonly rethrow: boolean;
}

/** @throws what the constructor of Interrupt says, for options that make no sense. */
export function parseOptions(options: InterruptOptions): ParsedOptions {
  checkOptions(options, "Cannot create an Interrupt");
  const { callback, nativeCallback, signal, pipe } = options;
  if (callback !== undefined && typeof callback !== "function") {
    throw new TypeError(
      `Cannot create an Interrupt: callback must be a function, not ${describe(callback)}`,
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
    signalHysteresis: Boolean(options.signalHysteresis),
    chain: Boolean(options.chain),
    pipe: pipe === undefined ? undefined : pipeOf(pipe),
    pipeAutodrain: Boolean(options.pipeAutodrain ?? true),
    wake: Boolean(options.wake ?? true),
    rethrow: Boolean(options.rethrow),
  };
}

function checkOptions(options: unknown, what: string): void {
  if (typeof options === "object" && options !== null) return;
  throw new TypeError(
    `${what}: options must be an object, not ${describe(options)}`,
  );
}

/** @throws {TypeError} where wait() cannot use them. */
export function parseWaitOptions(
  options: WaitOptions,
): AbortSignal | undefined {
  checkOptions(options, "Cannot wait");
  const { signal } = options;
  // Not instanceof: it may come from another realm.
  if (signal !== undefined && typeof signal?.throwIfAborted !== "function") {
    throw new TypeError(
      `Cannot wait: signal must be an AbortSignal, not ${describe(signal)}`,
    );
  }
  return signal;
}

function signalNumber(signal: string | number): number {
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

/** libc's own have no name, but a number: the library refuses them with the reason. */
function isReservedNumber(signal: number): boolean {
  return signal === 32 || signal === 33;
}

/** Whether the runtime keeps the signal for itself. */
export function isRuntimes(name: string): boolean {
  return runtime === "bun" && name === "SIGPWR";
}

/** Whether it has the shape of one: two addresses. */
export function isNativeFunction(value: unknown): value is NativeFunction {
  if (typeof value !== "object" || value === null) return false;
  const { func, arg } = value as Partial<NativeFunction>;
  return isAddress(func) && isAddress(arg);
}

function isAddress(value: unknown): value is bigint {
  return typeof value === "bigint" && BigInt.asUintN(64, value) === value;
}

function pipeOf(
  pipe: NonNullable<InterruptOptions["pipe"]>,
): NonNullable<ParsedOptions["pipe"]> {
  if (isEventPipe(pipe)) {
    // Throws when it is closed.
    pipe.signalFunc();
    return pipe;
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
  return [readFd, writeFd];
}
