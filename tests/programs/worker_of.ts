/**
 * A Worker that opens an Interrupt with the given modules, and reports its thread and the outcome.
 */

import process from "node:process";
import { parentPort, workerData } from "node:worker_threads";
import { testkit } from "../support/testkit.ts";

// USR2; on Bun a signal for which the main thread registers no listener: it would do so at any
// time, and calls could not be counted.
const signal = process.versions.bun ? 42 : 12;

const thread = testkit.tid();
try {
  const { Interrupt, EventPipe } = await import(workerData);
  new EventPipe();
  new Interrupt({ signal }).ref();
  // Give Bun time to open the wake socket; otherwise it is a matter of chance whether it has done
  // so when the Worker ends.
  for (let turns = 0; turns < 5; turns++) {
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  parentPort!.postMessage({ thread });
} catch (error) {
  const { name, message } = error as Error;
  parentPort!.postMessage({ thread, failure: { name, message } });
}
