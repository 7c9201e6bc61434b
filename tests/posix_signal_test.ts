import { assert, assertEquals, assertThrows } from "@std/assert";
import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";
import { checkpoint, EventPipe, Interrupt, InterruptError, sig2num } from "../mod.ts";
import { runtime, testsOf, underQemu, until } from "./support/harness.ts";
import { startCommand } from "./support/processes.ts";
import { makePipe, readable, sender, startKiller, testkit } from "./support/testkit.ts";
import { SIGCHLD, SIGUSR2 } from "./support/signals.ts";
import { rounds } from "./support/rounds.ts";
import { raise } from "./support/senders.ts";

const test = testsOf(import.meta.url);

/**
 * SIGKILL and SIGSTOP, the synchronous faults, SIGABRT, libc's own signals, and SIGPWR, which stops
 * threads in Bun's JavaScript engine.
 */
const reserved = new Set([4, 5, 6, 7, 8, 9, 11, 19, 31, 32, 33, 34]);
if (runtime === "bun") reserved.add(30);
const catchable = Array.from({ length: 64 }, (_, i) => i + 1)
  .filter((number) => !reserved.has(number));

/** Numbers that qemu-user cannot pass on: it keeps some of the machine's to itself. */
const keptByQemu = [61, 62, 63, 64];
const skip = underQemu("keeps four signals to itself");

function hookEach(numbers: number[]) {
  for (const number of numbers) {
    const values: number[] = [];
    using _interrupt = new Interrupt({
      signal: number,
      callback: (value) => values.push(value),
    });
    raise(number);
    checkpoint();
    assertEquals(values, [number], `signal ${number}`);
  }
}

const others = catchable.filter((number) => !keptByQemu.includes(number));

test("every catchable signal can be hooked by its number, and that is the value of the callback", () => {
  hookEach(others);
});

test("signals 61 to 64 can be hooked by their number too", () => hookEach(keptByQemu), { skip });

test("every catchable signal can be hooked by its name", () => {
  const { signals } = Interrupt.supports;
  assertEquals(signals.map(sig2num).sort(), [...catchable].sort());
  for (const name of signals) {
    if (skip && keptByQemu.includes(sig2num(name)!)) continue;
    let calls = 0;
    for (const spelling of [name, name.slice(3), name.toLowerCase()]) {
      using _interrupt = new Interrupt({
        signal: spelling,
        callback: () => calls++,
      });
      raise(sig2num(name)!);
      checkpoint();
    }
    assertEquals(calls, 3, name);
  }
});

async function receiveEach(numbers: number[]) {
  // Runtimes learn through SIGCHLD that a process has ended. libuv's handler is installed only
  // while it has children.
  const { child } = startCommand(["sleep", "60"]);
  // One by one, because for the kernel SIGCONT cancels a pending SIGTSTP, SIGTTIN or SIGTTOU, and
  // the other way round.
  for (const signal of numbers) {
    using interrupt = new Interrupt({ signal, chain: signal === SIGCHLD });
    const next = interrupt.wait();
    const { ended } = startCommand(sender(String(signal)));
    assertEquals(await next, signal, `signal ${signal}`);
    assertEquals((await ended).code, 0, `signal ${signal}`);
  }
  child.kill();
}

test("every catchable signal arrives from another process", async () => {
  // Half a second after its start Deno itself handles USR1.
  await receiveEach(others.filter((number) => runtime !== "deno" || number !== 10));
});

test("signals 61 to 64 arrive from another process too", () => receiveEach(keptByQemu), { skip });

test("another process interrupts a computation", () => {
  let stop = false;
  const interrupt = new Interrupt({
    signal: "SIGTERM",
    callback: () => stop = true,
  });
  startCommand(sender("15"));
  let turns = 0;
  while (!stop) {
    turns++;
    checkpoint();
  }
  assert(turns > 0);
  assertEquals(interrupt.pending, 0);
});

test("the event loop sees `process.kill()` of its own process", async () => {
  const interrupt = new Interrupt({ signal: "SIGUSR2" });
  for (let round = 0; round < 50; round++) {
    const next = interrupt.wait();
    process.kill(process.pid, "SIGUSR2");
    assertEquals(await next, SIGUSR2);
  }
});

test("a signal that interrupts running JavaScript waits for the checkpoint", () => {
  let calls = 0;
  const interrupt = new Interrupt({ signal: SIGUSR2, callback: () => calls++ });
  raise(SIGUSR2);
  raise(SIGUSR2);
  assertEquals([interrupt.pending, calls], [SIGUSR2, 0]);
  checkpoint();
  assertEquals([interrupt.pending, calls], [0, 1]);
});

test("one signal signals all its Interrupts", async () => {
  const counts = Array.from({ length: 600 }, () => 0);
  const interrupts = counts.map((_, index) =>
    new Interrupt({ signal: SIGUSR2, callback: () => counts[index]!++ })
  );
  raise(SIGUSR2);
  checkpoint();
  assertEquals(counts, counts.map(() => 1));
  raise(SIGUSR2);
  await until(() => counts.every((count) => count === 2));
  for (const interrupt of interrupts.slice(0, 599)) interrupt.close();
  raise(SIGUSR2);
  checkpoint();
  assertEquals(counts.at(-1), 3);
  assertEquals(counts[0], 2);
});

test("a POSIX signal and `signalFunc()` share one Interrupt", () => {
  const values: number[] = [];
  const interrupt = new Interrupt({
    signal: SIGUSR2,
    callback: (value) => values.push(value),
  });
  const { func, arg } = interrupt.signalFunc();
  testkit.call_value(func, arg, 8);
  checkpoint();
  raise(SIGUSR2);
  checkpoint();
  assertEquals(values, [8, SIGUSR2]);
});

test("a signal handler of native code can call `signalFunc()`", () => {
  const values: number[] = [];
  const interrupt = new Interrupt({ callback: (value) => values.push(value) });
  const { func, arg } = interrupt.signalFunc();
  testkit.handler_forward(SIGUSR2, func, arg);
  raise(SIGUSR2);
  checkpoint();
  assertEquals([values, testkit.handled(SIGUSR2)], [[SIGUSR2], 1]);
});

test("signals at any point of the delivery are not lost", () => {
  let calls = 0;
  const interrupt = new Interrupt({ signal: SIGUSR2, callback: () => calls++ });
  const stop = startKiller(SIGUSR2, 50_000);
  while (calls < rounds(5000)) checkpoint();
  stop();
  checkpoint();
  const before = calls;
  raise(SIGUSR2);
  checkpoint();
  assertEquals(calls, before + 1);
  assertEquals(interrupt.pending, 0);
});

test("signals at any point of `block()` and `unblock()` are not lost", () => {
  let calls = 0;
  let depth = 0;
  const interrupt = new Interrupt({
    signal: SIGUSR2,
    callback: () => {
      assertEquals(depth, 0);
      calls++;
    },
  });
  const stop = startKiller(SIGUSR2, 50_000);
  while (calls < rounds(5000)) {
    interrupt.block();
    depth++;
    checkpoint();
    depth--;
    interrupt.unblock();
  }
  stop();
  checkpoint();
  const before = calls;
  raise(SIGUSR2);
  checkpoint();
  assertEquals(calls, before + 1);
});

test("signals while Interrupts open and close are neither lost nor fatal", () => {
  let calls = 0;
  const stays = new Interrupt({ signal: SIGUSR2, callback: () => calls++ });
  const stop = startKiller(SIGUSR2, 50_000);
  for (let round = 0; round < rounds(1000); round++) {
    let own = 0;
    const interrupt = new Interrupt({ signal: SIGUSR2, callback: () => own++ });
    while (own < 2) checkpoint();
    interrupt.close();
  }
  stop();
  checkpoint();
  assert(calls > 0);
  assertEquals(stays.pending, 0);
});

test("the event loop handles signals at any point of its turn", async () => {
  let calls = 0;
  const interrupt = new Interrupt({ signal: SIGUSR2, callback: () => calls++ });
  const stop = startKiller(SIGUSR2, 20_000);
  await until(() => calls >= rounds(1000));
  stop();
  await until(() => interrupt.pending === 0);
  for (let round = 0; round < 20; round++) {
    const before = calls;
    raise(SIGUSR2);
    await until(() => calls > before);
    assertEquals(calls, before + 1);
  }
});

test("the handler keeps errno", () => {
  const [readFd, writeFd] = makePipe();
  // The write to the full pipe fails. Without care, that would show in errno.
  testkit.fill(writeFd);
  const interrupt = new Interrupt({
    signal: SIGUSR2,
    pipe: [readFd, writeFd],
    chain: true,
  });
  for (let round = 0; round < 3; round++) {
    testkit.fill(writeFd);
    assertEquals(testkit.errno_after(SIGUSR2), 77);
    assertEquals(interrupt.pending, SIGUSR2);
    checkpoint();
    testkit.fill(writeFd);
    assertEquals(testkit.thread_join(testkit.thread_errno(SIGUSR2)), 77);
    assertEquals(interrupt.pending, SIGUSR2);
    checkpoint();
  }
  // The measurement itself does not change errno.
  assertEquals(testkit.errno_after(0), 77);
});

test("a blocking read that the signal interrupts goes on", () => {
  const interrupt = new Interrupt({ signal: SIGUSR2 });
  const [readFd, writeFd] = makePipe({ nonblocking: false });
  const thread = testkit.thread_read(readFd);
  for (let round = 0; round < 20; round++) {
    while (!isSleeping(testkit.thread_id(thread)));
    testkit.kill_thread(testkit.thread_id(thread), SIGUSR2);
    while (interrupt.pending === 0);
    checkpoint();
  }
  assertEquals(testkit.thread_done(thread), 0);
  assertEquals(testkit.write(writeFd), 1);
  assertEquals(testkit.thread_join(thread), 1);
});

function isSleeping(thread: number): boolean {
  if (thread === 0) return false;
  const stat = readFileSync(`/proc/self/task/${thread}/stat`, "utf8");
  return stat.slice(stat.lastIndexOf(")")).startsWith(") S");
}

test("a native helper thread may take the signal", async () => {
  const interrupt = new Interrupt({ signal: SIGUSR2 });
  const thread = testkit.thread_idle();
  await until(() => testkit.thread_id(thread) !== 0);
  const next = interrupt.wait();
  testkit.kill_thread(testkit.thread_id(thread), SIGUSR2);
  assertEquals(await next, SIGUSR2);
  testkit.kill_thread(testkit.thread_id(thread), SIGUSR2);
  while (interrupt.pending === 0);
  checkpoint();
  testkit.thread_stop(thread);
  testkit.thread_join(thread);
});

function statusOf(task: string): string | undefined {
  try {
    return readFileSync(`/proc/self/task/${task}/status`, "utf8");
  } catch {
    return undefined;
  }
}

test("every thread of the runtime that does not block the signal may take it", async () => {
  const interrupt = new Interrupt({ signal: SIGUSR2 });
  let takers = 0;
  for (const task of readdirSync("/proc/self/task")) {
    const status = statusOf(task);
    // The thread has ended meanwhile.
    if (status === undefined) continue;
    const blocked = BigInt("0x" + /SigBlk:\s*(\w+)/.exec(status)![1]);
    if (blocked >> BigInt(SIGUSR2 - 1) & 1n) continue;
    if (testkit.kill_thread(Number(task), SIGUSR2) < 0) continue;
    assertEquals(await interrupt.wait(), SIGUSR2);
    takers++;
  }
  assert(takers > 0);
});

test("a signal to the process arrives while this thread blocks all signals", () => {
  const interrupt = new Interrupt({ signal: SIGUSR2 });
  const thread = testkit.thread_idle();
  while (testkit.thread_id(thread) === 0);
  testkit.mask_all(1);
  testkit.kill(testkit.pid(), SIGUSR2, 1);
  while (interrupt.pending === 0);
  testkit.mask_all(0);
  checkpoint();
  testkit.thread_stop(thread);
  testkit.thread_join(thread);
});

test("one EventPipe that several signals share drives an event loop of the user's own", () => {
  const seen: string[] = [];
  using pipe = new EventPipe();
  const names = ["SIGUSR2", "SIGHUP", "SIGWINCH"];
  for (const signal of names) {
    new Interrupt({
      signal,
      pipe,
      wake: false,
      callback: () => seen.push(signal),
    });
  }
  startCommand(sender("12", "1", "28"));
  while (seen.length < 3) {
    assert(pipe.wait());
    pipe.drain();
    checkpoint();
  }
  assertEquals(seen.sort(), [...names].sort());
  assert(!readable(pipe.fileno));
});

test("reserved signals are rejected by name and by number", () => {
  for (const number of reserved) {
    const error = assertThrows(
      () => new Interrupt({ signal: number }),
      InterruptError,
    );
    assertEquals(error.code, "RESERVED_SIGNAL", String(number));
  }
});
