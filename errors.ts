/** Why an {@linkcode InterruptError} was thrown. */
export type InterruptErrorCode =
  | "CLOSED"
  | "BAD_FD"
  | "RESERVED_SIGNAL"
  | "UNBALANCED_UNBLOCK"
  | "UNSUPPORTED"
  | "LIBRARY_NOT_FOUND"
  | "SYSTEM";

/**
 * Every error of this module that is not a `TypeError` or `RangeError`.
 *
 * | `code` | meaning |
 * | --- | --- |
 * | `CLOSED` | used after `close()`, or closed while something waited for it |
 * | `BAD_FD` | a descriptor is closed, blocking, or faces the wrong way |
 * | `RESERVED_SIGNAL` | the signal cannot be caught, or belongs to the kernel, libc or the runtime |
 * | `UNBALANCED_UNBLOCK` | more `unblock()` than `block()` |
 * | `UNSUPPORTED` | not on this platform, or not with the permissions given |
 * | `LIBRARY_NOT_FOUND` | the native library could not be opened |
 * | `SYSTEM` | a system call failed; the message has its errno |
 */
export class InterruptError extends Error {
  /** `"InterruptError"`. */
  override readonly name = "InterruptError";
  /** What went wrong, for programs. */
  readonly code: InterruptErrorCode;

  /** Made by this module only. */
  constructor(
    code: InterruptErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.code = code;
  }
}

// The order and the numbers of zig-src/status.zig.
const statuses: Record<number, [InterruptErrorCode, string]> = {
  [-1]: ["CLOSED", "it is closed"],
  [-2]: ["BAD_FD", "a descriptor is not open"],
  [-3]: [
    "RESERVED_SIGNAL",
    "the signal cannot be caught, is a synchronous fault, or belongs to libc: choose another",
  ],
  [-4]: ["UNSUPPORTED", "this platform cannot do it"],
  [-5]: ["BAD_FD", "a descriptor is blocking: set O_NONBLOCK on both first"],
  [-6]: [
    "BAD_FD",
    "the read side must be readable and the write side writable: are they swapped?",
  ],
  [-8]: [
    "SYSTEM",
    "no native memory or no slot is left: close what is no longer needed",
  ],
};

const system = -1000;

/** The one place where a native status becomes an error. `what` reads "Cannot hook SIGTERM". For this module only. */
export function checked(status: number, what: string): number {
  if (status >= 0) return status;
  if (status <= system) {
    throw new InterruptError(
      "SYSTEM",
      `${what}: the system call failed with errno ${system - status}`,
    );
  }
  const [code, why] = statuses[status] ?? ["SYSTEM", `native status ${status}`];
  throw new InterruptError(code, `${what}: ${why}`);
}
