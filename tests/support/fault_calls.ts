/** The system calls of the library, and the errors that each may return. */

import type { runtime } from "./harness.ts";

export interface Call {
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
    errnos: ["EAGAIN", "EBADF", "EFAULT", "EINTR", "EINVAL", "EIO", "EISDIR"],
    untold: ["EINTR", "EAGAIN"],
  },
  write: {
    errnos: [
      ...["EAGAIN", "EBADF", "EDESTADDRREQ", "EDQUOT", "EFAULT", "EFBIG"],
      ...["EINTR", "EINVAL", "EIO", "ENOMEM", "ENOSPC", "EPERM", "EPIPE"],
    ],
    untold: ["EINTR", "ENOMEM", "EAGAIN"],
  },
  openat: {
    errnos: [
      ...["EACCES", "EINTR", "ELOOP", "EMFILE", "ENAMETOOLONG", "ENFILE"],
      ...["ENOENT", "ENOMEM", "ENOTDIR", ...sandbox],
    ],
  },
  close: {
    errnos: ["EBADF", "EINTR", "EIO", "ENOSPC", "EDQUOT"],
  },
  mmap: {
    errnos: [
      ...["EACCES", "EAGAIN", "EBADF", "EEXIST", "EINVAL", "ENFILE", "ENODEV"],
      ...["ENOMEM", "EOVERFLOW", ...sandbox],
    ],
  },
  rt_sigaction: {
    errnos: ["EFAULT", "EINVAL", ...sandbox],
  },
  rt_sigprocmask: {
    errnos: ["EFAULT", "EINVAL", ...sandbox],
  },
  sendto: {
    errnos: [
      ...["EACCES", "EAGAIN", "EALREADY", "EBADF", "ECONNRESET"],
      ...["EDESTADDRREQ", "EFAULT", "EINTR", "EINVAL", "EISCONN", "EMSGSIZE"],
      ...["ENOBUFS", "ENOMEM", "ENOTCONN", "ENOTSOCK", "ENOTSUP", "EPIPE"],
      ...sandbox,
    ],
    untold: ["EINTR", "ENOBUFS", "ENOMEM", "EAGAIN"],
  },
  socketpair: {
    errnos: [
      ...["EAFNOSUPPORT", "EFAULT", "EMFILE", "ENFILE", "ENOMEM"],
      ...["ENOTSUP", "EPROTONOSUPPORT", ...sandbox],
    ],
  },
  kill: {
    errnos: ["EINVAL", "ESRCH", ...sandbox],
    races: true,
  },
  fcntl: {
    errnos: ["EBADF", "EINVAL", "EMFILE", ...sandbox],
  },
  clock_gettime: {
    errnos: ["EACCES", "EFAULT", "EINVAL", "ENODEV", "ENOTSUP", ...sandbox],
  },
  ppoll: {
    errnos: ["EFAULT", "EINTR", "EINVAL", "ENOMEM", ...sandbox],
  },
  eventfd2: {
    errnos: ["EINVAL", "EMFILE", "ENFILE", "ENODEV", "ENOMEM", ...sandbox],
  },
  dup3: {
    errnos: [
      ...["EBADF", "EBUSY", "EINTR", "EINVAL", "EMFILE", "ENOMEM"],
      ...sandbox,
    ],
  },
  pipe2: {
    errnos: ["EFAULT", "EINVAL", "EMFILE", "ENFILE", ...sandbox],
  },
  rt_tgsigqueueinfo: {
    errnos: ["EAGAIN", "EFAULT", "EINVAL", "ESRCH", ...sandbox],
  },
  kcmp: {
    errnos: ["EACCES", "EBADF", "EFAULT", "EINVAL", "ESRCH", ...sandbox],
  },
  statx: {
    errnos: [
      ...["EACCES", "EBADF", "EFAULT", "EINVAL", "ELOOP", "ENAMETOOLONG"],
      ...["ENOENT", "ENOMEM", "ENOTDIR", ...sandbox],
    ],
  },
  pthread_key_create: { errnos: ["EAGAIN", "ENOMEM"] },
  pthread_setspecific: { errnos: ["EINVAL", "ENOMEM"] },
  uv_async_init: {
    errnos: ["EINVAL", "EMFILE", "ENFILE", "ENOMEM", ...sandbox],
    on: ["node"],
  },
  // Fails for the first signal handle of a loop, when its pipe cannot be made.
  uv_signal_init: {
    errnos: ["EMFILE", "ENFILE", "ENOMEM", ...sandbox],
    on: ["node"],
  },
  // Fails when sigaction(2) fails.
  uv_signal_start: {
    errnos: ["EINVAL", ...sandbox],
    on: ["node"],
  },
  pthread_create: { errnos: ["EAGAIN", "EINVAL", "EPERM"] },
};

/** sched_yield(2) always succeeds. How often it is called depends on other threads. */
export const cannotFail = "sched_yield";

/** The calls of the table that this runtime makes in every run, or all of them. */
export function callsOf(by?: typeof runtime): string[] {
  return Object.entries(table)
    .filter(([, { on, races }]) => by === undefined || (!races && (on?.includes(by) ?? true)))
    .map(([name]) => name);
}
