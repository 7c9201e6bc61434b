/**
 * No JavaScript runs in the child of a fork(2), because engines do not survive a fork. Native code
 * and signal handlers do run there.
 */

import { assert, assertEquals } from "@std/assert";
import { Worker } from "node:worker_threads";
import { checkpoint, EventPipe, Interrupt } from "../mod.ts";
import { noProc, runtime, testsOf, turn } from "./support/harness.ts";
import { makePipe, readable, startKiller, testkit } from "./support/testkit.ts";
import type { Request } from "./programs/spawner.ts";
import { type Inherited, inherited, spawners } from "./support/spawners.ts";
import { SIGRT6, SIGUSR2 } from "./support/signals.ts";
import { raise } from "./support/senders.ts";

const test = testsOf(import.meta.url);

/** The value that the child signals. */
const CHILDS = 42;

/** A native function that raises a signal in the calling thread. */
function raiser(signal: number) {
  return { func: testkit.killer_address(), arg: BigInt(signal) };
}

/** Forks a child that calls `func(arg, 42)`. Returns the Interrupt's value in that child. */
function valueInChild(
  interrupt: Interrupt,
  { func, arg }: { func: bigint; arg: bigint },
): number {
  testkit.fork_exit(interrupt.cVar);
  return testkit.wait_exit(testkit.fork(func, arg, -1));
}

test("a hooked signal in a forked child reaches that child only", async () => {
  let calls = 0;
  const interrupt = new Interrupt({ signal: SIGUSR2, callback: () => calls++ });
  for (let round = 0; round < 20; round++) {
    assertEquals(valueInChild(interrupt, raiser(SIGUSR2)), SIGUSR2);
    assertEquals(interrupt.pending, 0);
    // The child wrote to the wake of this event loop, so it turns and finds nothing.
    await turn();
    checkpoint();
    assertEquals(calls, round);
    const next = interrupt.wait();
    raise(SIGUSR2);
    assertEquals(await next, SIGUSR2);
  }
});

test("`signalFunc()` in a forked child reaches that child only", async () => {
  const values: number[] = [];
  const interrupt = new Interrupt({ callback: (value) => values.push(value) });
  assertEquals(valueInChild(interrupt, interrupt.signalFunc()), CHILDS);
  await turn();
  checkpoint();
  assertEquals([interrupt.pending, values], [0, []]);
});

test("a value that is pending during the fork is pending in both processes, and a signal in the child changes only the child's", () => {
  const values: number[] = [];
  const interrupt = new Interrupt({
    signal: SIGUSR2,
    callback: (value) => values.push(value),
  });
  const { func, arg } = interrupt.signalFunc();
  testkit.call_value(func, arg, 7);
  const nothing = raiser(0);
  assertEquals(valueInChild(interrupt, nothing), 7);
  assertEquals(valueInChild(interrupt, { func, arg }), CHILDS);
  assertEquals(valueInChild(interrupt, raiser(SIGUSR2)), SIGUSR2);
  assertEquals(interrupt.pending, 7);
  checkpoint();
  assertEquals(values, [7]);
});

test("`postFork()` and `renew()` in the parent detach its pipes from a child that was forked before", () => {
  const interrupt = new Interrupt();
  const own = interrupt.pipeFileno;
  using pipe = new EventPipe();
  for (
    const [fd, target, renew] of [
      [own, interrupt.signalFunc(), () => interrupt.postFork()],
      [pipe.fileno, pipe.signalFunc(), () => pipe.renew()],
    ] as const
  ) {
    for (const renewed of [false, true]) {
      const [readFd, writeFd] = makePipe({ nonblocking: false });
      const child = testkit.fork(target.func, target.arg, readFd);
      if (renewed) renew();
      assertEquals(testkit.write(writeFd), 1);
      assertEquals(testkit.wait_exit(child), 0);
      assertEquals(readable(fd), !renewed);
    }
  }
  assertEquals(interrupt.pending, 0);
  // signalFunc() still signals this process's own pipe.
  const { func, arg } = interrupt.signalFunc();
  testkit.call_value(func, arg, 1);
  assert(readable(own));
});

test("a child that is forked at any point of another thread's signal can still signal", () => {
  const interrupt = new Interrupt({ signal: SIGUSR2, callback: () => {} });
  const pipe = interrupt.pipeFileno;
  const { func, arg } = interrupt.signalFunc();
  testkit.plan(0, 0n);
  testkit.plan_values(1, 0);
  const thread = testkit.thread_signal(func, arg);
  const stop = startKiller(SIGUSR2, 50_000);
  for (let round = 0; round < 200; round++) {
    for (let i = 0; i < 100; i++) checkpoint();
    assertEquals(valueInChild(interrupt, { func, arg }), CHILDS);
  }
  stop();
  testkit.thread_stop(thread);
  testkit.thread_join(thread);
  checkpoint();
  interrupt.postFork();
  assertEquals([interrupt.pending, readable(pipe)], [0, false]);
});

const hasSignal = (set: bigint, signal: number) => (set >> BigInt(signal - 1) & 1n) === 1n;

/**
 * What a started process inherits: Node resets the signals up to 31 first, Bun resets all, Deno
 * none.
 */
const inheritsIgnored = (signal: number) => runtime === "deno" || runtime === "node" && signal > 31;

/** Opens everything that a started process could inherit. */
function openEverything() {
  const interrupts = [
    new Interrupt({ signal: SIGUSR2 }),
    new Interrupt({ signal: "SIGTERM", pipe: new EventPipe() }),
    new Interrupt({ signal: SIGRT6, signalHysteresis: true }),
    new Interrupt({ pipe: makePipe() }),
  ];
  for (const interrupt of interrupts) void interrupt.pipeFileno;
}

for (const [name, spawn] of Object.entries(spawners)) {
  test(`a process that \`${name}\` starts inherits no descriptor, no mask and no disposition`, async () => {
    const before = await inherited(spawn);
    openEverything();
    assertEquals(await inherited(spawn), before);
    // Also not while signals arrive.
    const stop = startKiller(SIGUSR2, 50_000);
    for (let round = 0; round < 10; round++) {
      assertEquals(await inherited(spawn), before);
      checkpoint();
    }
    stop();
  });

  test(
    `a process that \`${name}\` starts while a signal is ignored by hysteresis`,
    () => assertInheritsIgnored(name, () => inherited(spawn)),
    { skip: noProc },
  );
}

/**
 * Checks that a process started while hysteresis ignores a signal inherits only that, and only if
 * its runtime does not reset it.
 */
async function assertInheritsIgnored(
  name: string,
  inherited: () => Promise<Inherited>,
) {
  const before = await inherited();
  for (const signal of [SIGUSR2, SIGRT6]) {
    // Without a wake the signal stays ignored until a checkpoint.
    using _interrupt = new Interrupt({
      signal,
      signalHysteresis: true,
      wake: false,
    });
    raise(signal);
    const { ignored } = await inherited();
    assertEquals(hasSignal(ignored, signal), inheritsIgnored(signal), name);
    checkpoint();
    assertEquals(await inherited(), before, name);
  }
}

/** A Worker that starts processes. */
function startSpawner() {
  const file = new URL("./programs/spawner.ts", import.meta.url);
  const worker = new Worker(file);
  const ask = (request: Request) =>
    new Promise<Inherited>((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", reject);
      worker.postMessage(request);
    });
  return { ask, inherited: (spawn: string) => ask({ spawn }) };
}

test("a process that a Worker starts inherits no descriptor, mask or disposition, neither from the Worker nor from other threads", async () => {
  const { ask, inherited } = startSpawner();
  const before: Record<string, Inherited> = {};
  for (const name in spawners) before[name] = await inherited(name);
  openEverything();
  await ask("open");
  const stop = startKiller(SIGUSR2, 50_000);
  for (let round = 0; round < 5; round++) {
    for (const name in spawners) {
      assertEquals(await inherited(name), before[name], name);
    }
    checkpoint();
  }
  stop();
});

test(
  "a process that a Worker starts while hysteresis of another thread ignores a signal",
  async () => {
    const { inherited } = startSpawner();
    for (const name in spawners) {
      await assertInheritsIgnored(name, () => inherited(name));
    }
  },
  { skip: noProc },
);
