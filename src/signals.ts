import { signalTable } from "../ffi/signal_names.ts";

/**
 * The name of a signal, for editors to complete: all that the platforms have, except those that no
 * program can catch. Any string is accepted here, and checked when it is used, since names may be
 * written in other ways: see {@linkcode sig2num}.
 */
export type SignalName =
  | "SIGHUP"
  | "SIGINT"
  | "SIGQUIT"
  | "SIGUSR1"
  | "SIGUSR2"
  | "SIGPIPE"
  | "SIGALRM"
  | "SIGTERM"
  | "SIGSTKFLT"
  | "SIGCHLD"
  | "SIGCONT"
  | "SIGTSTP"
  | "SIGTTIN"
  | "SIGTTOU"
  | "SIGURG"
  | "SIGXCPU"
  | "SIGXFSZ"
  | "SIGVTALRM"
  | "SIGPROF"
  | "SIGWINCH"
  | "SIGIO"
  | "SIGPOLL"
  | "SIGPWR"
  | "SIGINFO"
  | "SIGEMT"
  | "SIGBREAK"
  | "SIGRTMIN"
  | "SIGRTMAX"
  | `SIGRTMIN+${number}`
  | `SIGRTMAX-${number}`
  | (string & Record<never, never>);

/**
 * The number of a signal.
 *
 * @param signal a name with or without `SIG`, in any case (`"INT"`, `"SIGINT"`, `"sigint"`), or a
 * number. Real-time signals are `"SIGRTMIN"` (34), `"SIGRTMIN+1"` to `"SIGRTMAX"` (64), the names
 * that `kill -l` prints.
 * @returns the number, or `undefined` if this platform does not have the signal. Never throws.
 *
 * @example
 * ```ts
 * import { sig2num } from "@async/interrupt";
 *
 * sig2num("INT"); // 2
 * sig2num("SIGNOPE"); // undefined
 * ```
 */
export function sig2num(signal: SignalName | number): number | undefined {
  const { numbers, names } = signalTable();
  if (typeof signal === "number") return names.has(signal) ? signal : undefined;
  if (typeof signal !== "string") return undefined;
  const name = signal.toUpperCase();
  return numbers.get(name.startsWith("SIG") ? name : `SIG${name}`);
}

/**
 * The name of a signal.
 *
 * @param signal a name as {@linkcode sig2num} takes it, or a number.
 * @returns the name with `SIG` (`2`, `"INT"` and `"SIGINT"` all return `"SIGINT"`), or `undefined`
 * if this platform does not have the signal. Never throws.
 *
 * @example
 * ```ts
 * import { sig2name } from "@async/interrupt";
 *
 * sig2name(15); // "SIGTERM"
 * ```
 */
export function sig2name(signal: SignalName | number): string | undefined {
  const number = sig2num(signal);
  return number === undefined ? undefined : signalTable().names.get(number);
}
