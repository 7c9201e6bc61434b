/**
 * System calls that signals interrupt all the time: for ten seconds with `ASYNC_INTERRUPT_LONG=1`,
 * otherwise for one.
 */

import { assert, assertEquals, assertGreater } from "@std/assert";
import process from "node:process";
import { checkpoint, EventPipe, Interrupt } from "../mod.ts";
import { assertNoMoreDescriptors, openDescriptors } from "./support/descriptors.ts";
import { testsOf } from "./support/harness.ts";
import { makePipe, makeSocketpair, testkit } from "./support/testkit.ts";
import { SIGALRM, SIGUSR2 } from "./support/signals.ts";
import { raise } from "./support/senders.ts";

const test = testsOf(import.meta.url);

const seconds = process.env.ASYNC_INTERRUPT_LONG === "1" ? 10n : 1n;

/** Opens, signals, waits for, renews and closes everything that the library has. */
function useEverything() {
  const given = [makePipe(), makeSocketpair()];
  for (const pipe of [undefined, ...given]) {
    const values: number[] = [];
    const interrupt = new Interrupt({
      signal: SIGUSR2,
      signalHysteresis: true,
      pipe,
      callback: (value) => values.push(value),
    });
    const fd = interrupt.pipeFileno;
    for (let round = 1; round <= 3; round++) {
      raise(SIGUSR2);
      assert(testkit.fd_flags(fd) >= 0);
      assertEquals(interrupt.pending, SIGUSR2);
      checkpoint();
      assertEquals(values.length, round);
      interrupt.postFork();
    }
    interrupt.close();
  }
  for (const fd of given.flat()) testkit.close(fd);

  using pipe = new EventPipe();
  const { func, arg } = pipe.signalFunc();
  for (let round = 0; round < 3; round++) {
    assert(!pipe.wait(0.3));
    testkit.plan(1, 500_000n);
    const thread = testkit.thread_call(func, arg);
    assert(pipe.wait());
    testkit.thread_join(thread);
    pipe.drain();
    assert(!pipe.wait(0));
    pipe.renew();
  }
}

async function storm() {
  useEverything();
  // Also uses the wake of the event loop.
  new Interrupt().ref().unref().close();
  const before = openDescriptors();
  testkit.disposition_save(SIGUSR2, SIGUSR2);
  testkit.alarm_every(100);
  const end = testkit.now_ns() + seconds * 1_000_000_000n;
  while (testkit.now_ns() < end) useEverything();
  let handled = 0;
  const interrupt = new Interrupt({ callback: () => handled++ });
  for (let round = 1; round <= 100; round++) {
    const { func, arg } = interrupt.signalFunc();
    const next = interrupt.wait();
    testkit.call_value(func, arg, round);
    assertEquals(await next, round);
  }
  assertEquals(handled, 100);
  interrupt.close();
  testkit.alarm_every(0);
  assertEquals(testkit.disposition_same(SIGUSR2, SIGUSR2), 1);
  assertNoMoreDescriptors(before);
}

test(
  "in a storm of signals whose handler does not restart system calls, nothing is lost and nothing leaks",
  async () => {
    const SA_ONSTACK = 0x08000000n;
    testkit.handler_count(SIGALRM, SA_ONSTACK, 0n);
    await storm();
    assertGreater(testkit.handled(SIGALRM), 100);
  },
  { timeout: 60 },
);

test(
  "in a storm of signals that an Interrupt handles, nothing is lost and nothing leaks",
  async () => {
    let calls = 0;
    using alarm = new Interrupt({ signal: SIGALRM, callback: () => calls++ });
    await storm();
    checkpoint();
    assertGreater(calls, 100);
    assertEquals(alarm.pending, 0);
  },
  { timeout: 60 },
);
