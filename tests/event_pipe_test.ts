import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { pipeKinds } from "../ffi/symbols.ts";
import { EventPipe, Interrupt, InterruptError } from "../mod.ts";
import { Socket } from "node:net";
import process from "node:process";
import { assertNoMoreDescriptors, openDescriptors } from "./support/descriptors.ts";
import { deferred, runtime, testsOf, until } from "./support/harness.ts";
import { busyUntil } from "./support/native_loops.ts";
import { makePipe, readable, startKiller, testkit } from "./support/testkit.ts";
import { raise } from "./support/senders.ts";
import { SIGUSR2 } from "./support/signals.ts";

const test = testsOf(import.meta.url);

/** The part of Bun's API that is used here. */
const { Bun } = globalThis as unknown as {
  Bun: { connect(options: object): Promise<{ end(): void }> };
};

test("`EventPipe` can be signalled, read, drained and left idle, again and again", () => {
  using pipe = new EventPipe();
  for (let round = 0; round < 3; round++) {
    assertStrictEquals(pipe.wait(0), false);
    pipe.signal();
    pipe.signal();
    assertStrictEquals(pipe.wait(0), true);
    assertStrictEquals(pipe.wait(), true);
    assert(readable(pipe.fileno));
    pipe.drain();
    assertStrictEquals(pipe.wait(0), false);
    pipe.drain();
  }
});

test("`EventPipe` is an eventfd on Linux, non-blocking and closed on exec", () => {
  using pipe = new EventPipe();
  assertEquals(pipe.type, "eventfd");
  assertEquals(pipe.filenos, [pipe.fileno, pipe.fileno]);
  assertEquals(testkit.fd_flags(pipe.fileno), 3);
});

for (const type of pipeKinds) {
  test(`\`EventPipe\` of type ${type}: signal, wait, drain, renew, a native thread, an Interrupt`, () => {
    using pipe = new EventPipe({ type });
    assertEquals(pipe.type, type);
    assertEquals(pipe.filenos.map((fd) => testkit.fd_flags(fd)), [3, 3]);
    assertEquals(pipe.filenos[0] === pipe.filenos[1], type === "eventfd");
    for (let round = 0; round < 3; round++) {
      assertEquals([pipe.wait(0), readable(pipe.fileno)], [false, false]);
      for (let i = 0; i < 1000; i++) pipe.signal();
      assertEquals([pipe.wait(), readable(pipe.fileno)], [true, true]);
      pipe.drain();
      pipe.signal();
      const before = pipe.filenos;
      pipe.renew();
      assertEquals(pipe.filenos, before);
    }
    const { func, arg } = pipe.signalFunc();
    testkit.plan(1, 0n);
    testkit.thread_join(testkit.thread_call(func, arg));
    assertEquals(pipe.wait(), true);
    pipe.drain();
    using interrupt = new Interrupt({ pipe });
    interrupt.block();
    interrupt.signal();
    assertEquals(readable(pipe.fileno), true);
    interrupt.unblock();
    assertEquals(readable(pipe.fileno), false);
  });
}

test("a socketpair wakes `net.Socket` on Node and Deno, and `Bun.connect()`", async () => {
  using pipe = new EventPipe({ type: "socketpair" });
  const { promise, resolve } = deferred();
  if (runtime === "bun") {
    Bun.connect({ fd: pipe.fileno, socket: { data: () => resolve(), open: () => {} } });
  } else {
    new Socket({ fd: pipe.fileno }).on("data", () => resolve());
  }
  const { func, arg } = pipe.signalFunc();
  testkit.plan(1, 0n);
  testkit.thread_join(testkit.thread_call(func, arg));
  await promise;
  // The socket has closed the descriptor by the time the process ends.
  process.exit(0);
});

test("a pipe wakes `net.Socket`", async () => {
  using pipe = new EventPipe({ type: "pipe" });
  const { promise, resolve } = deferred();
  new Socket({ fd: pipe.fileno }).on("data", () => resolve());
  pipe.signal();
  await promise;
  process.exit(0);
}, { skip: runtime === "bun" && "net.Socket of Bun takes no descriptor" });

for (const type of ["pipe", "socketpair"] as const) {
  test(
    `a socket closes the \`fileno\` of type ${type}: nobody else's file is read or closed`,
    async () => {
      using pipe = new EventPipe({ type });
      const { fileno } = pipe;
      if (runtime === "bun") {
        const socket = { data: () => {} };
        (await Bun.connect({ fd: fileno, socket })).end();
      } else {
        new Socket({ fd: fileno }).destroy();
      }
      await until(() => testkit.fd_flags(fileno) < 0);
      const [readFd, writeFd] = makePipe();
      testkit.write(writeFd);
      testkit.replace(readFd, fileno);
      pipe.signal();
      assertEquals(pipe.wait(), true);
      pipe.drain();
      assertEquals(pipe.wait(0), false);
      pipe.close();
      assertEquals(readable(fileno), true);
    },
    { skip: runtime === "bun" && type === "pipe" && "no socket of Bun takes a pipe" },
  );
}

test("`EventPipe` refuses unknown types and options", () => {
  for (const options of [{ type: "fifo" }, { type: 1 }, { kind: "pipe" }, null, 7]) {
    assertThrows(() => new EventPipe(options as object), TypeError);
  }
});

test("one `drain()` empties an `EventPipe`, however often it was signalled", () => {
  using pipe = new EventPipe();
  for (let i = 0; i < 100_000; i++) pipe.signal();
  pipe.drain();
  assertStrictEquals(pipe.wait(0), false);
});

test("`EventPipe.wait()` returns false after its timeout", () => {
  using pipe = new EventPipe();
  assertStrictEquals(pipe.wait(1), false);
  assertStrictEquals(pipe.wait(0.1), false);
});

test("`EventPipe.wait()` blocks until a native thread signals", () => {
  using pipe = new EventPipe();
  const { func, arg } = pipe.signalFunc();
  testkit.plan(1, 5_000_000n);
  const thread = testkit.thread_call(func, arg);
  assertStrictEquals(pipe.wait(), true);
  testkit.thread_join(thread);
  pipe.drain();
  assertStrictEquals(pipe.wait(0), false);
});

test("`EventPipe.wait()` goes on when a signal handler interrupts it", () => {
  using pipe = new EventPipe();
  const interrupt = new Interrupt({ signal: 12, wake: false });
  const { func, arg } = pipe.signalFunc();
  const stop = startKiller(12, 100_000);
  busyUntil(() => interrupt.pending === 12);
  testkit.plan(1, 20_000_000n);
  const caller = testkit.thread_call(func, arg);
  assertStrictEquals(pipe.wait(), true);
  stop();
  testkit.thread_join(caller);
});

test("`signalFunc()` and `drainFunc()` of an EventPipe work in a native thread", () => {
  using pipe = new EventPipe();
  const signal = pipe.signalFunc();
  const drain = pipe.drainFunc();
  testkit.plan(1000, 0n);
  testkit.thread_join(testkit.thread_call(signal.func, signal.arg));
  assert(pipe.wait(0));
  testkit.plan(1, 0n);
  testkit.thread_join(testkit.thread_call(drain.func, drain.arg));
  assert(!pipe.wait(0));
});

test("`signalFunc()` of an EventPipe works in a signal handler", () => {
  using pipe = new EventPipe();
  const { func, arg } = pipe.signalFunc();
  testkit.handler_forward(12, func, arg);
  raise(SIGUSR2);
  assertEquals(testkit.handled(12), 1);
  assert(pipe.wait(0));
});

test("`renew()` gives new descriptors under the old numbers, not readable", () => {
  using pipe = new EventPipe();
  const open = openDescriptors();
  const { fileno } = pipe;
  for (let round = 0; round < 3; round++) {
    pipe.signal();
    pipe.renew();
    assertEquals(pipe.fileno, fileno);
    assertEquals(testkit.fd_flags(fileno), 3);
    assertStrictEquals(pipe.wait(0), false);
    const { func, arg } = pipe.signalFunc();
    testkit.call(func, arg);
    assertStrictEquals(pipe.wait(0), true);
    assertNoMoreDescriptors(open);
  }
});

test("`renew()` while a native thread signals", () => {
  using pipe = new EventPipe();
  const { func, arg } = pipe.signalFunc();
  testkit.plan(0, 0n);
  const thread = testkit.thread_call(func, arg);
  for (let round = 0; round < 2000; round++) {
    pipe.renew();
    assert(pipe.wait());
    pipe.drain();
  }
  testkit.thread_stop(thread);
  testkit.thread_join(thread);
});

test("`close()` closes the descriptors, and native calls do nothing after it", () => {
  const before = openDescriptors();
  const pipe = new EventPipe();
  const signal = pipe.signalFunc();
  const drain = pipe.drainFunc();
  pipe.close();
  pipe.close();
  pipe[Symbol.dispose]();
  assertStrictEquals(pipe.closed, true);
  assertNoMoreDescriptors(before);
  using next = new EventPipe();
  testkit.call(signal.func, signal.arg);
  assertStrictEquals(next.wait(0), false);
  next.signal();
  testkit.call(drain.func, drain.arg);
  assertStrictEquals(next.wait(0), true);
});

test("`close()` of an EventPipe while a native thread signals it", () => {
  for (let round = 0; round < 300; round++) {
    const pipe = new EventPipe();
    const { func, arg } = pipe.signalFunc();
    testkit.plan(0, 0n);
    const thread = testkit.thread_call(func, arg);
    assert(pipe.wait());
    pipe.close();
    testkit.thread_stop(thread);
    testkit.thread_join(thread);
  }
});

test("after `close()` an EventPipe throws CLOSED", () => {
  const pipe = new EventPipe();
  pipe.close();
  const uses: (() => unknown)[] = [
    () => pipe.fileno,
    () => pipe.filenos,
    () => pipe.signal(),
    () => pipe.drain(),
    () => pipe.signalFunc(),
    () => pipe.drainFunc(),
    () => pipe.renew(),
    () => pipe.wait(0),
    () => new Interrupt({ pipe }),
  ];
  for (const use of uses) {
    const error = assertThrows(use, InterruptError);
    assertEquals(error.code, "CLOSED", String(use));
  }
  assertEquals(pipe.type, "eventfd");
});

test("`EventPipe.wait()` rejects anything that is not a time", () => {
  using pipe = new EventPipe();
  for (const timeout of [-1, NaN, -Infinity]) {
    assertThrows(() => pipe.wait(timeout), RangeError);
  }
  for (const timeout of ["1", null, 1n]) {
    assertThrows(() => pipe.wait(timeout as unknown as number), TypeError);
  }
});
