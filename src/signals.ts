import { signalTable } from "../ffi/signal_names.ts";

/**
 * The number of a signal: `"INT"`, `"SIGINT"`, `"sigint"` or `2` give `2`; `undefined` for what
 * this platform does not have.
 *
 * Real-time signals are `"SIGRTMIN"` (34), `"SIGRTMIN+1"` ... `"SIGRTMAX"` (64), as `kill -l` names
 * them.
 *
 * @example
 * ```ts
 * import { sig2num } from "@async/interrupt";
 *
 * sig2num("INT"); // 2
 * sig2num("SIGNOPE"); // undefined
 * ```
 */
export function sig2num(signal: string | number): number | undefined {
  const { numbers, names } = signalTable();
  if (typeof signal === "number") return names.has(signal) ? signal : undefined;
  if (typeof signal !== "string") return undefined;
  const name = signal.toUpperCase();
  return numbers.get(name.startsWith("SIG") ? name : `SIG${name}`);
}

/**
 * The name of a signal: `2`, `"INT"` or `"SIGINT"` give `"SIGINT"`; `undefined` for what this
 * platform does not have.
 *
 * @example
 * ```ts
 * import { sig2name } from "@async/interrupt";
 *
 * sig2name(15); // "SIGTERM"
 * ```
 */
export function sig2name(signal: string | number): string | undefined {
  const number = sig2num(signal);
  return number === undefined ? undefined : signalTable().names.get(number);
}
