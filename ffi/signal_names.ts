import { os, process } from "./runtime.ts";
import { signalNumbers } from "./symbols.ts";

/**
 * Real-time signals in the numbering of glibc, Linux only. The kernel's first ones, 32 and 33,
 * belong to libc; 34 has a name but cannot be hooked, since musl uses it.
 */
const RTMIN = 34;
const RTMAX = 64;

const aliases = new Set(["SIGIOT", "SIGPOLL", "SIGCLD", "SIGUNUSED"]);

let tables:
  | { numbers: Map<string, number>; names: Map<number, string> }
  | undefined;

/** The signals of this platform, by name and by number. */
export function signalTable(): {
  numbers: Map<string, number>;
  names: Map<number, string>;
} {
  if (tables !== undefined) return tables;
  const known = signalNumbers[os] ??
    process().getBuiltinModule("node:os").constants.signals;
  const numbers = new Map<string, number>();
  const names = new Map<number, string>();
  for (const [name, number] of Object.entries(known)) {
    numbers.set(name, number);
    if (!aliases.has(name)) names.set(number, name);
  }
  // Of our platforms only Linux has real-time signals.
  if (os === "linux") {
    for (let number = RTMIN; number <= RTMAX; number++) {
      const [up, down] = [number - RTMIN, RTMAX - number];
      const [low, high] = [
        up ? `SIGRTMIN+${up}` : "SIGRTMIN",
        down ? `SIGRTMAX-${down}` : "SIGRTMAX",
      ];
      numbers.set(low, number).set(high, number);
      // The names that `kill -l` prints.
      names.set(number, up < 16 ? low : high);
    }
  }
  return tables = { numbers, names };
}

/** Every signal that has a name on this platform, in the order of the numbers. */
export function namedSignals(): [number: number, name: string][] {
  return [...signalTable().names].sort(([a], [b]) => a - b);
}
