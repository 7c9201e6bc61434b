import { parentPort, workerData } from "node:worker_threads";

const { Interrupt } = await import(workerData.module);
new Interrupt().close();
if (!Interrupt.signal(workerData.target, 1)) throw new Error("another copy of the library");
parentPort!.postMessage("signalled");
