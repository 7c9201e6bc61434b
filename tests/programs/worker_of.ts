/** A Worker that opens an Interrupt with the modules that it is told of, and says how that went. */

import { parentPort, workerData } from "node:worker_threads";

const { Interrupt, EventPipe } = await import(workerData);
try {
  const interrupt = new Interrupt({ signal: 12 });
  new EventPipe();
  interrupt.ref();
  parentPort!.postMessage(undefined);
} catch (error) {
  const { name, message } = error as Error;
  parentPort!.postMessage({ name, message });
}
