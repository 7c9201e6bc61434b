/**
 * A Worker hooks SIGTERM and is terminated while SIGTERM arrives. Prints that, and waits for the
 * next SIGTERM.
 */

import { Worker } from "node:worker_threads";
import { Interrupt, type NativeFunction } from "../../mod.ts";
import { settle } from "../support/harness.ts";
import { testkit } from "../support/testkit.ts";
import { SIGTERM } from "../support/signals.ts";

const worker = new Worker(new URL("./worker.ts", import.meta.url));
const next = () => new Promise((resolve) => worker.once("message", resolve));
await next();
settle("SIGTERM");
testkit.disposition_save(SIGTERM, 0);
worker.postMessage({ do: "open", signal: "SIGTERM" });
const target = await next() as NativeFunction;
const heard = next();
testkit.kill(testkit.pid(), SIGTERM, 1000);
await heard;
void worker.terminate();
setInterval(() => {
  if (testkit.disposition_same(SIGTERM, 0) !== 1) return;
  if (!Interrupt.signal(target)) console.log("ready");
}, 1);
