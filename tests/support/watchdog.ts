/** Finds what hangs, and waits for what is slow because others use the processors. */

import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

/** Seconds between two looks. */
const PERIOD = 0.25;

/**
 * Calls `bark` once, when `seconds` of processor time could have been used: while so many tasks
 * want to run that each gets a tenth of a processor, a second counts as a tenth. On an idle machine
 * these are seconds.
 *
 * @param load how many tasks there are for each processor, at least 1: see {@linkcode machineLoad}.
 * @returns what calls the watchdog off.
 */
export function watchdog(
  seconds: number,
  bark: () => void,
  load: () => number = machineLoad,
): () => void {
  let left = seconds;
  // Looks are counted, and no time: while this process itself does not get to run none passes.
  const timer = setInterval(() => {
    left -= PERIOD / load();
    if (left > 0) return;
    clearInterval(timer);
    bark();
  }, PERIOD * 1000);
  return () => clearInterval(timer);
}

/**
 * How many tasks want to run now for each processor, at least 1; 1 where the system does not tell.
 */
export function machineLoad(): number {
  try {
    // "0.20 0.18 0.12 3/80 11206": three want to run, one of them is this one.
    const [, running] = /(\d+)\//.exec(readFileSync("/proc/loadavg", "utf8"))!;
    return Math.max(1, (Number(running) - 1) / availableParallelism());
  } catch {
    return 1;
  }
}
