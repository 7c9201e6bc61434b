import { assert, assertEquals, assertFalse, assertThrows } from "@std/assert";
import { checkpoint, EventPipe, Interrupt, InterruptError } from "../../mod.ts";
import { testsOf, until } from "../support/harness.ts";
import { readable, testkit } from "../support/testkit.ts";

const test = testsOf(import.meta.url);

test("`EventPipe` is a pair of sockets", () => {
  using pipe = new EventPipe();
  assertEquals(pipe.type, "socketpair");
  const [readFd, writeFd] = pipe.filenos;
  assert(readFd > 0 && writeFd > 0 && readFd !== writeFd);
});

test("other code sees it readable from `signal()` until `drain()`", () => {
  using pipe = new EventPipe();
  assertFalse(readable(pipe.fileno));
  for (let round = 0; round < 3; round++) {
    for (let count = 0; count < 1000; count++) pipe.signal();
    assert(readable(pipe.fileno));
    pipe.drain();
    assertFalse(readable(pipe.fileno));
  }
});

test("signalling without a drain never blocks, and one `drain()` empties it", () => {
  using pipe = new EventPipe();
  const { func, arg } = pipe.signalFunc();
  for (let count = 0; count < 20_000; count++) testkit.call(func, arg);
  assert(pipe.wait(0));
  pipe.drain();
  assertFalse(pipe.wait(0));
});

test("`wait()` ends when a native thread signals, or after its time", () => {
  using pipe = new EventPipe();
  assertFalse(pipe.wait(5));
  const { func, arg } = pipe.signalFunc();
  testkit.plan(1, 0n);
  for (let round = 0; round < 20; round++) {
    const thread = testkit.thread_call(func, arg);
    assert(pipe.wait());
    testkit.thread_join(thread);
    pipe.drain();
  }
});

test("an Interrupt makes its pipe readable, and drains it before the callback", async () => {
  using pipe = new EventPipe();
  const seen: boolean[] = [];
  const interrupt = new Interrupt({ pipe, callback: () => seen.push(readable(pipe.fileno)) });
  const { func, arg } = interrupt.signalFunc();
  testkit.call_value(func, arg, 1);
  assert(readable(interrupt.pipeFileno));
  checkpoint();
  assertEquals(seen, [false]);
  testkit.call_value(func, arg, 1);
  await until(() => seen.length === 2);
  interrupt.close();
});

test("sockets of the caller can be given, and closed at once", () => {
  using pipe = new EventPipe();
  let calls = 0;
  const interrupt = new Interrupt({ pipe: pipe.filenos, callback: () => calls++ });
  const { func, arg } = interrupt.signalFunc();
  testkit.call_value(func, arg, 1);
  assert(pipe.wait(0));
  checkpoint();
  assertEquals(calls, 1);
  pipe.close();
  testkit.call_value(func, arg, 1);
  checkpoint();
  assertEquals(calls, 2);
  interrupt.close();
});

test("what is no socket is refused", () => {
  for (const fd of [0x7ffffff0, 1]) {
    const { code } = assertThrows(
      () => new Interrupt({ pipe: [fd, fd] }),
      InterruptError,
    ) as InterruptError;
    assertEquals(code, "BAD_FD");
  }
});

test("a thousand pipes come and go", () => {
  for (let round = 0; round < 10; round++) {
    const pipes = Array.from({ length: 100 }, () => new EventPipe());
    for (const pipe of pipes) pipe.signal();
    for (const pipe of pipes) assert(pipe.wait(0));
    for (const pipe of pipes) pipe.close();
  }
});

test("what Windows has not is an error that says so", () => {
  const unsupported = (work: () => unknown) =>
    assertEquals((assertThrows(work, InterruptError) as InterruptError).code, "UNSUPPORTED");
  unsupported(() => new EventPipe({ type: "eventfd" }));
  unsupported(() => new EventPipe({ type: "pipe" }));
  using pipe = new EventPipe();
  unsupported(() => pipe.renew());
  pipe.signal();
  assert(pipe.wait(0));
});
