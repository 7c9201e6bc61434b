/** Loads the library of the module that the first argument names, also in Workers. */

import process from "node:process";
import { Worker } from "node:worker_threads";

const [module, workers] = process.argv.slice(2);
const { Interrupt } = await import(module!);
const interrupt = new Interrupt();
const { func, arg } = interrupt.signalFunc();
const first = interrupt.wait();
const signalled = Array.from({ length: Number(workers) }, () => {
  const worker = new Worker(new URL("./load_worker.ts", import.meta.url), {
    workerData: { module, target: { func, arg } },
  });
  return new Promise((resolve, reject) => {
    worker.on("message", resolve);
    worker.on("error", reject);
  });
});
for (const one of signalled) await one;
if (signalled.length > 0) await first;
console.log(`loaded, ${signalled.length} Workers signalled`);
process.exit(0);
