/**
 * A Worker hooks SIGTERM and is terminated after a burst of it. Prints that, and waits for the next
 * SIGTERM. With `hooked` the main thread hooks it too: the burst need not be over, and the program
 * ends.
 */

import process from "node:process";
import { Worker } from "node:worker_threads";
import { Interrupt, type NativeFunction } from "../../mod.ts";
import { settle } from "../support/harness.ts";
import { testkit } from "../support/testkit.ts";
import { SIGTERM, SIGUSR2 } from "../support/signals.ts";

settle("SIGTERM");
testkit.disposition_save(SIGTERM, 0);
const own = process.argv[2] === "hooked" ? new Interrupt({ signal: "SIGTERM" }) : undefined;
const worker = new Worker(new URL("./worker.ts", import.meta.url));
const next = () => new Promise((resolve) => worker.once("message", resolve));
await next();
worker.postMessage({ do: "open", signal: "SIGTERM" });
const target = await next() as NativeFunction;
const heard = next();
testkit.kill(testkit.pid(), SIGTERM, own ? 20_000 : 1000);
await heard;
if (!own) await allPassedOn();
void worker.terminate();
setInterval(() => {
  if (Interrupt.signal(target)) return;
  if (own) process.exit();
  if (testkit.disposition_same(SIGTERM, 0) === 1) console.log("ready");
}, 1);

/**
 * Waits until Deno's thread has looked for SIGTERM once more. It looks for one signal after
 * another, round and round: between two of SIGUSR2, the second sent after the first had a listener
 * called, it comes by SIGTERM.
 */
async function allPassedOn(): Promise<void> {
  for (let round = 0; round < 2; round++) {
    const passed = new Promise((resolve) => process.once("SIGUSR2", resolve));
    testkit.kill(testkit.pid(), SIGUSR2, 1);
    await passed;
  }
}
