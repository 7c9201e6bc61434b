import { assert, assertEquals, assertFalse, assertStrictEquals, assertThrows } from "@std/assert";
import { constants } from "node:os";
import { checkpoint, EventPipe, Interrupt, InterruptError } from "../mod.ts";
import { testsOf, turn, until } from "./support/harness.ts";
import { memory, testkit } from "./support/testkit.ts";
import { recorder } from "./support/recorder.ts";

const test = testsOf(import.meta.url);

test("`signal()` runs the callback before it returns", () => {
  const { interrupt, values } = recorder();
  interrupt.signal(7);
  assertEquals(values, [7]);
  interrupt.signal();
  assertEquals(values, [7, 1]);
});

test("`signal()` delivers every int32, and 0 as 1", () => {
  const { interrupt, values } = recorder();
  const extremes = [1, -1, 2147483647, -2147483648, 65536, 0];
  for (const value of extremes) interrupt.signal(value);
  assertEquals(values, [1, -1, 2147483647, -2147483648, 65536, 1]);
});

test("`signal()` works without a callback", () => {
  const interrupt = new Interrupt();
  interrupt.signal(3);
  assertEquals(interrupt.pending, 0);
});

test("the next checkpoint handles a `signalFunc()` that was called on this thread", () => {
  const { interrupt, values } = recorder();
  const { func, arg } = interrupt.signalFunc();
  testkit.call_value(func, arg, -5);
  assertEquals(interrupt.pending, -5);
  assertEquals(values, []);
  checkpoint();
  assertEquals(values, [-5]);
  assertEquals(interrupt.pending, 0);
  checkpoint();
  assertEquals(values, [-5]);
});

test("`signalFunc()` delivers every int32, and 0 as 1", () => {
  const { interrupt, values } = recorder();
  const { func, arg } = interrupt.signalFunc();
  for (const value of [-1, 2147483647, -2147483648, 0]) {
    testkit.call_value(func, arg, value);
    checkpoint();
  }
  assertEquals(values, [-1, 2147483647, -2147483648, 1]);
});

test("`pollFunc()` gives exactly 1 while a value is pending, else 0, and 0 for ever after `close()`", () => {
  const interrupt = new Interrupt();
  const { func, arg } = interrupt.pollFunc();
  const poll = () => testkit.call_int(func, arg);
  assertEquals(poll(), 0);
  for (const value of [1, -1, 256, -(2 ** 31), 2 ** 31 - 1]) {
    Interrupt.signal(interrupt.signalFunc(), value);
    assertEquals(poll(), 1);
    checkpoint();
    assertEquals(poll(), 0);
  }
  interrupt.block();
  interrupt.signal(7);
  assertEquals(poll(), 1);
  interrupt.unblock();
  assertEquals(poll(), 0);
  interrupt.close();
  // The slot serves others by now.
  const others = Array.from({ length: 10 }, () => new Interrupt());
  for (const other of others) Interrupt.signal(other.signalFunc());
  assertEquals(poll(), 0);
  for (const forged of [0n, 1n, 12345n, 2n ** 64n - 1n]) {
    assertEquals(testkit.call_int(func, forged), 0);
  }
  assertThrows(() => interrupt.pollFunc(), InterruptError);
  for (const other of others) other.close();
});

test("errors of failed system calls have `errno` and `syscall`", () => {
  // Opening the native functions takes descriptors, too.
  new EventPipe({ type: "pipe" }).close();
  const next = testkit.duplicate(0);
  testkit.close(next);
  const before = testkit.descriptor_limit(next);
  try {
    const error = assertThrows(() => new EventPipe({ type: "pipe" })) as InterruptError;
    assertEquals([error.code, error.syscall], ["SYSTEM", "pipe2"]);
    assertEquals(error.errno, constants.errno.EMFILE);
  } finally {
    testkit.descriptor_limit(before);
  }
});

test("`signalFunc()` returns the same numbers every time, and different arguments for different Interrupts", () => {
  const a = new Interrupt();
  const b = new Interrupt();
  assertEquals(a.signalFunc(), a.signalFunc());
  assertEquals(a.signalFunc().func, b.signalFunc().func);
  assert(a.signalFunc().arg !== b.signalFunc().arg);
  assertEquals(structuredClone(a.signalFunc()), a.signalFunc());
});

test("the event loop handles a native thread's signal without a checkpoint", async () => {
  const { interrupt, values } = recorder();
  const { func, arg } = interrupt.signalFunc();
  testkit.plan(1, 0n);
  testkit.plan_values(42, 0);
  const thread = testkit.thread_signal(func, arg);
  await until(() => values.length > 0);
  testkit.thread_join(thread);
  assertEquals(values, [42]);
});

test("the event loop is woken again and again", async () => {
  const { interrupt, values } = recorder();
  const { func, arg } = interrupt.signalFunc();
  for (let round = 1; round <= 200; round++) {
    testkit.plan(1, 0n);
    testkit.plan_values(round, 0);
    const next = interrupt.wait();
    const thread = testkit.thread_signal(func, arg);
    assertEquals(await next, round);
    testkit.thread_join(thread);
  }
  assertEquals(values.length, 200);
});

test("after a checkpoint the event loop's turn has nothing left to handle", async () => {
  const { interrupt, values } = recorder();
  const { func, arg } = interrupt.signalFunc();
  testkit.call_value(func, arg, 1);
  checkpoint();
  for (let i = 0; i < 5; i++) await turn();
  assertEquals(values, [1]);
  testkit.call_value(func, arg, 2);
  await until(() => values.length > 1);
  assertEquals(values, [1, 2]);
});

test("signals that arrive before the handling coalesce to the last value", () => {
  const { interrupt, values } = recorder();
  const { func, arg } = interrupt.signalFunc();
  for (let value = 1; value <= 1000; value++) {
    testkit.call_value(func, arg, value);
  }
  assertEquals(interrupt.pending, 1000);
  checkpoint();
  checkpoint();
  assertEquals(values, [1000]);
});

test("a native thread's last value always arrives", () => {
  const { interrupt, values } = recorder();
  const { func, arg } = interrupt.signalFunc();
  testkit.plan(1_000_000, 0n);
  testkit.plan_values(1, 1);
  const thread = testkit.thread_signal(func, arg);
  while (values.at(-1) !== 1_000_000) {
    checkpoint();
    if (values.length > 1000) values.splice(0, 999);
  }
  testkit.thread_join(thread);
  for (let i = 1; i < values.length; i++) assert(values[i - 1]! < values[i]!);
});

test("four native threads lose no signal", () => {
  const seen = [0, 0, 0, 0];
  const interrupts = seen.map((_, index) =>
    new Interrupt({ callback: (value) => seen[index] = value })
  );
  testkit.plan(200_000, 0n);
  testkit.plan_values(1, 1);
  const threads = interrupts.map((interrupt) => {
    const { func, arg } = interrupt.signalFunc();
    return testkit.thread_signal(func, arg);
  });
  while (seen.some((value) => value !== 200_000)) checkpoint();
  for (const thread of threads) testkit.thread_join(thread);
});

test("`pending`, `buffer` and `cVar` hold the value while it waits", () => {
  const { interrupt } = recorder();
  const { func, arg } = interrupt.signalFunc();
  const { buffer } = interrupt;
  const word = new Int32Array(memory(interrupt.cVar, 4));
  assertEquals(buffer.length, 1);
  assertEquals([interrupt.pending, buffer[0], word[0]], [0, 0, 0]);
  testkit.call_value(func, arg, 77);
  assertEquals([interrupt.pending, buffer[0], word[0]], [77, 77, 77]);
  checkpoint();
  assertEquals([interrupt.pending, buffer[0], word[0]], [0, 0, 0]);
});

test("`pending`, `buffer` and `cVar` are 0 inside the callback", () => {
  let inside: number[] = [];
  const interrupt = new Interrupt({
    callback: () => {
      inside = [interrupt.pending, interrupt.buffer[0]!, word[0]!];
    },
  });
  const word = new Int32Array(memory(interrupt.cVar, 4));
  interrupt.signal(9);
  assertEquals(inside, [0, 0, 0]);
  inside = [];
  interrupt.block();
  interrupt.signal(9);
  assertEquals(word[0], 9);
  interrupt.unblock();
  assertEquals(inside, [0, 0, 0]);
});

test("`buffer` is always the same object, and each Interrupt has its own", () => {
  const interrupt = new Interrupt();
  const { buffer } = interrupt;
  const other = new Interrupt();
  interrupt.block();
  interrupt.signal(77);
  assertStrictEquals(interrupt.buffer, buffer);
  assertEquals([buffer.length, buffer[0], other.buffer[0]], [1, 77, 0]);
  interrupt.unblock();
  assertStrictEquals(interrupt.buffer, buffer);
});

test("`Interrupt.supports` is one object that cannot be changed", () => {
  const { supports } = Interrupt;
  assertStrictEquals(Interrupt.supports, supports);
  new Interrupt().close();
  assertStrictEquals(Interrupt.supports, supports);
  assert(Object.isFrozen(supports) && Object.isFrozen(supports.signals));
  const signals = supports.signals as string[];
  assertThrows(() => signals.push("SIGNOPE"), TypeError);
  assertThrows(() => Object.assign(supports, { poll: "call" }), TypeError);
  assertThrows(() => Object.assign(Interrupt, { supports: {} }), TypeError);
  assert(signals.includes("SIGINT") && !signals.includes("SIGKILL"));
});

test("`handle()` runs what is pending, and nothing otherwise", () => {
  const { interrupt, values } = recorder();
  interrupt.handle();
  assertEquals(values, []);
  const { func, arg } = interrupt.signalFunc();
  testkit.call_value(func, arg, 4);
  interrupt.handle();
  interrupt.handle();
  checkpoint();
  assertEquals(values, [4]);
});

test("`handle()` leaves the others alone", () => {
  const a = recorder();
  const b = recorder();
  for (const { interrupt } of [a, b]) {
    const { func, arg } = interrupt.signalFunc();
    testkit.call_value(func, arg, 1);
  }
  a.interrupt.handle();
  assertEquals([a.values, b.values], [[1], []]);
  checkpoint();
  assertEquals([a.values, b.values], [[1], [1]]);
});

test("an Interrupt that was handled directly is found again by the next checkpoint", () => {
  const { interrupt, values } = recorder();
  const { func, arg } = interrupt.signalFunc();
  testkit.call_value(func, arg, 1);
  interrupt.handle();
  testkit.call_value(func, arg, 2);
  checkpoint();
  testkit.call_value(func, arg, 3);
  checkpoint();
  assertEquals(values, [1, 2, 3]);
});

test("`checkpoint()` runs the callbacks of all pending Interrupts", () => {
  const values: number[] = [];
  const interrupts = Array.from(
    { length: 100 },
    (_, index) => new Interrupt({ callback: () => values.push(index) }),
  );
  for (const interrupt of interrupts) {
    const { func, arg } = interrupt.signalFunc();
    testkit.call_value(func, arg, 1);
  }
  checkpoint();
  assertEquals(values.sort((a, b) => a - b), interrupts.map((_, i) => i));
});

test("three thousand Interrupts, some of them closed, keep their values apart", () => {
  const seen = new Map<number, number>();
  const interrupts = Array.from(
    { length: 3000 },
    (_, index) => new Interrupt({ callback: (value) => seen.set(index, value) }),
  );
  interrupts.forEach((interrupt, index) => {
    if (index % 3 === 0) interrupt.close();
  });
  const again = Array.from(
    { length: 1000 },
    (_, index) => new Interrupt({ callback: (value) => seen.set(10_000 + index, value) }),
  );
  interrupts.forEach((interrupt, index) => {
    if (index % 3 === 0) return;
    const { func, arg } = interrupt.signalFunc();
    testkit.call_value(func, arg, index);
  });
  again.forEach((interrupt, index) => {
    const { func, arg } = interrupt.signalFunc();
    testkit.call_value(func, arg, 10_000 + index);
  });
  checkpoint();
  assertEquals(seen.size, 3000);
  for (const [index, value] of seen) assertEquals(value, index);
});

test("a `wake: false` Interrupt is handled by a checkpoint", () => {
  const { interrupt, values } = recorder({ wake: false });
  const { func, arg } = interrupt.signalFunc();
  testkit.call_value(func, arg, 3);
  checkpoint();
  assertEquals(values, [3]);
});

test("a `wake: false` Interrupt that is signalled first does not suppress the wake of the next", async () => {
  const quiet = recorder({ wake: false });
  const loud = recorder();
  for (const { interrupt } of [quiet, loud]) {
    const { func, arg } = interrupt.signalFunc();
    testkit.call_value(func, arg, 1);
  }
  await until(() => loud.values.length > 0);
  // A turn handles everything that is pending.
  assertEquals(quiet.values, [1]);
});

test("a `wake: false` Interrupt does not make the loop turn", async () => {
  const { interrupt, values } = recorder({ wake: false });
  const { func, arg } = interrupt.signalFunc();
  testkit.call_value(func, arg, 1);
  for (let i = 0; i < 20; i++) await turn();
  assertEquals(values, []);
  assertEquals(interrupt.pending, 1);
});

test("signals between a checkpoint and the event loop's turn are not lost", async () => {
  const { interrupt, values } = recorder();
  const { func, arg } = interrupt.signalFunc();
  // The first wake has not been read yet when the second signal arrives.
  testkit.call_value(func, arg, 1);
  checkpoint();
  testkit.call_value(func, arg, 2);
  await until(() => values.length > 1);
  testkit.call_value(func, arg, 3);
  await until(() => values.length > 2);
  assertEquals(values, [1, 2, 3]);
});

test("`Interrupt.supports` lists signals that can be hooked, and reads memory", () => {
  const { signals, poll } = Interrupt.supports;
  assertEquals(poll, "memory");
  for (const name of ["SIGINT", "SIGTERM", "SIGUSR2", "SIGRTMAX"]) {
    assert(signals.includes(name), name);
  }
  for (const name of ["SIGKILL", "SIGSTOP", "SIGSEGV", "SIGABRT"]) {
    assertFalse(signals.includes(name), name);
  }
  assertEquals(new Set(signals).size, signals.length);
});

test("`buffer` is the same memory on every read", () => {
  const interrupt = new Interrupt();
  const { func, arg } = interrupt.signalFunc();
  const buffers = Array.from({ length: 500 }, () => interrupt.buffer);
  interrupt.block();
  testkit.call_value(func, arg, 5);
  for (const buffer of buffers) assertStrictEquals(buffer[0], 5);
});
