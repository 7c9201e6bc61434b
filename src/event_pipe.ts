import { agent } from "./delivery/agent.ts";
import { checked, describe, InterruptError } from "../ffi/errors.ts";
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

/** The pipe_wait timeout that never passes. */
const FOREVER = 2n ** 64n - 1n;

/** Not a parameter: the constructor is public, and descriptors are not for its callers. */
let adopted: readonly [readFd: number, writeFd: number] | undefined;

/**
 * A descriptor that is readable from `signal()` until `drain()`: for `poll`, `select` and `epoll`
 * loops of other libraries.
 *
 * An eventfd where there is one, else a pipe. Both ends are non-blocking and closed on exec.
 * However often it was signalled, one `drain()` empties it; a full one is as readable as any.
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
  /** `"eventfd"`; `"pipe"` or `"socketpair"` where there is none. */
  readonly type: "eventfd" | "pipe" | "socketpair";
  #closed = false;

  /**
   * Throws an {@linkcode InterruptError} with code `SYSTEM` when no descriptor is left,
   * `UNSUPPORTED` or `LIBRARY_NOT_FOUND` where the native library cannot be opened.
   */
  constructor() {
    const { id, pipes, native: { functions } } = agent();
    const given = adopted;
    this.#slot = checked(
      given ? functions.pipe_adopt(id, ...given) : functions.pipe_open(id),
      given ? `Cannot use [${given}] as a pipe` : "Cannot open an EventPipe",
    );
    this.#arg = functions.pipe_token(this.#slot);
    const info = (what: number) => functions.pipe_info(this.#slot, what);
    this.#filenos = given ?? [info(PIPE_READ_FD), info(PIPE_WRITE_FD)];
    this.type = pipeKinds[info(PIPE_KIND)];
    pipes.add(this);
  }

  /** Read side. Watch it, but leave the reading to {@linkcode drain}. */
  get fileno(): number {
    return this.filenos[0];
  }

  /**
   * Both sides; an eventfd has the same number twice. Never close or replace them: signals would be
   * written to whatever has the number then, which no system call can tell in time.
   */
  get filenos(): readonly [readFd: number, writeFd: number] {
    this.#open();
    return this.#filenos;
  }

  /** Makes it readable. */
  signal(): void {
    this.#open().pipe_signal(this.#arg);
  }

  /** Makes it unreadable, however often it was signalled. */
  drain(): void {
    this.#open().pipe_drain(this.#arg);
  }

  /**
   * `void (*)(void *arg)`: {@linkcode signal} for native code. Any thread, any signal handler;
   * nothing after `close()`.
   */
  signalFunc(): NativeFunction {
    return {
      func: this.#open().function_address(PIPE_SIGNAL_FUNCTION),
      arg: this.#arg,
    };
  }

  /**
   * `void (*)(void *arg)`: {@linkcode drain} for native code. Any thread, any signal handler;
   * nothing after `close()`.
   */
  drainFunc(): NativeFunction {
    return {
      func: this.#open().function_address(PIPE_DRAIN_FUNCTION),
      arg: this.#arg,
    };
  }

  /**
   * After fork(2) in native code: new descriptors under the old numbers, shared with no other
   * process, not readable.
   *
   * Throws an {@linkcode InterruptError}, and changes nothing, with code `BAD_FD` when other code
   * has closed or replaced a descriptor, `UNSUPPORTED` for one socket that is both sides, `SYSTEM`
   * when no descriptor is left.
   */
  renew(): void {
    checked(this.#open().pipe_renew(this.#slot), "Cannot renew the EventPipe");
  }

  /**
   * Blocks this thread until the pipe is readable; does not drain it. No callback runs meanwhile,
   * and a POSIX signal ends it only by making this pipe readable. Throws an {@linkcode
   * InterruptError} with code `BAD_FD` when other code has closed its descriptor.
   *
   * @param timeoutMs milliseconds, 0 and up, fractions too; for ever when not given. Else a
   * `TypeError` or `RangeError`.
   * @returns false when the time has passed.
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
    // 1e12 ms are 31 years.
    const timeout = timeoutMs === Infinity
      ? FOREVER
      : BigInt(Math.round(Math.min(timeoutMs, 1e12) * 1e6));
    return checked(
      functions.pipe_wait(this.#slot, timeout),
      "Cannot wait for the EventPipe",
    ) === 1;
  }

  /** Closes its descriptors. Interrupts that use it go on without. Twice is fine. */
  close(): void {
    if (this.closed) return;
    this.#closed = true;
    agent().native.functions.pipe_close(this.#slot);
  }

  /** Whether it was closed. */
  get closed(): boolean {
    return this.#closed || agent().ended;
  }

  /** {@linkcode close}, at the end of a `using` scope. */
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

/** Also one of another copy of this module. For this module only. */
export function isEventPipe(value: unknown): value is EventPipe {
  return agent().pipes.has(value as object);
}

/** An EventPipe over descriptors that the caller keeps. For this module only. */
export function adoptPipe(readFd: number, writeFd: number): EventPipe {
  adopted = [readFd, writeFd];
  try {
    return new EventPipe();
  } finally {
    adopted = undefined;
  }
}
