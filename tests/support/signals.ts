/** Signal numbers, and the kernel's values for the two dispositions without a handler. */

import { constants } from "node:os";

export const { SIGALRM, SIGCHLD, SIGINT, SIGPIPE, SIGTERM, SIGURG, SIGUSR2, SIGWINCH } =
  constants.signals;

/**
 * Real-time signals. Runtimes have no listeners for them, so the only handlers are ours and the
 * earlier one. The kernel queues them, so every one that is sent can be counted.
 */
export const [SIGRT6, SIGRT7, SIGRT8] = [40, 41, 42];

export const SIG_DFL = 0n;
export const SIG_IGN = 1n;
