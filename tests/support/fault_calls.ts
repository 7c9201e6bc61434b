/** The system calls of the library, and the errors that each may return. */

import type { runtime } from "./harness.ts";

export interface Call {
  /**
   * The x86-64 number; for functions of the process, the number that system_call.zig counts them
   * as.
   */
  number: number;
  /** Only these runtimes make the call. */
  on?: (typeof runtime)[];
  /** It is only made when two threads meet, so no scenario makes it for certain. */
  races?: true;
  /** From its man page and from the kernel's source. On Linux, ENOTSUP is EOPNOTSUPP. */
  errnos: string[];
  /**
   * The call wakes or drains, possibly where no error can be thrown. Its purpose may then fail this
   * once, and Interrupt.onError is told later. After the errors listed here the call is repeated,
   * or would have had no effect, so there is nothing to report.
   */
  untold?: string[];
}

/** A sandbox (seccomp) may fail any call like this. */
const sandbox = ["EPERM", "ENOSYS"];

/** Every call of the library that can fail. */
export const table: Record<string, Call> = {
  read: {
    number: 0,
    errnos: ["EAGAIN", "EBADF", "EFAULT", "EINTR", "EINVAL", "EIO", "EISDIR"],
    untold: ["EINTR", "EAGAIN"],
  },
  write: {
    number: 1,
    errnos: [
      ...["EAGAIN", "EBADF", "EDESTADDRREQ", "EDQUOT", "EFAULT", "EFBIG"],
      ...["EINTR", "EINVAL", "EIO", "ENOMEM", "ENOSPC", "EPERM", "EPIPE"],
    ],
    untold: ["EINTR", "ENOMEM", "EAGAIN"],
  },
  openat: {
    number: 257,
    errnos: [
      ...["EACCES", "EINTR", "ELOOP", "EMFILE", "ENAMETOOLONG", "ENFILE"],
      ...["ENOENT", "ENOMEM", "ENOTDIR", ...sandbox],
    ],
  },
  close: {
    number: 3,
    errnos: ["EBADF", "EINTR", "EIO", "ENOSPC", "EDQUOT"],
  },
  mmap: {
    number: 9,
    errnos: [
      ...["EACCES", "EAGAIN", "EBADF", "EEXIST", "EINVAL", "ENFILE", "ENODEV"],
      ...["ENOMEM", "EOVERFLOW", ...sandbox],
    ],
  },
  rt_sigaction: {
    number: 13,
    errnos: ["EFAULT", "EINVAL", ...sandbox],
  },
  rt_sigprocmask: {
    number: 14,
    errnos: ["EFAULT", "EINVAL", ...sandbox],
  },
  sendto: {
    number: 44,
    errnos: [
      ...["EACCES", "EAGAIN", "EALREADY", "EBADF", "ECONNRESET"],
      ...["EDESTADDRREQ", "EFAULT", "EINTR", "EINVAL", "EISCONN", "EMSGSIZE"],
      ...["ENOBUFS", "ENOMEM", "ENOTCONN", "ENOTSOCK", "ENOTSUP", "EPIPE"],
      ...sandbox,
    ],
    untold: ["EINTR", "ENOBUFS", "ENOMEM", "EAGAIN"],
  },
  socketpair: {
    number: 53,
    errnos: [
      ...["EAFNOSUPPORT", "EFAULT", "EMFILE", "ENFILE", "ENOMEM"],
      ...["ENOTSUP", "EPROTONOSUPPORT", ...sandbox],
    ],
  },
  kill: {
    number: 62,
    errnos: ["EINVAL", "ESRCH", ...sandbox],
    races: true,
  },
  fcntl: {
    number: 72,
    errnos: ["EBADF", "EINVAL", "EMFILE", ...sandbox],
  },
  clock_gettime: {
    number: 228,
    errnos: ["EACCES", "EFAULT", "EINVAL", "ENODEV", "ENOTSUP", ...sandbox],
  },
  ppoll: {
    number: 271,
    errnos: ["EFAULT", "EINTR", "EINVAL", "ENOMEM", ...sandbox],
  },
  eventfd2: {
    number: 290,
    errnos: ["EINVAL", "EMFILE", "ENFILE", "ENODEV", "ENOMEM", ...sandbox],
  },
  dup3: {
    number: 292,
    errnos: [
      ...["EBADF", "EBUSY", "EINTR", "EINVAL", "EMFILE", "ENOMEM"],
      ...sandbox,
    ],
  },
  pipe2: {
    number: 293,
    errnos: ["EFAULT", "EINVAL", "EMFILE", "ENFILE", ...sandbox],
  },
  rt_tgsigqueueinfo: {
    number: 297,
    errnos: ["EAGAIN", "EFAULT", "EINVAL", "ESRCH", ...sandbox],
  },
  kcmp: {
    number: 312,
    errnos: ["EACCES", "EBADF", "EFAULT", "EINVAL", "ESRCH", ...sandbox],
  },
  statx: {
    number: 332,
    errnos: [
      ...["EACCES", "EBADF", "EFAULT", "EINVAL", "ELOOP", "ENAMETOOLONG"],
      ...["ENOENT", "ENOMEM", "ENOTDIR", ...sandbox],
    ],
  },
  pthread_key_create: { number: 1000, errnos: ["EAGAIN", "ENOMEM"] },
  pthread_setspecific: { number: 1001, errnos: ["EINVAL", "ENOMEM"] },
  uv_async_init: {
    number: 1002,
    errnos: ["EINVAL", "EMFILE", "ENFILE", "ENOMEM", ...sandbox],
    on: ["node"],
  },
  // Fails for the first signal handle of a loop, when its pipe cannot be made.
  uv_signal_init: {
    number: 1003,
    errnos: ["EMFILE", "ENFILE", "ENOMEM", ...sandbox],
    on: ["node"],
  },
  // Fails when sigaction(2) fails.
  uv_signal_start: {
    number: 1004,
    errnos: ["EINVAL", ...sandbox],
    on: ["node"],
  },
  pthread_create: { number: 1005, errnos: ["EAGAIN", "EINVAL", "EPERM"] },
};

/** sched_yield(2) always succeeds. How often it is called depends on other threads. */
export const cannotFail = 24;

/** The name of a call in the table. */
export function nameOf(number: number): string {
  for (const [name, call] of Object.entries(table)) {
    if (call.number === number) return name;
  }
  throw new Error(`System call ${number} has no row in the table`);
}

/** The number of a call, by its name in the table. */
export function numberOf(call: string): number {
  return table[call]!.number;
}

/** The calls of the table that this runtime makes in every run, or all of them. */
export function callsOf(by?: typeof runtime): string[] {
  return Object.entries(table)
    .filter(([, { on, races }]) => by === undefined || (!races && (on?.includes(by) ?? true)))
    .map(([name]) => name);
}
