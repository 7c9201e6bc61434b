/**
 * A Worker that opens an Interrupt with the modules that it is told of, and says on which thread
 * and how that went.
 */

import process from "node:process";
import { parentPort, workerData } from "node:worker_threads";
import { testkit } from "../support/testkit.ts";

// USR2; on Bun one that the main thread does not listen to for the Worker: it does that some time,
// and calls could not be counted.
const signal = process.versions.bun ? 42 : 12;

const thread = testkit.tid();
try {
  const { Interrupt, EventPipe } = await import(workerData);
  new EventPipe();
  new Interrupt({ signal }).ref();
  // Until Bun has taken the wake socket: whether it has, when the Worker ends, would be a matter of
  // chance.
  for (let turns = 0; turns < 5; turns++) {
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  parentPort!.postMessage({ thread });
} catch (error) {
  const { name, message } = error as Error;
  parentPort!.postMessage({ thread, failure: { name, message } });
}
