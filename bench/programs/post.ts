/**
 * A Worker posts messages to a thread that does not read them, and measures what that costs the
 * Worker.
 */

import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { kit } from "./benchkit.ts";

/** Indices of the int32 words that the threads share. */
const START = 0;
const DONE = 1;

interface Order {
  words: Int32Array;
  /** ns per call, by Worker. */
  figures: Float64Array;
  index: number;
  calls: number;
  /** Counts system calls instead of measuring time. */
  counts: boolean;
}

/** Does not terminate the Workers when they are done, because the process ends soon. */
export async function postMessages(
  calls: number,
): Promise<Record<string, number>> {
  const one = await run(1, calls, false);
  const four = await run(4, Math.ceil(calls / 4), false);
  const canCount = kit.count_system_calls(1) === 1;
  const counted = 2000;
  await run(1, counted, true);
  return {
    ns: one.ns,
    four: four.ns,
    grown: one.grown * (5e6 / calls) / 1e6,
    systemCalls: canCount ? Number(kit.system_calls()) / counted : NaN,
    calls,
    callbacks: 0,
  };
}

/** Keeps this thread busy until all Workers are done. */
async function run(threads: number, calls: number, counts: boolean) {
  const words = new Int32Array(new SharedArrayBuffer(8));
  const figures = new Float64Array(new SharedArrayBuffer(threads * 8));
  for (let index = 0; index < threads; index++) {
    const workerData: Order = { words, figures, index, calls, counts };
    const worker = new Worker(new URL("./post.ts", import.meta.url), {
      workerData,
    });
    await new Promise<void>((resolve) => worker.on("message", () => resolve()));
  }
  const before = Number(kit.resident());
  Atomics.store(words, START, 1);
  while (Atomics.load(words, DONE) < threads);
  return {
    ns: figures.reduce((sum, ns) => sum + ns) / threads,
    grown: Number(kit.resident()) - before,
  };
}

function post({ words, figures, index, calls, counts }: Order): void {
  const port = parentPort!;
  const parts: number[] = [];
  port.postMessage("ready");
  while (Atomics.load(words, START) === 0);
  if (counts) kit.count_own(1);
  const part = counts ? calls : Math.ceil(calls / 256);
  const begin = kit.now_ns();
  for (let sent = 0; sent < calls;) {
    const count = Math.min(part, calls - sent);
    const from = kit.now_ns();
    for (let i = 0; i < count; i++) port.postMessage(1);
    parts.push(Number(kit.now_ns() - from) / count);
    sent += count;
  }
  if (counts) kit.count_own(0);
  const mean = Number(kit.now_ns() - begin) / calls;
  const median = parts.sort((a, b) => a - b)[parts.length >> 1]!;
  figures[index] = figures.length === 1 ? median : mean;
  Atomics.add(words, DONE, 1);
}

if (!isMainThread) post(workerData as Order);
