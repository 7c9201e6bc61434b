/**
 * The Worker that opened the library first is terminated. Then a second Worker and the main thread
 * use the library.
 */

import assert from "node:assert/strict";
import process from "node:process";
import { Worker } from "node:worker_threads";
// Import only types, because the main thread must open the library last.
import type { NativeFunction } from "../../mod.ts";
import { settle } from "../support/harness.ts";
import { testkit } from "../support/testkit.ts";
import { SIGUSR2 } from "../support/signals.ts";

async function openInWorker() {
  const worker = new Worker(new URL("./worker.ts", import.meta.url));
  const next = () => new Promise((resolve) => worker.once("message", resolve));
  await next();
  worker.postMessage({ do: "open", signal: "SIGUSR2" });
  return { worker, next, target: await next() as NativeFunction };
}

async function end(worker: Worker) {
  const ended = new Promise((resolve) => worker.once("exit", resolve));
  void worker.terminate();
  await ended;
  while (testkit.disposition_same(SIGUSR2, 0) !== 1) {
    await new Promise((resolve) => setTimeout(resolve));
  }
}

settle("SIGUSR2");
testkit.handler_count(SIGUSR2, 0n, 0n);
testkit.disposition_save(SIGUSR2, 0);
const first = await openInWorker();
await end(first.worker);
testkit.call_value(first.target.func, first.target.arg, 1);
testkit.kill(testkit.pid(), SIGUSR2, 1);
assert.equal(testkit.handled(SIGUSR2), 1);

const second = await openInWorker();
assert.equal(second.target.func, first.target.func);
const said = second.next();
testkit.call_value(first.target.func, first.target.arg, 2);
testkit.kill(testkit.pid(), SIGUSR2, 1);
assert.equal(await said, SIGUSR2);
await end(second.worker);

const { Interrupt } = await import("../../mod.ts");
const interrupt = new Interrupt({ signal: "SIGUSR2" });
assert.equal(interrupt.signalFunc().func, first.target.func);
const next = interrupt.wait();
testkit.kill(testkit.pid(), SIGUSR2, 1);
assert.equal(await next, SIGUSR2);
process.exit();
