/**
 * Everything at once for $ASYNC_INTERRUPT_STRESS_SECONDS: native threads, kill(2) from other
 * processes, Workers that are started and terminated, callbacks that close and reopen Interrupts
 * while others signal the closed ones, garbage collection, descriptors that come and go. At the end
 * it compares what was sent with what was heard, and looks for leaks. Prints figures, or what does
 * not agree.
 */

import assert from "node:assert/strict";
import process from "node:process";
import v8 from "node:v8";
import vm from "node:vm";
import { Worker } from "node:worker_threads";
import { checkpoint, EventPipe, Interrupt } from "../../mod.ts";
import type { NativeFunction } from "../../mod.ts";
import { openDescriptors } from "../support/descriptors.ts";
import { leavesEventLoops, runtime, turn, until } from "../support/harness.ts";
import { startCommand } from "../support/processes.ts";
import { makePipe, memory, readable, sender, testkit } from "../support/testkit.ts";
import { randomNumbers } from "../support/random.ts";
import { BEGUN, CALLS, SENT, type Task } from "./stress_worker.ts";
import { SIGRT6, SIGRT7, SIGUSR2, SIGWINCH } from "../support/signals.ts";

const hooked = [SIGUSR2, SIGWINCH, SIGRT6, SIGRT7];
/** Without USR1, which Deno itself handles half a second after its start. */
const others = Array.from({ length: 64 }, (_, index) => index + 1)
  .filter((signal) => signal !== 10 && !hooked.includes(signal));

/**
 * The maximal number of Interrupts that are open at a time. Higher slot numbers show that slots
 * leak.
 */
const SLOTS = 64;
/**
 * How much memory engines and their Workers may keep for a while. In a minute, a leak of 128 KiB
 * per Worker exceeds it. A leaked Interrupt shows as a slot.
 */
const MEMORY_MIB = 32;

const seconds = Number(process.env.ASYNC_INTERRUPT_STRESS_SECONDS ?? 3);
const random = randomNumbers();
const collectGarbage = garbageCollector();
const figures = {
  signals: 0,
  delivered: 0,
  kills: 0,
  late: 0,
  workers: 0,
  closes: 0,
};
let highestSlot = 0;
let running = true;

/**
 * Ends the process at once: native threads are still running, and Deno unmaps their code when it
 * exits normally.
 */
function fail(error: unknown): never {
  console.error(error);
  process.exit(1);
}
// Assertions in callbacks fail through it.
Interrupt.onError = fail;

function garbageCollector(): () => void {
  const { Bun } = globalThis as { Bun?: { gc(wait: boolean): void } };
  if (Bun) return () => Bun.gc(true);
  v8.setFlagsFromString("--expose-gc");
  // Deno 2.7 accepts no V8 flags at run time.
  return vm.runInNewContext("globalThis.gc") ?? (() => {});
}

function open(
  options: ConstructorParameters<typeof Interrupt>[0],
): Interrupt {
  const interrupt = new Interrupt(options);
  const { arg } = interrupt.signalFunc();
  highestSlot = Math.max(highestSlot, Number(arg & 0xffffffffn));
  return interrupt;
}

/**
 * An Interrupt that is signalled with 1, 2, 3 and so on. No value may arrive twice or after a
 * higher one.
 */
function openAscending(options = {}) {
  const seen = { last: 0, count: 0 };
  const interrupt = open({
    ...options,
    callback(value) {
      assert(value > seen.last, `${value} came after ${seen.last}`);
      seen.last = value;
      seen.count++;
      figures.delivered++;
    },
  });
  return { interrupt, seen };
}

function startThread({ func, arg }: NativeFunction, intervalNs: bigint) {
  testkit.plan(0, intervalNs);
  testkit.plan_values(1, 1);
  return testkit.thread_signal(func, arg);
}

/** Stops the thread and returns how often it signalled, which is also the last value. */
function stopThread(thread: number): number {
  testkit.thread_stop(thread);
  const sent = testkit.thread_join(thread);
  figures.signals += sent;
  return sent;
}

/** A native thread and its Interrupt, from start to end. */
async function thread(counter: number, intervalNs: bigint) {
  const func = testkit.callback_address();
  const { interrupt, seen } = openAscending({
    nativeCallback: { func, arg: BigInt(counter) },
    wake: counter !== 0,
  });
  const before = testkit.callback_count(counter);
  const thread = startThread(interrupt.signalFunc(), intervalNs);
  await until(() => !running);
  const sent = stopThread(thread);
  await until(() => {
    checkpoint();
    return seen.last >= sent;
  });
  assert.equal(seen.last, sent);
  assert.equal(testkit.callback_value(counter), sent);
  assert.equal(testkit.callback_count(counter) - before, seen.count);
  interrupt.close();
}

/** Other processes, one after another. Each round must be heard after its last signal. */
async function processes() {
  const calls = { USR2: 0, WINCH: 0, RT6: 0 };
  /** Calls of the runtime's own listeners. */
  const listened = { USR2: 0, WINCH: 0 };
  const listenToUSR2 = () => listened.USR2++;
  const listenToWINCH = () => listened.WINCH++;
  process.on("SIGUSR2", listenToUSR2).on("SIGWINCH", listenToWINCH);
  const chained = testkit.handled(SIGRT6);
  let queued = 0;
  const numbers = { USR2: SIGUSR2, WINCH: SIGWINCH, RT6: SIGRT6 };
  const count = (name: keyof typeof calls) => (value: number) => {
    assert.equal(value, numbers[name]);
    calls[name]++;
    figures.delivered++;
  };
  let opener: Interrupt;
  const reopen = () => {
    const old = opener;
    // Open the next one first, so that a signal in between finds an Interrupt.
    opener = open({
      signal: SIGUSR2,
      chain: random(2) === 0,
      callback(value) {
        count("USR2")(value);
        reopen();
      },
    });
    old?.close();
    figures.closes++;
  };
  reopen();
  const winch = open({
    signal: SIGWINCH,
    signalHysteresis: true,
    callback: count("WINCH"),
  });
  const rt = open({ signal: SIGRT6, chain: true, callback: count("RT6") });
  while (running) {
    const before = { ...calls };
    const listenedBefore = { ...listened };
    const times = { usr2: 1 + random(1000), winch: 1 + random(1000), rt6: 1 + random(200) };
    queued += times.rt6;
    const specs = [
      `${SIGUSR2}x${times.usr2}`,
      `pause:${random(200)}`,
      `${SIGWINCH}x${times.winch}`,
      `pause:${random(200)}`,
      `${SIGRT6}x${times.rt6}`,
    ];
    const { code } = await startCommand(sender(...specs)).ended;
    assert.equal(code, 0);
    figures.kills += times.usr2 + times.winch + times.rt6;
    await until(() =>
      calls.USR2 > before.USR2 && calls.WINCH > before.WINCH &&
      calls.RT6 > before.RT6 &&
      listened.USR2 > listenedBefore.USR2 &&
      listened.WINCH > listenedBefore.WINCH &&
      testkit.handled(SIGRT6) - chained === queued
    );
  }
  await until(() => winch.pending === 0 && rt.pending === 0);
  for (const interrupt of [opener!, winch, rt]) interrupt.close();
  process.off("SIGUSR2", listenToUSR2).off("SIGWINCH", listenToWINCH);
  assert.equal(testkit.handled(SIGRT6) - chained, queued);
}

/** This many lives have distinct marks; then the marks repeat. */
const MARKS = 4095;
/** The counters of thread_lives; see testkit.ts. */
const TOLD = { begun: 0, sent: 1, late: 2, raised: 3 };

/**
 * The lives of one Interrupt, one after another: either its callback or other code ends a life and
 * begins the next. A thread signals the current and the previous life, with values that say which
 * life they are for, and raises a signal that all lives hook. No life may hear a value for another,
 * and only signals during the callback that ends a life may be lost.
 */
async function lives() {
  const address = testkit.lives_address();
  const tokens = new BigUint64Array(memory(address, 16));
  const words = new Int32Array(memory(address + 16n, 16));
  const told = (what: keyof typeof TOLD) => Atomics.load(words, TOLD[what]);
  const markOf = (value: number) => value >> 19;
  const heard = testkit.handled(SIGRT7);
  let number = 0;

  const begin = () => {
    const mark = number++ % MARKS + 1;
    // The callback ends the life after that many calls; with Infinity, only the code below ends it.
    let calls = random(4) === 0 ? Infinity : 1 + random(8);
    let last = 0;
    let lastIsRaised = false;
    const interrupt = open({
      signal: SIGRT7,
      chain: true,
      wake: random(2) === 0,
      callback(value) {
        assert(!interrupt.closed);
        figures.delivered++;
        // The POSIX signal's value has replaced the earlier one.
        lastIsRaised = value === SIGRT7;
        if (!lastIsRaised) {
          assert.equal(markOf(value), mark);
          assert(value > last, `${value} came after ${last}`);
          assert(value <= told("begun"));
          last = value;
        }
        if (--calls === 0) reopen();
      },
    });
    // Some lives have a descriptor of their own.
    if (random(4) === 0) void interrupt.pipeFileno;
    return {
      interrupt,
      publish() {
        Atomics.store(tokens, 1, Atomics.load(tokens, 0));
        const { arg } = interrupt.signalFunc();
        Atomics.store(tokens, 0, BigInt(mark) << 52n | arg);
      },
      /** Checks that everything signalled before was handled. */
      end() {
        calls = Infinity;
        const sent = told("sent");
        interrupt.close();
        figures.closes++;
        assert(lastIsRaised || markOf(sent) !== mark || last >= sent);
      },
    };
  };
  let life = begin();
  const reopen = () => {
    const { interrupt } = life;
    // The new life is on the same slot, or begins while the old one still exists.
    if (random(2) === 0) interrupt.close();
    life = begin();
    interrupt.close();
    figures.closes++;
    life.publish();
  };

  testkit.plan(0, 100_000n);
  const { func } = life.interrupt.signalFunc();
  const thread = testkit.thread_lives(func, SIGRT7);
  life.publish();
  while (running) {
    for (let ends = random(20); ends > 0; ends--) {
      life.end();
      life = begin();
      life.publish();
      for (let i = random(50_000); i > 0; i--) checkpoint();
    }
    await turn();
  }
  stopThread(thread);
  await until(() => testkit.handled(SIGRT7) - heard >= told("raised"));
  life.end();
  assert.equal(testkit.handled(SIGRT7) - heard, told("raised"));
  figures.kills += told("raised");
  figures.late += told("late");
}

/** Workers, one after another. They are terminated while they signal and are signalled. */
async function workers() {
  while (running) {
    const { interrupt, seen } = openAscending();
    const words = new Int32Array(new SharedArrayBuffer(3 * 4));
    const workerData: Task = { target: interrupt.signalFunc(), words };
    const file = new URL("./stress_worker.ts", import.meta.url);
    const worker = new Worker(file, { workerData });
    const ended = new Promise((resolve) => worker.once("exit", resolve));
    const target = await new Promise<NativeFunction>((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", reject);
    });
    const thread = startThread(target, 20_000n);
    await until(() => seen.last > 0 && Atomics.load(words, CALLS) > 2);
    void worker.terminate();
    await ended;
    await until(() => !Interrupt.signal(target));
    stopThread(thread);
    const sent = Atomics.load(words, SENT);
    await until(() => seen.last >= sent);
    assert(seen.last <= Atomics.load(words, BEGUN));
    interrupt.close();
    figures.signals += sent;
    figures.workers++;
  }
}

/**
 * A computation with checkpoints between turns of the event loop, and what an application does
 * meanwhile.
 */
async function application() {
  while (running) {
    for (let i = random(100_000); i > 0; i--) checkpoint();
    const pipes = Array.from({ length: random(10) }, () => makePipe());
    const event = testkit.eventfd();
    {
      using pipe = new EventPipe();
      using interrupt = open({
        pipe,
        callback(value) {
          assert.equal(value, 1);
          figures.delivered++;
        },
      });
      interrupt.signal();
      figures.closes++;
    }
    // Nothing was written to numbers that were reused.
    for (const fd of [...pipes.map(([readFd]) => readFd), event]) {
      assert(!readable(fd));
    }
    for (const fd of [...pipes.flat(), event]) {
      assert.equal(testkit.close(fd), 0);
    }
    if (random(20) === 0) collectGarbage();
    await turn();
  }
}

async function period(length: number) {
  running = true;
  const timer = setTimeout(() => running = false, length * 1000);
  await Promise.all([
    thread(0, 2000n),
    thread(1, 20_000n),
    thread(2, 200_000n),
    processes(),
    lives(),
    workers(),
    application(),
  ]);
  clearTimeout(timer);
}

function residentMiB(): number {
  collectGarbage();
  return Math.round(process.memoryUsage.rss() / 2 ** 20);
}

/** Runs everything, then compares the counts and looks for leaks. */
async function main() {
  // Half a second after its start Deno installs handlers for HUP, INT and TERM; on a loaded machine
  // that may be after the first third.
  new Interrupt({ signal: "SIGUSR2" }).close();
  // The runtime's handler is installed before and after, and hears every signal.
  process.on("SIGUSR2", () => {}).on("SIGWINCH", () => {});
  for (const signal of [SIGRT6, SIGRT7]) testkit.handler_count(signal, 0n, 0n);
  for (const signal of hooked) testkit.disposition_save(signal, signal);
  // The first third shows how much memory and how many descriptors this takes. In it runtimes also
  // install handlers, when they first spawn a process.
  await period(seconds / 3);
  for (const signal of others) testkit.disposition_save(signal, signal);
  const descriptors = openDescriptors();
  const memory = residentMiB();
  const workersBefore = figures.workers;
  await period(seconds * 2 / 3);

  for (const signal of [...hooked, ...others]) {
    const same = testkit.disposition_same(signal, signal) === 1;
    assert(same, `the disposition of signal ${signal} has changed`);
  }
  // Deno closes the descriptors of its last few Workers only with the next one. Bun 1.3 leaves the
  // event loop of each Worker open.
  const workers = figures.workers - workersBefore;
  const late = runtime === "deno" ? workers / 2 : leavesEventLoops ? 3 * workers : 0;
  await until(() => openDescriptors() <= descriptors + late);
  assert(highestSlot < SLOTS, `a slot has the number ${highestSlot}`);
  const grown = residentMiB() - memory;
  assert(grown < MEMORY_MIB, `the memory has grown by ${grown} MiB`);

  console.log(
    Object.entries({ ...figures, slots: highestSlot, "MiB more": grown })
      .map(([name, number]) => `${name} ${number.toLocaleString("en")}`)
      .join(", "),
  );
  process.exit();
}

main().catch(fail);
