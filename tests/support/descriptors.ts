/** Counts the descriptors of this process. */

import { assertLessOrEqual } from "@std/assert";
import { readdirSync, readlinkSync } from "node:fs";

/** How many descriptors this process has open. */
export function openDescriptors(): number {
  return readdirSync("/proc/self/fd").length;
}

/** Calls `open`, and finds both ends of the socket that it makes to wake this thread. */
export function withWakeSocket<T>(
  open: () => T,
): { opened: T; readFd: number; writeFd: number } {
  const before = new Set(sockets());
  const opened = open();
  const [readFd, writeFd] = sockets().filter((fd) => !before.has(fd));
  return { opened, readFd: readFd!, writeFd: writeFd! };
}

function sockets(): number[] {
  return readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith("socket:");
    } catch {
      // The descriptor of the folder itself.
      return false;
    }
  }).map(Number);
}

/**
 * Fails if more than `before` descriptors stay open. Retries, because the runtime's own threads may
 * hold a descriptor for a moment, whereas a leak stays.
 */
export function assertNoMoreDescriptors(before: number, what?: string): void {
  const neverNotified = new Int32Array(new SharedArrayBuffer(4));
  // Use the last count: counting again after success could catch another such moment.
  let open = openDescriptors();
  for (let tries = 0; tries < 2000 && open > before; tries++) {
    Atomics.wait(neverNotified, 0, 0, 1);
    open = openDescriptors();
  }
  assertLessOrEqual(open, before, what);
}
