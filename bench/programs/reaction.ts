/**
 * `reaction.ts <way> <count>`: JavaScript computes and checks about every 100 ns whether it was
 * signalled. How long after a signal does it notice?
 */

import { constants } from "node:os";
import process from "node:process";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { compute, stepsFor100ns } from "./compute.ts";
import {
  finish,
  kit,
  memory,
  type NativeFunction,
  running,
  threadsafeFunction,
} from "./benchkit.ts";

const { SIGUSR2 } = constants.signals;

/** ns between two signals, chosen at random. */
const pace = [50_000n, 200_000n] as const;

/** The first signals are left out: the engine compiles the code that handles them. */
const warmUp = 100;

/** µs per signal. Signals that were handled together count until their one callback. */
function figures(signals: number) {
  const stamps = (address: bigint) => new BigUint64Array(memory(address, signals * 8));
  const sent = stamps(kit.sent_address());
  const arrived = stamps(kit.arrived_address());
  const latency = new Array<number>(signals);
  let callback = 0n;
  let callbacks = 0;
  for (let i = signals - 1; i >= 0; i--) {
    const time = arrived[i]!;
    if (time !== 0n) {
      callback = time;
      callbacks++;
    }
    latency[i] = Number(callback - sent[i]!) / 1000;
  }
  return { latency: latency.slice(warmUp), first: latency[0], callbacks };
}

async function interrupt(signals: number): Promise<void> {
  const { checkpoint, Interrupt } = await import("../../mod.ts");
  let last = 0;
  const callback = (value: number) => {
    kit.arrive(value);
    last = value;
  };
  const { func, arg } = new Interrupt({ callback }).signalFunc();
  const steps = stepsFor100ns();
  kit.plan(1, signals, 0n);
  kit.pace(...pace);
  kit.start(func, arg);
  while (last < signals) {
    compute(steps);
    checkpoint();
  }
  kit.join();
  finish(figures(signals));
}

/** Indices of the words that a Worker shares. */
const VALUE = 0;
const START = 16;
const DONE = 17;

interface Order {
  words: Int32Array;
  signals: number;
  posts: boolean;
}

/** Resolves with the other thread when it is ready. */
async function startWorker(order: Order): Promise<Worker> {
  const worker = new Worker(new URL("./reaction.ts", import.meta.url), {
    workerData: order,
  });
  await new Promise<void>((resolve) => worker.once("message", () => resolve()));
  return worker;
}

function work({ words, signals, posts }: Order): void {
  const port = parentPort!;
  kit.pace(...pace);
  port.postMessage("ready");
  while (Atomics.load(words, START) === 0);
  for (let value = 1; value <= signals; value++) {
    kit.pause();
    kit.depart(value);
    if (posts) port.postMessage(value);
    else Atomics.store(words, VALUE, value);
  }
  Atomics.store(words, DONE, 1);
}

async function sharedArrayBuffer(signals: number): Promise<void> {
  const words = new Int32Array(new SharedArrayBuffer(128));
  await startWorker({ words, signals, posts: false });
  const steps = stepsFor100ns();
  Atomics.store(words, START, 1);
  for (let last = 0; last < signals;) {
    compute(steps);
    const value = Atomics.load(words, VALUE);
    if (value === last) continue;
    kit.arrive(value);
    last = value;
  }
  finish(figures(signals));
}

/**
 * For ways that cannot run inside running JavaScript: counts the callbacks that run in a loop that
 * lasts as long as the sender.
 */
async function never(
  open: (
    callback: () => void,
  ) => Promise<{ start(): void; done(): boolean }>,
): Promise<void> {
  let callbacks = 0;
  const { start, done } = await open(() => callbacks++);
  // Runtimes start to listen in the next turn.
  await new Promise((resolve) => setTimeout(resolve));
  const steps = stepsFor100ns();
  start();
  while (!done()) compute(steps);
  const during = callbacks;
  while (callbacks === 0) await new Promise((resolve) => setTimeout(resolve));
  finish({ callbacks: during });
}

function nativeSender({ func, arg }: NativeFunction, signals: number) {
  const start = () => {
    kit.plan(1, signals, 0n);
    kit.pace(...pace);
    kit.start(func, arg);
  };
  return Promise.resolve({ start, done: () => !running() });
}

const ways: Record<string, (signals: number) => Promise<void>> = {
  interrupt,
  sharedArrayBuffer,
  process: (signals) =>
    never((callback) => {
      process.on("SIGUSR2", callback);
      const target = { func: kit.kill_address(), arg: BigInt(SIGUSR2) };
      return nativeSender(target, signals);
    }),
  tsfn: (signals) => never((callback) => nativeSender(threadsafeFunction(callback), signals)),
  postMessage: (signals) =>
    never(async (callback) => {
      const words = new Int32Array(new SharedArrayBuffer(128));
      const worker = await startWorker({ words, signals, posts: true });
      worker.on("message", callback);
      return {
        start: () => Atomics.store(words, START, 1),
        done: () => Atomics.load(words, DONE) !== 0,
      };
    }),
};

if (isMainThread) {
  const [way, count] = process.argv.slice(2);
  await ways[way!]!(Number(count));
} else work(workerData);
