import { agent } from "./delivery/agent.ts";
import { checked, describe, InterruptError } from "../ffi/errors.ts";
import { checkOptions } from "./options.ts";
import {
  PIPE_DRAIN_FUNCTION,
  PIPE_KIND,
  PIPE_READ_FD,
  PIPE_SIGNAL_FUNCTION,
  PIPE_WRITE_FD,
  pipeKinds,
} from "../ffi/symbols.ts";
import type { Native } from "../ffi/load.ts";
import type { NativeFunction } from "./native_function.ts";

/** The timeout of pipe_wait that never ends. */
const FOREVER = 2n ** 64n - 1n;

/**
 * Arguments of the constructor that are not parameters: the constructor is public, but only this
 * module may pass descriptors.
 */
let adopted: readonly [readFd: number, writeFd: number] | undefined;

/** Options of {@linkcode EventPipe}. */
export interface EventPipeOptions {
  /**
   * What the loop that watches it can take: `"eventfd"` is the cheapest; `"pipe"` suits
   * `net.Socket` too; `"socketpair"` suits `net.Socket` and `Bun.connect()`. poll, select, epoll,
   * libuv's `uv_poll_t`, mio and tokio take all. Default: an eventfd, or a pipe where the kernel or
   * a sandbox has none.
   */
  type?: "eventfd" | "pipe" | "socketpair";
}

/**
 * A descriptor that is readable from `signal()` until `drain()`, for the event loops of other
 * libraries. docs/event_loops.md in the repository has a program for each of these:
 *
 * - poll(2) and select(2): watch {@linkcode fileno} for reading;
 * - epoll(7): `EPOLLIN`, level-triggered or edge-triggered;
 * - libuv, on Node and on Deno from 2.8.2 on: `uv_poll_t`;
 * - Rust's mio: `SourceFd`;
 * - Rust's tokio: `AsyncFd`;
 * - `new Socket({ fd })` of node:net, on Node and Deno: type `"pipe"` or `"socketpair"`;
 * - `Bun.connect({ fd })`: type `"socketpair"`.
 *
 * Both ends are non-blocking and close-on-exec. Any number of signals make it readable: one
 * `drain()` empties it, and signalling a full pipe does nothing more.
 *
 * An EventPipe belongs to the thread that created it: call its methods there only. Other threads
 * and signal handlers use {@linkcode signalFunc} and {@linkcode drainFunc}. After `close()`,
 * everything but `close()`, `closed` and `type` throws an {@linkcode InterruptError} with code
 * `CLOSED`.
 *
 * @example
 * ```ts
 * import { EventPipe } from "@async/interrupt";
 *
 * using pipe = new EventPipe();
 * pipe.signal();
 * pipe.wait(); // true: readable
 * pipe.drain();
 * pipe.wait(0); // false
 * ```
 */
export class EventPipe implements Disposable {
  readonly #slot: number;
  readonly #arg: bigint;
  readonly #filenos: readonly [readFd: number, writeFd: number];
  /** What the descriptors are. */
  readonly type: "eventfd" | "pipe" | "socketpair";
  #closed = false;

  /**
   * Opens its descriptors.
   *
   * @param options which kind of descriptor, if the loop that watches it cannot take every kind.
   * @throws {TypeError} for options of the wrong type, or a kind that does not exist.
   * @throws {InterruptError} with code `SYSTEM` when no descriptor is left; with code `UNSUPPORTED`
   * or `LIBRARY_NOT_FOUND` when the native library cannot be opened; with code `CLOSED` when the
   * realm has ended.
   */
  constructor(options: EventPipeOptions = {}) {
    const kind = kindOf(options);
    const { id, pipes, native: { functions } } = agent();
    const given = adopted;
    this.#slot = given
      ? checked(functions.pipe_adopt(id, ...given), `Cannot use [${given}] as a pipe`)
      : checked(
        kind < 0 ? functions.pipe_open(id) : functions.pipe_open_kind(id, kind),
        "Cannot open an EventPipe",
      );
    this.#arg = functions.pipe_token(this.#slot);
    const info = (what: number) => functions.pipe_info(this.#slot, what);
    this.#filenos = given ?? [info(PIPE_READ_FD), info(PIPE_WRITE_FD)];
    this.type = pipeKinds[info(PIPE_KIND)]!;
    pipes.add(this);
  }

  /**
   * Descriptor of the read side. Watch it, but leave the reading to {@linkcode drain}. Only a
   * socket that watches it (`net.Socket`, `Bun.connect()`) may read and close it: destroy the
   * socket before you call {@linkcode close}.
   *
   * @throws {InterruptError} with code `CLOSED`.
   */
  get fileno(): number {
    return this.filenos[0];
  }

  /**
   * Descriptors of both sides; those of an eventfd are the same. Never close or replace the write
   * side: signals would then be written to the file that gets the number next, which no system call
   * can detect in time.
   *
   * @throws {InterruptError} with code `CLOSED`.
   */
  get filenos(): readonly [readFd: number, writeFd: number] {
    this.#open();
    return this.#filenos;
  }

  /**
   * Makes it readable.
   *
   * @throws {InterruptError} with code `CLOSED`.
   */
  signal(): void {
    this.#open().pipe_signal(this.#arg);
  }

  /**
   * Makes it unreadable, however often it was signalled.
   *
   * @throws {InterruptError} with code `CLOSED`.
   */
  drain(): void {
    this.#open().pipe_drain(this.#arg);
  }

  /**
   * {@linkcode signal} as a native function: `void (*)(void *arg)`. Any thread and any signal
   * handler may call it: it is async-signal-safe. After `close()` a call does nothing.
   *
   * @returns the address of the function, and the token to pass as `arg`.
   * @throws {InterruptError} with code `CLOSED`.
   */
  signalFunc(): NativeFunction {
    return {
      func: this.#open().function_address(PIPE_SIGNAL_FUNCTION),
      arg: this.#arg,
    };
  }

  /**
   * {@linkcode drain} as a native function: `void (*)(void *arg)`. Any thread and any signal
   * handler may call it: it is async-signal-safe. After `close()` a call does nothing.
   *
   * @returns the address of the function, and the token to pass as `arg`.
   * @throws {InterruptError} with code `CLOSED`.
   */
  drainFunc(): NativeFunction {
    return {
      func: this.#open().function_address(PIPE_DRAIN_FUNCTION),
      arg: this.#arg,
    };
  }

  /**
   * Call this after fork(2) in native code, in the child: it puts new descriptors under the old
   * numbers. They are shared with no other process, and not readable.
   *
   * @throws {InterruptError} with code `BAD_FD` if other code has closed or replaced a descriptor,
   * `UNSUPPORTED` if one socket is both sides, `SYSTEM` when no descriptor is left; nothing changes
   * then. With code `CLOSED`.
   */
  renew(): void {
    checked(this.#open().pipe_renew(this.#slot), "Cannot renew the EventPipe");
  }

  /**
   * Blocks this thread until the pipe is readable, and does not drain it. Meanwhile no callback
   * runs, and a POSIX signal ends the wait only if it makes this pipe readable.
   *
   * @param timeoutMs in milliseconds, 0 or more; fractions count. Default: no limit.
   * @returns true if the pipe is readable, false if the time has passed.
   * @throws {TypeError} if `timeoutMs` is not a number.
   * @throws {RangeError} if it is negative or NaN.
   * @throws {InterruptError} with code `BAD_FD` if other code has closed the descriptor; with code
   * `CLOSED`.
   */
  wait(timeoutMs: number = Infinity): boolean {
    const functions = this.#open();
    if (typeof timeoutMs !== "number") {
      throw new TypeError(
        `Cannot wait: timeoutMs must be a number, not ${describe(timeoutMs)}`,
      );
    }
    if (!(timeoutMs >= 0)) {
      throw new RangeError(
        `Cannot wait: timeoutMs must be 0 or more, current value is ${timeoutMs}`,
      );
    }
    // The limit of 1e12 ms, which is 31 years, keeps the nanoseconds within a u64.
    const timeout = timeoutMs === Infinity
      ? FOREVER
      : BigInt(Math.round(Math.min(timeoutMs, 1e12) * 1e6));
    return checked(
      functions.pipe_wait(this.#slot, timeout),
      "Cannot wait for the EventPipe",
    ) === 1;
  }

  /**
   * Closes its descriptors. Interrupts that use it continue without a pipe. Closing twice is fine.
   */
  close(): void {
    if (this.closed) return;
    this.#closed = true;
    agent().native.functions.pipe_close(this.#slot);
  }

  /** Whether it is closed. */
  get closed(): boolean {
    return this.#closed || agent().ended;
  }

  /** Calls {@linkcode close}() at the end of a `using` scope. */
  [Symbol.dispose](): void {
    this.close();
  }

  #open(): Native["functions"] {
    if (this.closed) {
      throw new InterruptError(
        "CLOSED",
        "Cannot use an EventPipe after its close()",
      );
    }
    return agent().native.functions;
  }
}

/** An index of pipeKinds; -1 for the default. */
function kindOf(options: EventPipeOptions): number {
  checkOptions(options, "Cannot open an EventPipe", ["type"]);
  const { type } = options;
  if (type === undefined) return -1;
  const kind = pipeKinds.indexOf(type);
  if (kind >= 0) return kind;
  throw new TypeError(
    `Cannot open an EventPipe: type must be one of ${pipeKinds.join(", ")}, not ${String(type)}`,
  );
}

/**
 * Whether it is an EventPipe, of this copy of the module or of another one in this realm. Internal.
 */
export function isEventPipe(value: unknown): value is EventPipe {
  return agent().pipes.has(value as object);
}

/** Makes an EventPipe over descriptors that the caller keeps. Internal. */
export function adoptPipe(readFd: number, writeFd: number): EventPipe {
  adopted = [readFd, writeFd];
  try {
    return new EventPipe();
  } finally {
    adopted = undefined;
  }
}
