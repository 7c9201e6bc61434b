/**
 * Workers open the library at the same time. The arguments are URLs of modules, each for some of
 * the Workers. Prints how many copies of the library there are.
 */

import process from "node:process";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import type { NativeFunction } from "../../mod.ts";

if (isMainThread) {
  const modules = process.argv.slice(2);
  const workers = Array.from(
    { length: 6 },
    (_, index) =>
      new Worker(new URL("./copies.ts", import.meta.url), {
        workerData: modules[index % modules.length],
      }),
  );
  const targets = await Promise.all(
    workers.map((worker) =>
      new Promise<NativeFunction>((resolve) => worker.once("message", resolve))
    ),
  );
  const { Interrupt } = await import(modules[0]!);
  const signalled = targets.map((target) => Interrupt.signal(target));
  console.log(
    new Set(targets.map(({ func }) => func)).size,
    signalled.every(Boolean),
  );
  process.exit();
} else {
  const { Interrupt } = await import(workerData);
  const interrupt = new Interrupt().ref();
  parentPort!.postMessage(interrupt.signalFunc());
}
