/**
 * `safepoints_programs.ts <functions>`: how many times as long programs from npm take with
 * safepoints, also at functions with "true". Both copies run alternately in one process.
 */

import process from "node:process";
import { withSafepoints } from "./safepoints.ts";
import { hasRun, signal } from "./signalled.ts";
import { type Work, works } from "./works.ts";

const functions = process.argv[2] === "true";

/** ms of processor time, which other load on the machine does not change much. */
async function milliseconds(work: Work): Promise<number> {
  const before = process.cpuUsage();
  const result = work();
  if (result instanceof Promise) await result;
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** The median of the ratios of pairs. */
async function compare(safe: Work, plain: Work): Promise<number> {
  // The callback runs inside the work: from then on compiled code has a call there.
  for (let i = 0; i < 3; i++) {
    signal();
    await milliseconds(safe);
    hasRun();
    await milliseconds(plain);
  }
  const ratios: number[] = [];
  for (let i = 0; i < 9; i++) {
    // What one leaves behind, the other collects.
    const [first, second] = i % 2 ? [safe, plain] : [plain, safe];
    const times = [await milliseconds(first), await milliseconds(second)] as const;
    ratios.push(i % 2 ? times[0] / times[1] : times[1] / times[0]);
  }
  return ratios.sort((a, b) => a - b)[4]!;
}

const figures: Record<string, number> = {};
for (const [name, make] of Object.entries(works)) {
  const plain = make((source) => source);
  figures[name] = await compare(make((source) => withSafepoints(source, functions)), plain);
}
const ratios = Object.values(figures);
figures.mean = Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
figures.worst = Math.max(...ratios);
console.log(JSON.stringify(figures));
