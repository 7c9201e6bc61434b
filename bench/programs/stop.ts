/**
 * `stop.ts <way> time`: what it costs to make work stoppable, and how late it is stopped.
 *
 * `stop.ts <way> <work>`: whether that work is stopped, and whether its `finally` block runs.
 */

import { createRequire } from "node:module";
import process from "node:process";
import vm from "node:vm";
import { Worker } from "node:worker_threads";
import { pathToFileURL } from "node:url";

/** Counts turns and `finally` blocks. A Worker shares it. */
const counts = new Int32Array(new SharedArrayBuffer(8));
const [TURNS, FINALLY] = [0, 1];

/** A Worker is given its source text, so it uses nothing else of this module. */
type Work = (counts: Int32Array, checkpoint: () => void) => unknown;
const works = {
  loop(counts: Int32Array, checkpoint: () => void) {
    try {
      while (true) {
        checkpoint();
        counts[0]!++;
      }
    } finally {
      counts[1]!++;
    }
  },
  loopWithoutCheckpoint(counts: Int32Array) {
    try {
      while (true) counts[0]!++;
    } finally {
      counts[1]!++;
    }
  },
  regularExpression(counts: Int32Array) {
    try {
      /^(a+)+$/.test("a".repeat(60) + "b");
    } finally {
      counts[1]!++;
    }
  },
  blockingCall(counts: Int32Array) {
    try {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    } finally {
      counts[1]!++;
    }
  },
  async asyncLoop(counts: Int32Array, checkpoint: () => void) {
    try {
      while (true) {
        await null;
        checkpoint();
        counts[0]!++;
      }
    } finally {
      counts[1]!++;
    }
  },
  async idleAsync(counts: Int32Array) {
    try {
      await new Promise((resolve) => setTimeout(resolve, 1e6));
    } finally {
      counts[1]!++;
    }
  },
};

/** Runs the work, and throws when it was stopped after so many milliseconds. */
type Stopper = (work: Work, timeout: number) => unknown;

const ways: Record<string, () => Promise<Stopper>> = {
  async interruptible() {
    const { checkpoint, interruptible } = await import("../../mod.ts");
    return (work, timeout) => interruptible(() => work(counts, checkpoint), { timeout });
  },
  async interruptibleOn() {
    const { checkpoint, interruptible } = await import("../../mod.ts");
    return (work) => interruptible(() => work(counts, checkpoint), { on: "SIGINT" });
  },
  /** What any listener of the runtime costs. */
  listener() {
    const listener = () => {};
    return Promise.resolve((work) => {
      process.on("SIGINT", listener);
      work(counts, () => {});
      process.off("SIGINT", listener);
    });
  },
  async functionTimeout() {
    const path = createRequire(process.env.BENCH_PEERS!).resolve("function-timeout");
    const { default: functionTimeout } = await import(pathToFileURL(path).href);
    return (work, timeout) => functionTimeout(() => work(counts, () => {}), { timeout })();
  },
  vm() {
    const script = new vm.Script("work()");
    return Promise.resolve((work, timeout) =>
      script.runInNewContext({ work: () => work(counts, () => {}) }, { timeout })
    );
  },
  deadline() {
    return Promise.resolve((work, timeout) => {
      const deadline = Date.now() + timeout;
      return work(counts, () => {
        if (Date.now() > deadline) throw new Error("timeout");
      });
    });
  },
  worker() {
    return Promise.resolve((work, timeout) => {
      const text = `
        const { parentPort, workerData } = require("node:worker_threads");
        const work = ${`${work}`.replace(/^(async )?(?!async)(?=\w+\()/, "$1function ")};
        Promise.resolve(work(workerData, () => {})).then(() => parentPort.postMessage("ended"));`;
      const worker = new Worker(text, { eval: true, workerData: counts });
      return new Promise<void>((resolve, reject) => {
        const timer = setTimeout(async () => {
          await worker.terminate();
          reject(new Error("timeout"));
        }, timeout);
        worker.once("error", reject);
        worker.once("message", async () => {
          clearTimeout(timer);
          await worker.terminate();
          resolve();
        });
      });
    });
  },
};

/** Whether the work was stopped. */
async function stopped(stop: Stopper, work: Work, timeout: number): Promise<boolean> {
  try {
    await stop(work, timeout);
    return false;
  } catch {
    return true;
  }
}

/** Microseconds for work that does nothing. */
async function setUp(stop: Stopper, times: number): Promise<number> {
  const nothing = () => {};
  const samples: number[] = [];
  for (let i = 0; i < times; i++) {
    const start = performance.now();
    const result = stop(nothing, 1000);
    if (result instanceof Promise) await result;
    samples.push((performance.now() - start) * 1000);
  }
  return samples.sort((a, b) => a - b)[times >> 1]!;
}

const [way, what] = process.argv.slice(2) as [string, string];
const stop = await ways[way]!();
if (what === "time") {
  const slow = way === "worker";
  const setup = await setUp(stop, slow ? 30 : 3000);
  const late: number[] = [];
  const timeout = 10;
  if (way !== "listener" && way !== "interruptibleOn") {
    for (let i = 0; i < 60; i++) {
      const start = performance.now();
      if (!await stopped(stop, works.loop, timeout)) throw new Error("was not stopped");
      // The first ones compile what the others need.
      if (i >= 10) late.push(Math.max(0.001, performance.now() - start - timeout));
    }
  }
  console.log(JSON.stringify(late.length === 0 ? { setup } : { setup, late }));
} else {
  const wasStopped = await stopped(stop, works[what as keyof typeof works], 50);
  // A Worker's threads, and what is left of async work, may take a moment to end.
  await new Promise((resolve) => setTimeout(resolve, 200));
  const before = counts[TURNS];
  await new Promise((resolve) => setTimeout(resolve, 50));
  const ended = wasStopped && counts[TURNS] === before;
  console.log(JSON.stringify({ stopped: ended ? counts[FINALLY] === 0 ? 0.5 : 1 : 0 }));
  process.exit();
}
