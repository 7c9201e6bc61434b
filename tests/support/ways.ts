import process from "node:process";
import { setTimeout } from "node:timers";
import { isMainThread, Worker, workerData } from "node:worker_threads";

/**
 * Runs one way of a program, as its arguments say: which, on the main thread or in a Worker, and
 * after how many milliseconds in which the event loop is idle.
 *
 * @param file `import.meta.url` of the program.
 */
export function runWay(file: string, ways: Record<string, () => unknown>): void {
  const [way, where, ms] = isMainThread ? process.argv.slice(2) : workerData;
  if (isMainThread && where === "Worker") {
    new Worker(new URL(file), { workerData: [way, where, ms] });
  } else if (Number(ms) > 0) {
    setTimeout(ways[way!]!, Number(ms));
  } else {
    void ways[way!]!();
  }
}
