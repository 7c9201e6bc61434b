import { os, process } from "./ffi/runtime.ts";
import { signalNumbers } from "./ffi/symbols.ts";

/** The kernel's real-time signals as glibc counts them: the first has a name and cannot be hooked, since musl uses it. Linux only. */
const RTMIN = 34;
const RTMAX = 64;

const aliases = new Set(["SIGIOT", "SIGPOLL", "SIGCLD", "SIGUNUSED"]);

let tables:
  | { numbers: Map<string, number>; names: Map<number, string> }
  | undefined;

function table(): { numbers: Map<string, number>; names: Map<number, string> } {
  if (tables !== undefined) return tables;
  const known = signalNumbers[os] ??
    process().getBuiltinModule("node:os").constants.signals;
  const numbers = new Map<string, number>();
  const names = new Map<number, string>();
  for (const [name, number] of Object.entries(known)) {
    numbers.set(name, number);
    if (!aliases.has(name)) names.set(number, name);
  }
  // Only Linux among our platforms has them.
  if (os === "linux") {
    for (let number = RTMIN; number <= RTMAX; number++) {
      const [up, down] = [number - RTMIN, RTMAX - number];
      const [low, high] = [
        up ? `SIGRTMIN+${up}` : "SIGRTMIN",
        down ? `SIGRTMAX-${down}` : "SIGRTMAX",
      ];
      numbers.set(low, number).set(high, number);
      // As kill -l has them.
      names.set(number, up < 16 ? low : high);
    }
  }
  return tables = { numbers, names };
}

/**
 * The number of a signal: `"INT"`, `"SIGINT"`, `"sigint"` or `2` give `2`; `undefined` for what this platform does not have.
 *
 * Real-time signals are `"SIGRTMIN"` (34), `"SIGRTMIN+1"` ... `"SIGRTMAX"` (64), as `kill -l` names them.
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
  const { numbers, names } = table();
  if (typeof signal === "number") return names.has(signal) ? signal : undefined;
  if (typeof signal !== "string") return undefined;
  const name = signal.toUpperCase();
  return numbers.get(name.startsWith("SIG") ? name : `SIG${name}`);
}

/**
 * The name of a signal: `2`, `"INT"` or `"SIGINT"` give `"SIGINT"`; `undefined` for what this platform does not have.
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
  return number === undefined ? undefined : table().names.get(number);
}

/** Every signal this platform has a name for, in the order of their numbers. For this module only. */
export function namedSignals(): [number: number, name: string][] {
  return [...table().names].sort(([a], [b]) => a - b);
}
