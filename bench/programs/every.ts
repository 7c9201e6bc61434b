/**
 * `every.ts <way> <ticks>`: JavaScript computes, and looks about every 100 ns whether another
 * millisecond is over. When has it noticed?
 */

import process from "node:process";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { finish, kit, memory } from "./benchkit.ts";
import { compute, stepsFor100ns } from "./compute.ts";

/** Milliseconds. */
const period = 1;

function finishWithTimes(ticks: number): void {
  const arrived = new BigUint64Array(memory(kit.arrived_address(), ticks * 8));
  finish({ times: Array.from(arrived, (time) => Number(time - arrived[0]!)) });
}

async function interrupt(ticks: number): Promise<void> {
  const { checkpoint, Interrupt } = await import("../../mod.ts");
  const steps = stepsFor100ns();
  let count = 0;
  new Interrupt({ every: period, callback: () => kit.arrive(++count) });
  while (count < ticks) {
    compute(steps);
    checkpoint();
  }
  finishWithTimes(ticks);
}

/** A Worker counts in shared memory. */
async function setIntervalInWorker(ticks: number): Promise<void> {
  const words = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL("./every.ts", import.meta.url), { workerData: words });
  await new Promise<void>((resolve) => worker.once("message", () => resolve()));
  const steps = stepsFor100ns();
  let count = 0;
  for (let last = Atomics.load(words, 0); count < ticks;) {
    compute(steps);
    const now = Atomics.load(words, 0);
    if (now === last) continue;
    kit.arrive(++count);
    last = now;
  }
  finishWithTimes(ticks);
}

const ways: Record<string, (ticks: number) => Promise<void>> = { interrupt, setIntervalInWorker };

if (isMainThread) {
  const [way, ticks] = process.argv.slice(2);
  await ways[way!]!(Number(ticks));
} else {
  const words: Int32Array = workerData;
  setInterval(() => Atomics.add(words, 0, 1), period);
  parentPort!.postMessage("ready");
}
