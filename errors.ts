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
  override readonly name = "InterruptError";
  /** What went wrong, for programs. */
  readonly code: InterruptErrorCode;

  /** Made by this module only. */
  constructor(code: InterruptErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
