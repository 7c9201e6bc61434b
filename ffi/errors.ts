import { process } from "./runtime.ts";
import {
  BAD_FD_STATUS,
  CALL_STEP,
  SONAME,
  statusErrors,
  SYSTEM_STATUS,
  systemCalls,
} from "./symbols.ts";

/** Why an {@linkcode InterruptError} was thrown. */
export type InterruptErrorCode =
  | "CLOSED"
  | "BAD_FD"
  | "RESERVED_SIGNAL"
  | "UNBALANCED_UNBLOCK"
  | "UNSUPPORTED"
  | "LIBRARY_NOT_FOUND"
  | "SYSTEM";

/** All copies of this module mark their errors with this symbol. */
const brand = Symbol.for(`InterruptError of ${SONAME}`);

/**
 * Every error that this module throws, other than a `TypeError` or `RangeError`.
 *
 * | `code` | meaning |
 * | --- | --- |
 * | `CLOSED` | used after `close()`, or closed while something waited for it |
 * | `BAD_FD` | a descriptor is closed, is blocking, or has the wrong direction |
 * | `RESERVED_SIGNAL` | the signal cannot be caught, or the kernel, libc or the runtime needs it |
 * | `UNBALANCED_UNBLOCK` | more calls of `unblock()` than of `block()` |
 * | `UNSUPPORTED` | not on this platform, or not with these permissions |
 * | `LIBRARY_NOT_FOUND` | the native library could not be opened |
 * | `SYSTEM` | a system call failed: see `errno` and `syscall`; or no native memory is left |
 */
export class InterruptError extends Error {
  /** Always `"InterruptError"`. */
  override readonly name = "InterruptError";
  /** What went wrong, for programs to compare. */
  readonly code: InterruptErrorCode;
  /** The errno of a failed system call, as in `os.constants.errno`: positive. */
  readonly errno?: number;
  /** The name of the system call, or of the function of libc or libuv, that failed. */
  readonly syscall?: string;

  /**
   * For this module only: it makes all of them.
   *
   * @param code what went wrong, for programs.
   * @param message what went wrong and what helps, for people.
   * @param options with the `cause`, where another error led to this one; `errno` and `syscall` of
   * a failed system call.
   */
  constructor(
    code: InterruptErrorCode,
    message: string,
    options: ErrorOptions & { errno?: number; syscall?: string } = {},
  ) {
    const { errno, syscall, ...rest } = options;
    super(message, rest);
    this.code = code;
    if (errno !== undefined) this.errno = errno;
    if (syscall !== undefined) this.syscall = syscall;
  }

  /**
   * `instanceof` also accepts errors of another copy of this module: `import` and `require` each
   * load one.
   *
   * @param value anything.
   * @returns whether it is an InterruptError.
   */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return this === InterruptError
      ? typeof value === "object" && value !== null && brand in value
      : Function.prototype[Symbol.hasInstance].call(this, value);
  }
}

Object.defineProperty(InterruptError.prototype, brand, { value: true });

/** By native status. A status without an entry is a mistake in this module. */
const reasons: Readonly<Record<number, readonly [InterruptErrorCode, string]>> = statusErrors;

const foreign = "a descriptor was closed or replaced: which code closes what is not its own?";

/** What the caller can do about an errno. */
const cures: Record<string, string> = {
  EMFILE: "this process has no descriptor left: close some, or raise its limit (ulimit -n)",
  ENFILE:
    "the system has no descriptor left: close some, or raise fs.file-max (macOS: kern.maxfiles)",
  EAGAIN:
    "a limit is reached: use less, or raise it (of threads: ulimit -u, or pids.max of the cgroup)",
  ENOMEM: "no memory is left for it: free some, or raise the limit",
  EPERM: "it is not permitted: does a sandbox (seccomp) forbid it?",
  ENOSYS: "the kernel has no such call: does a sandbox (seccomp) hide it?",
  EPIPE: foreign,
  ENOTSOCK: foreign,
};

/**
 * What to do about the descriptor limit, if `text` names it in the words of a runtime or of the
 * dynamic linker. Internal.
 */
export function limitCure(text: string): string | undefined {
  if (/ENFILE|Too many open files in system/.test(text)) return cures.ENFILE;
  // The last are the words of musl.
  if (/EMFILE|Too many open files|No file descriptors available/.test(text)) return cures.EMFILE;
  return undefined;
}

/** Names the type of a value for a message: null is `null`, not `object`. Internal. */
export function describe(value: unknown): string {
  return value === null ? "null" : typeof value;
}

/**
 * Returns a native status that means success, and throws the error for any other. Internal.
 *
 * @param what the start of the message, as in "Cannot hook SIGTERM".
 */
export function checked(status: number, what: string): number {
  if (status >= 0) return status;
  throw errorOf(status, what);
}

/** The error that {@linkcode checked} throws. Internal. */
export function errorOf(status: number, what: string): InterruptError {
  if (status <= SYSTEM_STATUS) {
    const errno = (SYSTEM_STATUS - status) % CALL_STEP;
    const syscall = systemCalls[(SYSTEM_STATUS - status - errno) / CALL_STEP];
    const name = nameOf(errno);
    if (name === "EBADF") return errorOf(BAD_FD_STATUS, what);
    const cure = cures[name] ?? "it should not: please report this";
    return new InterruptError(
      "SYSTEM",
      `${what}: ${syscall} failed with ${name}: ${cure}`,
      { errno, syscall },
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
