import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { readlinkSync } from "node:fs";
import { agent } from "../src/delivery/agent.ts";
import { adoptPipe } from "../src/event_pipe.ts";
import { checkpoint, EventPipe, Interrupt, InterruptError } from "../mod.ts";
import { assertNoMoreDescriptors, openDescriptors } from "./support/descriptors.ts";
import { testsOf } from "./support/harness.ts";
import { makePipe, makeSocketpair, readable, testkit } from "./support/testkit.ts";
import { sendFromNative } from "./support/senders.ts";

const test = testsOf(import.meta.url);

const CLOEXEC = 1;
const NONBLOCK = 2;

/** The file that the descriptor refers to: it differs between two pipes. */
function target(fd: number): string {
  return readlinkSync(`/proc/self/fd/${fd}`);
}

test("the pipe is readable exactly from the signal until the handling", () => {
  let inside: boolean | undefined;
  const interrupt = new Interrupt({
    callback: () => inside = readable(interrupt.pipeFileno),
  });
  const fd = interrupt.pipeFileno;
  for (let round = 0; round < 3; round++) {
    assert(!readable(fd));
    sendFromNative(interrupt);
    assert(readable(fd));
    sendFromNative(interrupt);
    checkpoint();
    assertEquals(inside, false);
    assert(!readable(fd));
  }
});

test("the pipe is readable while `signal()` is blocked", () => {
  const interrupt = new Interrupt();
  const fd = interrupt.pipeFileno;
  interrupt.signal();
  assert(!readable(fd));
  interrupt.block();
  interrupt.signal();
  assert(readable(fd));
  interrupt.unblock();
  assert(!readable(fd));
});

test("the pipe becomes readable when a native thread signals", () => {
  const interrupt = new Interrupt({ wake: false });
  const fd = interrupt.pipeFileno;
  const { func, arg } = interrupt.signalFunc();
  for (let round = 0; round < 100; round++) {
    testkit.plan(1, 0n);
    const thread = testkit.thread_signal(func, arg);
    assertEquals(testkit.readable(fd, -1), 1);
    testkit.thread_join(thread);
    checkpoint();
    assert(!readable(fd));
  }
});

test("a signal during the callback makes the pipe readable again", () => {
  const seen: boolean[] = [];
  const interrupt = new Interrupt({
    callback: (value) => {
      seen.push(readable(interrupt.pipeFileno));
      if (value === 1) {
        sendFromNative(interrupt, 2);
        seen.push(readable(interrupt.pipeFileno));
      }
    },
  });
  const fd = interrupt.pipeFileno;
  interrupt.signal(1);
  assertEquals(seen, [false, true, false]);
  assert(!readable(fd));
});

test("`pipeFileno` makes the pipe on demand, and returns the same number every time", () => {
  const interrupt = new Interrupt();
  const before = openDescriptors();
  const fd = interrupt.pipeFileno;
  assertEquals(interrupt.pipeFileno, fd);
  assert(openDescriptors() > before);
  assertEquals(testkit.fd_flags(fd), CLOEXEC | NONBLOCK);
  interrupt.close();
  assertNoMoreDescriptors(before);
});

test("a pipe that is made while a value is pending is readable at once", () => {
  const interrupt = new Interrupt();
  sendFromNative(interrupt);
  assert(readable(interrupt.pipeFileno));
  checkpoint();
  assert(!readable(interrupt.pipeFileno));
});

test("after `pipeDisable()` the pipe is never readable", () => {
  let calls = 0;
  const interrupt = new Interrupt({ callback: () => calls++ });
  const fd = interrupt.pipeFileno;
  interrupt.pipeDisable();
  sendFromNative(interrupt);
  assert(!readable(fd));
  checkpoint();
  assertEquals(calls, 1);
  interrupt.pipeEnable();
  sendFromNative(interrupt);
  assert(readable(fd));
});

test("`pipeDisable()` leaves nothing in a shared pipe once the signal that wrote to it was handled", () => {
  const pipe = new EventPipe();
  const one = new Interrupt({ pipe, wake: false });
  new Interrupt({ pipe, wake: false });
  sendFromNative(one);
  one.pipeDisable();
  assert(readable(pipe.fileno));
  checkpoint();
  assert(!readable(pipe.fileno));
  // From here on the Interrupt does not touch the pipe.
  pipe.signal();
  sendFromNative(one);
  checkpoint();
  assert(readable(pipe.fileno));
});

test("`pipeDisable()` before the pipe is made takes effect", () => {
  const interrupt = new Interrupt();
  interrupt.pipeDisable();
  const fd = interrupt.pipeFileno;
  sendFromNative(interrupt);
  assert(!readable(fd));
});

test("`pipeEnable()` while a value is pending makes the pipe readable", () => {
  const interrupt = new Interrupt();
  const fd = interrupt.pipeFileno;
  interrupt.pipeDisable();
  sendFromNative(interrupt);
  interrupt.pipeEnable();
  assert(readable(fd));
  checkpoint();
  assert(!readable(fd));
});

test("without autodrain the pipe stays readable until `pipeDrain()`", () => {
  const interrupt = new Interrupt({ pipeAutodrain: false });
  assertEquals(interrupt.pipeAutodrain, false);
  const fd = interrupt.pipeFileno;
  sendFromNative(interrupt);
  checkpoint();
  assert(readable(fd));
  interrupt.pipeDrain();
  assert(!readable(fd));
  interrupt.signal();
  assert(readable(fd));
  interrupt.pipeAutodrain = true;
  interrupt.signal();
  assert(!readable(fd));
});

test("`pipeDrain()` without a pipe does nothing", () => {
  new Interrupt().pipeDrain();
});

test("given descriptors are used and drained, and stay open", () => {
  for (const [readFd, writeFd] of [makePipe(), makeSocketpair()]) {
    const interrupt = new Interrupt({ pipe: [readFd, writeFd] });
    assertEquals(interrupt.pipeFileno, readFd);
    sendFromNative(interrupt);
    assert(readable(readFd));
    checkpoint();
    assert(!readable(readFd));
    interrupt.close();
    assert(testkit.fd_flags(readFd) >= 0);
    assert(testkit.fd_flags(writeFd) >= 0);
    assertEquals(testkit.write(writeFd), 1);
    assert(readable(readFd));
  }
});

test("a given eventfd is used for both sides", () => {
  const fd = testkit.eventfd();
  const interrupt = new Interrupt({ pipe: [fd, fd] });
  sendFromNative(interrupt);
  assert(readable(fd));
  checkpoint();
  assert(!readable(fd));
});

test("given descriptors that the caller closes are not written to when others have their numbers", () => {
  const [readFd, writeFd] = makePipe();
  const interrupt = new Interrupt({ pipe: [readFd, writeFd] });
  testkit.close(readFd);
  testkit.close(writeFd);
  const [readFd2, writeFd2] = makePipe();
  assertEquals([readFd2, writeFd2], [readFd, writeFd]);
  sendFromNative(interrupt);
  assert(!readable(readFd2));
  assertEquals(testkit.write(writeFd2), 1);
  checkpoint();
  assert(readable(readFd2));
});

test("a full pipe neither blocks nor loses a signal", () => {
  for (const make of [makePipe, makeSocketpair]) {
    const values: number[] = [];
    const [readFd, writeFd] = make();
    const interrupt = new Interrupt({
      pipe: [readFd, writeFd],
      callback: (value) => values.push(value),
    });
    assert(testkit.fill(writeFd) > 1000);
    sendFromNative(interrupt, 5);
    checkpoint();
    assertEquals(values, [5]);
    assert(!readable(readFd));
    sendFromNative(interrupt, 6);
    assert(readable(readFd));
    checkpoint();
    assertEquals(values, [5, 6]);
  }
});

test("a full eventfd neither blocks nor loses a signal", () => {
  const values: number[] = [];
  const pipe = new EventPipe();
  testkit.fill(pipe.filenos[1]);
  const interrupt = new Interrupt({ pipe, callback: (v) => values.push(v) });
  sendFromNative(interrupt, 5);
  assert(readable(pipe.fileno));
  checkpoint();
  assertEquals(values, [5]);
  assert(!readable(pipe.fileno));
});

test("one EventPipe serves several Interrupts", () => {
  const values: string[] = [];
  using pipe = new EventPipe();
  const open = (name: string) =>
    new Interrupt({
      pipe,
      pipeAutodrain: false,
      callback: (value) => values.push(`${name}${value}`),
    });
  const [a, b, c] = [open("a"), open("b"), open("c")];
  for (const interrupt of [a, b, c]) {
    assertEquals(interrupt.pipeFileno, pipe.fileno);
    sendFromNative(interrupt, 2);
    assert(pipe.wait(0));
    checkpoint();
    assert(pipe.wait(0));
    pipe.drain();
    assert(!pipe.wait(0));
  }
  assertEquals(values, ["a2", "b2", "c2"]);
  a.close();
  sendFromNative(b, 3);
  assert(pipe.wait(0));
  b.close();
  c.close();
  assert(!pipe.closed);
  pipe.drain();
  pipe.signal();
  assert(pipe.wait(0));
});

test("one EventPipe with autodrain, shared: an Interrupt that is pending always has a readable pipe or gets handled", () => {
  const values: string[] = [];
  using pipe = new EventPipe();
  const a = new Interrupt({ pipe, callback: () => values.push("a") });
  const b = new Interrupt({ pipe, callback: () => values.push("b") });
  sendFromNative(a);
  sendFromNative(b);
  checkpoint();
  assertEquals(values.sort(), ["a", "b"]);
  assert(!pipe.wait(0));
});

/** Does what a signaller does until just after it wrote to the pipe, before it lists the record. */
function sendHalf(interrupt: Interrupt, pipe: EventPipe) {
  Atomics.store(interrupt.buffer, 0, 1);
  pipe.signal();
}

/** Does the rest of what a signaller does. */
function sendRest(interrupt: Interrupt) {
  const { func, arg } = interrupt.signalFunc();
  Atomics.store(interrupt.buffer, 0, 0);
  testkit.call_value(func, arg, 1);
}

test("a shared pipe stays readable for an Interrupt whose signal is still on its way while another Interrupt is handled", () => {
  const handled: string[] = [];
  using pipe = new EventPipe();
  const open = (name: string) =>
    new Interrupt({ pipe, wake: false, callback: () => handled.push(name) });
  const [a, b] = [open("a"), open("b")];
  sendHalf(b, pipe);
  sendFromNative(a);
  checkpoint();
  assert(handled.includes("a"));
  if (!handled.includes("b")) {
    assert(pipe.wait(0));
    checkpoint();
  }
  assertEquals(handled, ["a", "b"]);
  sendRest(b);
  checkpoint();
  checkpoint();
  assert(!pipe.wait(0));
});

/** An Interrupt that is pending and blocked. */
function waiting(pipe: EventPipe): Interrupt {
  const interrupt = new Interrupt({ pipe });
  interrupt.block();
  interrupt.signal();
  return interrupt;
}

test("a shared pipe stays readable for a pending Interrupt behind one that does not write to it", () => {
  const pipe = new EventPipe();
  waiting(pipe).pipeDisable();
  waiting(pipe);
  new Interrupt({ pipe }).signal();
  assert(readable(pipe.fileno));
});

test("a shared pipe stays readable for pending Interrupts when another pending one is closed", () => {
  const pipe = new EventPipe();
  const first = waiting(pipe);
  waiting(pipe);
  first.close();
  assert(readable(pipe.fileno));
});

test("a shared pipe stays readable for a pending Interrupt behind one whose closed pipe had the same number", () => {
  const before = new EventPipe();
  const { fileno } = before;
  waiting(before);
  before.close();
  const pipe = new EventPipe();
  assertEquals(pipe.fileno, fileno);
  waiting(pipe);
  new Interrupt({ pipe }).signal();
  assert(readable(pipe.fileno));
});

test("`postFork()` of one Interrupt leaves a shared pipe readable for the others that are pending", () => {
  const pipe = new EventPipe();
  const one = new Interrupt({ pipe });
  const other = new Interrupt({ pipe });
  other.block();
  other.signal();
  for (const interrupt of [other, one]) interrupt.postFork();
  assert(readable(pipe.fileno));
  other.unblock();
  assert(!readable(pipe.fileno));
});

test("given descriptors are shared like a pipe", () => {
  const handled: string[] = [];
  const [readFd, writeFd] = makePipe();
  const open = (name: string) =>
    new Interrupt({
      pipe: [readFd, writeFd],
      wake: false,
      callback: () => handled.push(name),
    });
  const [a, b] = [open("a"), open("b")];
  Atomics.store(b.buffer, 0, 1);
  sendFromNative(a);
  checkpoint();
  assert(handled.includes("b") || readable(readFd));
  checkpoint();
  assertEquals(handled, ["a", "b"]);
  assert(!readable(readFd));
});

for (
  const [kind, make] of Object.entries({
    pipe: makePipe,
    socketpair: makeSocketpair,
    eventfd: () => Array(2).fill(testkit.eventfd()),
  })
) {
  test(`\`postFork()\` of one Interrupt over a given ${kind} renews it for the others too, and they may call it as well`, () => {
    const [readFd, writeFd] = make();
    const pipe = [readFd, writeFd] as const;
    const one = new Interrupt({ pipe });
    const other = new Interrupt({ pipe });
    const open = openDescriptors();
    for (const renews of [one, other, one]) {
      renews.postFork();
      for (const interrupt of [one, other]) {
        sendFromNative(interrupt);
        assert(readable(readFd));
        checkpoint();
        assert(!readable(readFd));
      }
    }
    assertNoMoreDescriptors(open);
    one.close();
    sendFromNative(other);
    assert(readable(readFd));
    other.close();
  });
}

test("`renew()` of a pipe ends even while threads signal it without a pause", () => {
  using pipe = adoptPipe(...makePipe());
  const { func, arg } = pipe.signalFunc();
  testkit.plan(0, 0n);
  testkit.plan_values(1, 0);
  const threads = Array.from(
    { length: 4 },
    () => testkit.thread_signal(func, arg),
  );
  for (let round = 0; round < 20; round++) pipe.renew();
  for (const thread of threads) testkit.thread_stop(thread);
  for (const thread of threads) testkit.thread_join(thread);
  pipe.signal();
  assert(readable(pipe.fileno));
});

test("given descriptors that were closed are not confused with those that get their numbers next", () => {
  const event = testkit.eventfd();
  const before = new Interrupt({ pipe: [event, event], wake: false });
  testkit.close(event);
  assertEquals(testkit.eventfd(), event);
  const error = assertThrows(() => before.postFork(), InterruptError);
  assertEquals(error.code, "BAD_FD");
  const after = new Interrupt({ pipe: [event, event], wake: false });
  sendFromNative(before);
  assert(!readable(event));
  sendFromNative(after);
  assert(readable(event));
});

/**
 * Does the last part of a signal, with nothing pending: the value was taken while the signaller was
 * on its way.
 */
function announce(interrupt: Interrupt) {
  const slot = Number(interrupt.signalFunc().arg & 0xffff_ffffn);
  agent().native.functions.record_notify(slot);
}

test("a pipe that a late signaller writes to during the callback does not stay readable", () => {
  using pipe = new EventPipe();
  let throws = false;
  const interrupt = new Interrupt({
    pipe,
    rethrow: true,
    callback: () => {
      announce(interrupt);
      checkpoint();
      assert(pipe.wait(0));
      if (throws) throw new Error("thrown on purpose");
    },
  });
  sendFromNative(interrupt);
  checkpoint();
  assert(!pipe.wait(0));
  throws = true;
  sendFromNative(interrupt);
  assertThrows(checkpoint);
  checkpoint();
  assert(!pipe.wait(0));
});

test("a pipe that a late signaller writes to after its value was taken does not stay readable", () => {
  using pipe = new EventPipe();
  const handled: number[] = [];
  const interrupt = new Interrupt({ pipe, callback: (v) => handled.push(v) });
  for (const look of [() => checkpoint(), () => interrupt.handle()]) {
    announce(interrupt);
    assert(pipe.wait(0));
    look();
    assert(!pipe.wait(0));
  }
  interrupt.block();
  announce(interrupt);
  checkpoint();
  assert(!pipe.wait(0));
  interrupt.unblock();
  announce(interrupt);
  interrupt.close();
  assert(!pipe.wait(0));
  assertEquals(handled, []);
});

test("after an EventPipe is closed first, its Interrupts still work", () => {
  const values: number[] = [];
  const pipe = new EventPipe();
  const interrupt = new Interrupt({ pipe, callback: (v) => values.push(v) });
  pipe.close();
  const foreign = makePipe();
  sendFromNative(interrupt, 1);
  assert(!readable(foreign[0]));
  checkpoint();
  interrupt.signal(2);
  interrupt.close();
  assertEquals(values, [1, 2]);
});

test("the pipe of an Interrupt with a signal is readable as soon as the kernel delivers that signal", () => {
  const interrupt = new Interrupt({ signal: "SIGUSR2", wake: false });
  const fd = interrupt.pipeFileno;
  testkit.kill(testkit.pid(), 12, 1);
  assertEquals(testkit.readable(fd, -1), 1);
  assertEquals(interrupt.pending, 12);
  checkpoint();
  assert(!readable(fd));
});

test("`postFork()` twice keeps the read descriptor's number and its close-on-exec flag", () => {
  const interrupt = new Interrupt();
  const fd = interrupt.pipeFileno;
  const open = openDescriptors();
  for (let round = 0; round < 2; round++) {
    interrupt.postFork();
    assertEquals(interrupt.pipeFileno, fd);
    assertEquals(testkit.fd_flags(fd), CLOEXEC | NONBLOCK);
    assertNoMoreDescriptors(open);
    sendFromNative(interrupt);
    assert(readable(fd));
    checkpoint();
    assert(!readable(fd));
  }
});

test("`postFork()` of given descriptors keeps their numbers but makes them new files", () => {
  const ends = makePipe();
  const interrupt = new Interrupt({ pipe: ends });
  const before = ends.map(target);
  const open = openDescriptors();
  for (let round = 0; round < 2; round++) {
    interrupt.postFork();
    assertEquals(interrupt.pipeFileno, ends[0]);
    assertEquals(ends.map(testkit.fd_flags), [3, 3]);
    assertNoMoreDescriptors(open);
    for (const end of ends) assertNotEquals(target(end), before[0]);
    sendFromNative(interrupt);
    assert(readable(ends[0]));
    checkpoint();
    assert(!readable(ends[0]));
  }
});

test("`postFork()` leaves the content of the old pipe to the other process", () => {
  const ends = makePipe();
  const interrupt = new Interrupt({ pipe: ends, pipeAutodrain: false });
  interrupt.signal();
  assert(readable(ends[0]));
  interrupt.postFork();
  assert(!readable(ends[0]));
});

test("`postFork()` while a value is pending leaves the new pipe readable", () => {
  const interrupt = new Interrupt();
  const fd = interrupt.pipeFileno;
  sendFromNative(interrupt);
  interrupt.postFork();
  assert(readable(fd));
  checkpoint();
  assert(!readable(fd));
});

test("`postFork()` without a pipe does nothing", () => {
  const before = openDescriptors();
  new Interrupt().postFork();
  assertNoMoreDescriptors(before + 2);
});
