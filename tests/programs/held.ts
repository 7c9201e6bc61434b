/**
 * `held <where>`: waits for SIGUSR2, and lets the process end. It writes without the help of the
 * main thread, which may be stopped. `held Worker later` also tells when it has waited long enough.
 */

import { writeSync } from "node:fs";
import process from "node:process";
import { setTimeout } from "node:timers";
import { isMainThread, Worker, workerData } from "node:worker_threads";
import { Interrupt } from "../../mod.ts";
import { testkit } from "../support/testkit.ts";

const signal = "SIGUSR2";
const say = (line: string) => writeSync(1, `${line}\n`);

/** @param heard becomes 1 when the signal was heard. */
function hear(heard: Int32Array<SharedArrayBuffer>) {
  const interrupt = new Interrupt({
    signal,
    once: true,
    callback() {
      say("heard");
      Atomics.store(heard, 0, 1);
      Atomics.notify(heard, 0);
      interrupt.unref();
    },
  });
  interrupt.ref();
  say("waiting");
}

/** Tells when a Worker that has heard it would have ended long ago. */
function tellLater(heard: Int32Array<SharedArrayBuffer>) {
  Atomics.wait(heard, 0, 0);
  setTimeout(() => say("later"), 400);
}

if (isMainThread) {
  testkit.allow_tracing();
  const [where, also] = process.argv.slice(2);
  const heard = new Int32Array(new SharedArrayBuffer(4));
  const start = (job: string) =>
    new Worker(new URL(import.meta.url), { workerData: { job, heard } });
  if (also) start(also);
  if (where === "Worker") start("hears");
  else hear(heard);
} else if (workerData.job === "hears") {
  hear(workerData.heard);
} else {
  tellLater(workerData.heard);
}
