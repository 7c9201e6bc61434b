/**
 * The option `every`. No test asserts that something takes so long: the machine may be busy. What
 * ticks is counted against the clock that the timers have, and that can only show too many.
 */

import {
  assertEquals,
  assertGreater,
  assertLessOrEqual,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";
import { Worker } from "node:worker_threads";
import { checkpoint, Interrupt, type NativeFunction } from "../mod.ts";
import { noProc, testsOf, turn, until } from "./support/harness.ts";
import { testkit } from "./support/testkit.ts";
import type { Order } from "./programs/worker.ts";
import { raise } from "./support/senders.ts";
import { SIGRT8, SIGUSR2 } from "./support/signals.ts";

const test = testsOf(import.meta.url);

/** The monotonic clock, in milliseconds. */
const now = () => Number(testkit.now_ns()) / 1e6;

/** The numbers of the threads that serve timers. */
function timerThreads(): string[] {
  return readdirSync("/proc/self/task").filter((thread) => {
    try {
      return readFileSync(`/proc/self/task/${thread}/comm`, "utf8") === "async-interrupt\n";
    } catch {
      // It has ended meanwhile.
      return false;
    }
  });
}

/** Computes, with checkpoints and without any turn of the event loop, until the condition holds. */
function crunch(condition: () => boolean): void {
  let x = 1;
  while (!condition()) {
    for (let i = 0; i < 100; i++) {
      x = Math.imul(x, 1664525) + 1013904223 | 0;
      checkpoint();
    }
  }
}

/** An Interrupt that counts its ticks, and the limit of what can have ticked by now. */
function counter(every: number, options: { wake?: boolean } = {}) {
  const begin = now();
  const counted = {
    ticks: 0,
    values: new Set<number>(),
    interrupt: new Interrupt({
      every,
      ...options,
      callback(value) {
        counted.ticks++;
        counted.values.add(value);
      },
    }),
    /** Deadlines are multiples of the period, each is one tick at most, and none is early. */
    assertNotTooMany() {
      const { ticks } = counted;
      assertLessOrEqual(ticks, (now() - begin) / every, `every ${every} ms`);
    },
  };
  return counted;
}

/** So much time has passed for the thread too: it has served another timer so often. */
async function after(ticks: number): Promise<void> {
  const other = counter(1);
  await until(() => other.ticks >= ticks);
  other.interrupt.close();
}

for (const every of [1, 0.05, 2.5]) {
  test(`every ${every} ms: ticks arrive in a busy loop that only checks`, () => {
    const counted = counter(every);
    crunch(() => counted.ticks >= 100);
    counted.assertNotTooMany();
    assertEquals([...counted.values], [1]);
  });

  test(`every ${every} ms: ticks arrive in an idle event loop`, async () => {
    const counted = counter(every);
    // Nothing else turns this loop.
    for (let tick = 0; tick < 100; tick++) assertEquals(await counted.interrupt.wait(), 1);
    counted.assertNotTooMany();
    assertEquals([...counted.values], [1]);
  });
}

test("timers of different periods tick side by side, and none starves another", () => {
  const periods = [0.05, 0.05, 0.1, 0.37, 1, 2.5, 10, 33];
  const all = periods.map((every) => counter(every));
  crunch(() => all.every(({ ticks }) => ticks >= 5));
  for (const counted of all) counted.assertNotTooMany();
  assertEquals(timerThreads().length, 1);
});

test("a thousand timers tick, from one thread", async () => {
  const all = Array.from({ length: 1000 }, (_, i) => counter(5 + i % 10));
  crunch(() => all.every(({ ticks }) => ticks >= 3));
  await until(() => all.every(({ ticks }) => ticks >= 6));
  for (const counted of all) counted.assertNotTooMany();
  assertEquals(timerThreads().length, 1);
  for (const { interrupt } of all) interrupt.close();
  await until(() => timerThreads().length === 0);
}, { timeout: 60, alone: true });

/** Computes without a checkpoint. */
function block(milliseconds: number): void {
  const end = now() + milliseconds;
  while (now() < end);
}

test("what a busy loop misses comes as one tick", () => {
  const counted = counter(1, { wake: false });
  for (let round = 0; round < 3; round++) {
    crunch(() => counted.ticks > 0);
    block(50);
    const [before, begin] = [counted.ticks, now()];
    checkpoint();
    const ticks = counted.ticks - before;
    assertGreater(ticks, 0);
    // The one that was pending, one that was late, and those of this very moment.
    assertLessOrEqual(ticks, now() - begin + 3);
  }
  counted.assertNotTooMany();
});

test("what a callback misses comes as one tick, right after it", () => {
  let calls = 0;
  let returned = 0;
  new Interrupt({
    every: 1,
    callback() {
      if (calls++ > 0) return;
      block(50);
      returned = now();
    },
  });
  crunch(() => calls >= 1);
  // The same look that ran it has found the next one, unless the thread did not get to run.
  const end = now();
  assertLessOrEqual(calls - 1, end - returned + 3);
  crunch(() => calls >= 5);
});

test("`close()` stops the ticks", async () => {
  for (const every of [0.05, 1, 1e6]) {
    const counted = counter(every);
    if (every < 1e6) crunch(() => counted.ticks > 0);
    counted.interrupt.close();
    const { ticks } = counted;
    await after(20);
    assertEquals(counted.ticks, ticks);
  }
});

test("a callback may close its own timer, and start another", async () => {
  let generations = 0;
  let over = false;
  const open = (): Interrupt =>
    new Interrupt({
      every: 0.1,
      callback() {
        current.close();
        generations++;
        // The last close() runs this too, if a tick is pending.
        if (!over) current = open();
      },
    });
  let current = open();
  crunch(() => generations >= 50);
  await until(() => generations >= 100);
  over = true;
  current.close();
  await until(() => timerThreads().length === 0);
}, { alone: true });

test("there is a thread while there is a timer, and none before and after", async () => {
  using _plain = new Interrupt();
  assertEquals(timerThreads(), []);
  const threads = new Set<string>();
  for (let round = 0; round < 2; round++) {
    // Far ahead: the thread must not sleep until then.
    const far = new Interrupt({ every: 2 ** 31 - 1 });
    const near = counter(1);
    await until(() => near.ticks > 3);
    const [thread, ...others] = timerThreads();
    assertEquals(others, []);
    threads.add(thread!);
    near.interrupt.close();
    far.close();
    await until(() => timerThreads().length === 0);
  }
  assertEquals(threads.size, 2);
}, { alone: true });

test("timers that come and go share the thread that lingers", async () => {
  const begin = now();
  const threads = new Set<string>();
  for (let round = 0; round < 200; round++) {
    const counted = counter(0.05);
    crunch(() => counted.ticks > 0);
    for (const thread of timerThreads()) threads.add(thread);
    counted.interrupt.close();
  }
  // It ends only after a second without a timer. Here and there one has not ended quite.
  assertLessOrEqual(threads.size, 1 + 2 * (now() - begin) / 1000);
  await until(() => timerThreads().length === 0);
}, { alone: true });

test("the thread takes no signals but those of libc", async () => {
  const counted = counter(1);
  await until(() => timerThreads().length === 1);
  const [thread] = timerThreads();
  const status = readFileSync(`/proc/self/task/${thread}/status`, "utf8");
  const blocked = BigInt(`0x${/SigBlk:\s*(\w+)/.exec(status)![1]}`);
  const bits = (...signals: number[]) =>
    signals.reduce((set, signal) => set | 1n << BigInt(signal - 1), 0n);
  const [SIGKILL, SIGSTOP] = [9, 19];
  // setuid(2) in any thread waits until each has taken one of the last three.
  assertEquals(blocked, 2n ** 64n - 1n ^ bits(SIGKILL, SIGSTOP, 32, 33, 34));
  // The mask of this thread is as before.
  let calls = 0;
  using _interrupt = new Interrupt({ signal: SIGUSR2, callback: () => calls++ });
  raise(SIGUSR2);
  checkpoint();
  assertEquals(calls, 1);
  counted.interrupt.close();
}, { skip: noProc });

test("libc's calls that need all threads go on", () => {
  const counted = counter(0.05);
  crunch(() => counted.ticks > 0);
  const ids = process as { getgid?(): number; setgid?(id: number): void };
  // Not in every version of Deno.
  if (ids.setgid === undefined) return;
  for (let round = 0; round < 20; round++) ids.setgid(ids.getgid!());
  crunch(() => counted.ticks > 20);
});

test("a timer uses no POSIX signal", () => {
  // Deno takes USR1 over by itself, half a second after its start.
  const signals = Array.from({ length: 64 }, (_, i) => i + 1).filter((number) => number !== 10);
  for (const signal of signals) testkit.disposition_save(signal, signal);
  const counted = counter(0.1);
  crunch(() => counted.ticks > 20);
  for (const signal of signals) assertEquals(testkit.disposition_same(signal, signal), 1);
});

test("an Interrupt may hook a signal and tick", () => {
  const values: number[] = [];
  new Interrupt({ every: 0.5, signal: SIGRT8, callback: (value) => values.push(value) });
  raise(SIGRT8);
  // Unless a tick has replaced it.
  crunch(() => values.length >= 10);
  assertEquals(new Set(values).has(1), true);
});

test("a blocked timer holds one tick back", async () => {
  const counted = counter(0.1);
  crunch(() => counted.ticks > 0);
  counted.interrupt.block();
  const { ticks } = counted;
  await after(20);
  assertEquals(counted.ticks, ticks);
  await until(() => counted.interrupt.pending === 1);
  const begin = now();
  counted.interrupt.unblock();
  assertGreater(counted.ticks, ticks);
  assertLessOrEqual(counted.ticks, ticks + (now() - begin) / 0.1 + 3);
  counted.assertNotTooMany();
});

test("`wake: false`: ticks wait for a checkpoint", () => {
  const counted = counter(0.5, { wake: false });
  crunch(() => counted.ticks >= 20);
  counted.assertNotTooMany();
});

test("`wait()` and `for await` hear a timer with `wake: false` in an idle loop", async () => {
  const counted = counter(0.5, { wake: false });
  assertEquals(await counted.interrupt.wait(), 1);
  let ticks = 0;
  for await (const value of counted.interrupt) {
    assertEquals(value, 1);
    if (++ticks === 20) break;
  }
  counted.assertNotTooMany();
});

test("a pipe becomes readable with each tick", () => {
  const interrupt = new Interrupt({ every: 1, wake: false });
  for (let round = 0; round < 5; round++) {
    assertEquals(testkit.readable(interrupt.pipeFileno, -1), 1);
    assertEquals(interrupt.pending, 1);
    checkpoint();
  }
});

test("`every` refuses what is no period, and leaves nothing behind", () => {
  const descriptors = () => readdirSync("/proc/self/fd").length;
  new Interrupt().close();
  const before = descriptors();
  const cases: [unknown, typeof TypeError | typeof RangeError][] = [
    [NaN, RangeError],
    [0, RangeError],
    [-1, RangeError],
    [0.049999, RangeError],
    [2 ** 31, RangeError],
    [2 ** 31 - 0.5, RangeError],
    [Infinity, RangeError],
    [-Infinity, RangeError],
    ["1", TypeError],
    [1n, TypeError],
    [null, TypeError],
    [true, TypeError],
    [{}, TypeError],
    [[1], TypeError],
  ];
  for (const [every, expected] of cases) {
    const error = assertThrows(() => new Interrupt({ every } as never));
    assertEquals((error as Error).constructor, expected, String(every));
    assertStringIncludes((error as Error).message, "every must be");
  }
  assertEquals(timerThreads(), []);
  assertEquals(descriptors(), before);
  for (const every of [0.05, 2 ** 31 - 1, undefined]) new Interrupt({ every }).close();
}, { alone: true });

test("a constructor that throws for another reason starts no timer", () => {
  for (const options of [{ signal: 9 }, { pipe: [-1, -1] as const }]) {
    assertThrows(() => new Interrupt({ every: 1, ...options }));
  }
  assertEquals(timerThreads(), []);
}, { alone: true });

/** A Worker whose timer ticks. */
async function tickingWorker() {
  const worker = new Worker(new URL("./programs/worker.ts", import.meta.url));
  let [ticks, ready] = [0, false];
  let target: NativeFunction | undefined;
  worker.on("message", (message) => {
    if (message === "ready") ready = true;
    else if (message === 1) ticks++;
    else target = message;
  });
  const ended = new Promise((resolve) => worker.once("exit", resolve));
  await until(() => ready);
  worker.postMessage({ do: "open", every: 5 } satisfies Order);
  await until(() => target !== undefined);
  return { worker, ticks: () => ticks, target: target!, ended };
}

test("timers of Workers and of the main thread share one thread", async () => {
  const counted = counter(5);
  const workers = [await tickingWorker(), await tickingWorker()];
  for (const other of [...workers, { ticks: () => counted.ticks }]) {
    const before = other.ticks();
    await until(() => other.ticks() > before + 3);
  }
  assertEquals(timerThreads().length, 1);
  // What a Worker leaves open ends with it.
  for (const { worker, target, ended } of workers) {
    await worker.terminate();
    await ended;
    await until(() => !Interrupt.signal(target));
  }
  const { ticks } = counted;
  await until(() => counted.ticks > ticks + 3);
  counted.interrupt.close();
  await until(() => timerThreads().length === 0);
}, { alone: true });

test("a timer that only a Worker had ends with the Worker", async () => {
  const { worker, ticks, ended } = await tickingWorker();
  await until(() => ticks() > 3);
  assertEquals(timerThreads().length, 1);
  await worker.terminate();
  await ended;
  await until(() => timerThreads().length === 0);
  // And comes again.
  const counted = counter(1);
  crunch(() => counted.ticks > 3);
}, { alone: true });

test("a child that is forked while timers start, tick and stop can signal", () => {
  const counted = counter(0.05);
  const interrupt = new Interrupt();
  const { func, arg } = interrupt.signalFunc();
  testkit.fork_exit(interrupt.cVar);
  for (let round = 0; round < 100; round++) {
    const other = new Interrupt({ every: 0.05 });
    assertEquals(testkit.wait_exit(testkit.fork(func, arg, -1)), 42);
    other.close();
    checkpoint();
  }
  const { ticks } = counted;
  crunch(() => counted.ticks > ticks + 20);
});

test("two thousand timers that open and close leave nothing", async () => {
  for (let round = 0; round < 2; round++) {
    const open: Interrupt[] = [];
    for (let i = 0; i < 1000; i++) {
      open.push(new Interrupt({ every: 0.05 + i, callback: () => {} }));
      if (i % 3 === 0) open.splice(i % open.length, 1)[0]!.close();
      if (i % 100 === 0) await turn();
    }
    for (const interrupt of open) interrupt.close();
  }
  await until(() => timerThreads().length === 0);
}, { alone: true });
