import { sig2name } from "./signals.ts";
import { stopError } from "./stop_error.ts";

/**
 * What stops work that a signal or an Interrupt interrupts. Internal.
 *
 * @param signal the POSIX signal, if it was one.
 * @param value what the Interrupt was signalled with.
 */
export function abortError(signal: number | undefined, value: number): DOMException {
  const what = signal === undefined ? `with value ${value}` : `by ${sig2name(signal)}`;
  return stopError("AbortError", `Interrupted ${what}`);
}
