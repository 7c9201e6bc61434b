/**
 * `scale.ts interrupts|workers`: do signals become slower when there are more Interrupts that are
 * not signalled?
 */

import { constants } from "node:os";
import process from "node:process";
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { checkpoint, Interrupt, type NativeFunction } from "../../mod.ts";
import { finish, kit, memory, running } from "./benchkit.ts";

const { SIGUSR2 } = constants.signals;

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1]!;
}

/** ns per turn in the best of several batches: other load on the CPU can only slow it down. */
function best(turn: () => void): number {
  const [batches, turns] = [8, 1000];
  let least = Infinity;
  for (let batch = 0; batch < batches; batch++) {
    const begin = kit.now_ns();
    for (let i = 0; i < turns; i++) turn();
    least = Math.min(least, Number(kit.now_ns() - begin));
  }
  return least / turns;
}

/**
 * All sizes in one agent, ascending and descending, because engine and machine change over time.
 */
function interrupts(): Record<string, number> {
  const sizes = [1, 10, 100, 1000, 10_000];
  const cycles = 5;
  const steps = sizes.map((size) => ({
    size,
    signal: [] as number[],
    handling: [] as number[],
  }));
  const all: Interrupt[] = [];

  const resize = (size: number) => {
    while (all.length < size) all.push(new Interrupt({ callback: () => {} }));
    while (all.length > size) all.pop()!.close();
  };
  const measure = ({ size, signal, handling }: typeof steps[number]) => {
    // Signal the newest Interrupt: a scan of all would find it last. Create it anew for every size,
    // so that all sizes start alike.
    resize(size - 1);
    resize(size);
    const { func, arg } = all.at(-1)!.signalFunc();
    kit.target(func, arg);
    const idle = best(() => {
      kit.nothing(1);
      checkpoint();
    });
    const both = best(() => {
      kit.call_target(1);
      checkpoint();
    });
    kit.timed_ns();
    const turns = 4000;
    for (let i = 0; i < turns; i++) {
      kit.signal_target(1);
      checkpoint();
    }
    const alone = Number(kit.timed_ns()) / turns;
    signal.push(alone);
    handling.push(both - idle - alone);
  };

  // Warm up: the engine compiles the loops.
  const smallest = steps[0]!;
  for (let i = 0; i < 5; i++) measure(smallest);
  smallest.signal.length = smallest.handling.length = 0;
  for (let cycle = 0; cycle < cycles; cycle++) {
    for (const step of steps) measure(step);
    for (const step of steps.toReversed()) measure(step);
  }
  const sample: Record<string, number> = {};
  for (const { size, signal, handling } of steps) {
    sample[`signal${size}`] = median(signal);
    sample[`handling${size}`] = median(handling);
  }
  return sample;
}

/**
 * Workers wait in their event loops. A native thread signals one after the other, then all of them
 * with one POSIX signal.
 */
async function workers(): Promise<Record<string, number>> {
  const sample: Record<string, number> = {};
  const targets: NativeFunction[] = [];
  for (const size of [1, 4, 16]) {
    while (targets.length < size) targets.push(await startWorker());
    sample[`signal${size}`] = await inTurn(targets, 1);
    const raise = { func: kit.raise_address(), arg: BigInt(SIGUSR2) };
    sample[`posix${size}`] = await inTurn([raise], size) / size;
  }
  return sample;
}

function startWorker(): Promise<NativeFunction> {
  const worker = new Worker(new URL("./scale.ts", import.meta.url));
  return new Promise((resolve) => worker.once("message", resolve));
}

/** ns per call: the median of several batches. */
async function inTurn(
  targets: NativeFunction[],
  answers: number,
): Promise<number> {
  const pairs = targets.flatMap(({ func, arg }) => [func, arg]);
  new BigUint64Array(memory(kit.arrived_address(), pairs.length * 8))
    .set(pairs);
  kit.expect(answers);
  const results: number[] = [];
  const calls = 160;
  for (let batch = 0; batch < 5; batch++) {
    kit.timed_ns();
    kit.rounds(kit.arrived_address(), targets.length, calls / targets.length);
    while (running()) await new Promise((resolve) => setTimeout(resolve, 1));
    kit.join();
    results.push(Number(kit.timed_ns()) / calls);
  }
  return median(results);
}

if (isMainThread) {
  const ways: Record<string, () => unknown> = { interrupts, workers };
  finish(await ways[process.argv[2]!]!() as Record<string, number>);
} else {
  const nativeCallback = { func: kit.answer_address(), arg: 0n };
  const interrupt = new Interrupt({ signal: "SIGUSR2", nativeCallback });
  interrupt.ref();
  parentPort!.postMessage(interrupt.signalFunc());
}
