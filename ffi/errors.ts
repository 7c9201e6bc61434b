import { process } from "./runtime.ts";
import { BAD_FD_STATUS, SONAME, statusErrors, SYSTEM_STATUS } from "./symbols.ts";

/** Why an {@linkcode InterruptError} was thrown. */
export type InterruptErrorCode =
  | "CLOSED"
  | "BAD_FD"
  | "RESERVED_SIGNAL"
  | "UNBALANCED_UNBLOCK"
  | "UNSUPPORTED"
  | "LIBRARY_NOT_FOUND"
  | "SYSTEM";

/** What the errors of all copies of this module have in common. */
const brand = Symbol.for(`InterruptError of ${SONAME}`);

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

  /**
   * `instanceof` holds for an error of another copy of this module too, as `import` and `require`
   * have them.
   */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return this === InterruptError
      ? typeof value === "object" && value !== null && brand in value
      : Function.prototype[Symbol.hasInstance].call(this, value);
  }
}

Object.defineProperty(InterruptError.prototype, brand, { value: true });

/** By the native status. One that is not here is a mistake of this module. */
const reasons: Readonly<Record<number, readonly [InterruptErrorCode, string]>> = statusErrors;

const foreign = "a descriptor was closed or replaced: which code closes what is not its own?";

/** What the caller can do about an errno. */
const cures: Record<string, string> = {
  EMFILE: "this process has no descriptor left: close some, or raise its limit (ulimit -n)",
  ENFILE: "the system has no descriptor left: close some, or raise fs.file-max",
  EAGAIN: "a limit of this process is reached: use less, or raise it",
  ENOMEM: "no memory is left for it: free some, or raise the limit",
  EPERM: "it is not permitted: does a sandbox (seccomp) forbid it?",
  ENOSYS: "the kernel has no such call: does a sandbox (seccomp) hide it?",
  EPIPE: foreign,
  ENOTSOCK: foreign,
};

/**
 * What to do about the descriptor limit, if `text` names one as runtimes or the dynamic linker do.
 * For this module only.
 */
export function limitCure(text: string): string | undefined {
  if (/ENFILE|Too many open files in system/.test(text)) return cures.ENFILE;
  if (/EMFILE|Too many open files/.test(text)) return cures.EMFILE;
  return undefined;
}

/** What a value is that should be something else. For this module only. */
export function describe(value: unknown): string {
  return value === null ? "null" : typeof value;
}

/**
 * The one place where a native status becomes an error. `what` reads "Cannot hook SIGTERM". For
 * this module only.
 */
export function checked(status: number, what: string): number {
  if (status >= 0) return status;
  throw errorOf(status, what);
}

/** The error that {@linkcode checked} throws. For this module only. */
export function errorOf(status: number, what: string): InterruptError {
  if (status <= SYSTEM_STATUS) {
    const errno = SYSTEM_STATUS - status;
    const name = nameOf(errno);
    if (name === "EBADF") return errorOf(BAD_FD_STATUS, what);
    const cure = cures[name] ?? "it should not: please report this";
    return new InterruptError(
      "SYSTEM",
      `${what}: a system call failed with ${name}: ${cure}`,
    );
  }
  const [code, why] = reasons[status] ?? ["SYSTEM", `native status ${status}`];
  return new InterruptError(code, `${what}: ${why}`);
}

function nameOf(errno: number): string {
  const { constants } = process().getBuiltinModule("node:os");
  const known = Object.entries(constants.errno);
  return known.find(([, number]) => number === errno)?.[0] ??
    `errno ${errno}`;
}
