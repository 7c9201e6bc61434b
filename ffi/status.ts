import { InterruptError, type InterruptErrorCode } from "../errors.ts";

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
  [-6]: ["BAD_FD", "the read side must be readable and the write side writable: are they swapped?"],
  [-8]: ["SYSTEM", "no native memory or no slot is left: close what is no longer needed"],
};

const system = -1000;

/** The one place where a native status becomes an error. `what` reads "Cannot hook SIGTERM". */
export function checked(status: number, what: string): number {
  if (status >= 0) return status;
  if (status <= system) {
    throw new InterruptError("SYSTEM", `${what}: the system call failed with errno ${system - status}`);
  }
  const [code, why] = statuses[status] ?? ["SYSTEM", `native status ${status}`];
  throw new InterruptError(code, `${what}: ${why}`);
}
