/** A Worker that opens an Interrupt with the modules that it is told of, and says on which thread and how that went. */

import { parentPort, workerData } from "node:worker_threads";
import { testkit } from "../native/testkit.ts";

const thread = testkit.tid();
try {
  const { Interrupt, EventPipe } = await import(workerData);
  new EventPipe();
  new Interrupt({ signal: 12 }).ref();
  parentPort!.postMessage({ thread });
} catch (error) {
  const { name, message } = error as Error;
  parentPort!.postMessage({ thread, failure: { name, message } });
}
