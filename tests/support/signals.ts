/** Numbers of signals, and what the kernel calls the two dispositions without a handler. */

import { constants } from "node:os";

export const { SIGALRM, SIGCHLD, SIGINT, SIGPIPE, SIGTERM, SIGURG, SIGUSR2, SIGWINCH } =
  constants.signals;

/**
 * Real-time signals. The runtimes have no listeners for them, so that only our handler and the one
 * before it count; and the kernel queues them, so that what was sent can be counted.
 */
export const [SIGRT6, SIGRT7, SIGRT8] = [40, 41, 42];

export const SIG_DFL = 0n;
export const SIG_IGN = 1n;
