/** Detects hangs, but waits for what is only slow because others use the processors. */

import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { emulator } from "./emulator.ts";

/** Seconds between two ticks. */
const PERIOD = 0.25;

/** How many times as long everything takes: qemu-user translates machine code while it runs. */
export const SLOWNESS = emulator === "qemu-user" ? 10 : 1;

/**
 * Calls `bark` once, after this process could have used `seconds` of processor time. On an idle
 * machine these are plain seconds. If so many tasks want to run that each gets a tenth of a
 * processor, a second counts as a tenth. An emulator gets more of them.
 *
 * @param load the number of tasks per processor, at least 1: see {@linkcode machineLoad}.
 * @returns a function that stops the watchdog.
 */
export function watchdog(
  seconds: number,
  bark: () => void,
  load: () => number = machineLoad,
): () => void {
  let left = seconds * SLOWNESS;
  // Count ticks instead of reading a clock: while this process itself cannot run, no time passes.
  const timer = setInterval(() => {
    left -= PERIOD / load();
    if (left > 0) return;
    clearInterval(timer);
    bark();
  }, PERIOD * 1000);
  return () => clearInterval(timer);
}

/** How many tasks per processor want to run now, at least 1; 1 if the system does not tell. */
export function machineLoad(): number {
  try {
    // "0.20 0.18 0.12 3/80 11206": three tasks want to run, one of them is this process.
    const [, running] = /(\d+)\//.exec(readFileSync("/proc/loadavg", "utf8"))!;
    return Math.max(1, (Number(running) - 1) / availableParallelism());
  } catch {
    return 1;
  }
}
