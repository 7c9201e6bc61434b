/**
 * `second_time <way> <where> <ms>`: computes without a checkpoint, and has an Interrupt with `once`
 * on SIGINT, after the event loop was idle for `ms`. Prints "busy", and "pending" after the first.
 */

import { writeSync } from "node:fs";
import process from "node:process";
import { setTimeout } from "node:timers";
import { isMainThread, Worker, workerData } from "node:worker_threads";
import { Interrupt } from "../../mod.ts";

const [way, where, ms] = isMainThread ? process.argv.slice(2) : workerData;

function work() {
  const interrupt = new Interrupt({ signal: "SIGINT", once: true, callback: () => {} });
  // The output of a thread that does not come back to its event loop is written at once only so.
  writeSync(1, "busy\n");
  if (way === "never looks") { for (;;); }
  // This looks at memory, and is no checkpoint.
  while (interrupt.pending === 0);
  writeSync(1, "pending\n");
  for (;;);
}

if (isMainThread && where === "Worker") {
  new Worker(new URL(import.meta.url), { workerData: [way, where, ms] });
} else if (Number(ms) > 0) {
  setTimeout(work, Number(ms));
} else {
  work();
}
