/** The computation that is interrupted. */

import { kit } from "./benchkit.ts";

let state = 1;

/** Some of what programs compute; the result keeps engines from leaving it out. */
export function compute(steps: number): void {
  let x = state;
  for (let i = 0; i < steps; i++) x = Math.imul(x, 1664525) + 1013904223 | 0;
  state = x;
}

/**
 * How many steps take 100 ns: those of the fastest of some runs, since others may have been
 * interrupted.
 */
export function stepsFor100ns(): number {
  const [steps, turns] = [100, 10_000];
  let least = Infinity;
  for (let run = 0; run < 50; run++) {
    const begin = kit.now_ns();
    for (let turn = 0; turn < turns; turn++) compute(steps);
    least = Math.min(least, Number(kit.now_ns() - begin));
  }
  return Math.max(1, Math.round(steps * 100 * turns / least));
}
