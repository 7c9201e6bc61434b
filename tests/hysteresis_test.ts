import { assert, assertEquals } from "@std/assert";
import { checkpoint, Interrupt } from "../mod.ts";
import { testsOf, until } from "./support/harness.ts";
import { startCommand } from "./support/processes.ts";
import { sender, testkit } from "./support/testkit.ts";
import { SIG_IGN, SIGRT8 } from "./support/signals.ts";
import { raise } from "./support/senders.ts";

const test = testsOf(import.meta.url);

/** Whether the kernel ignores the signal now. */
const ignored = () => testkit.disposition_word(SIGRT8, 0) === SIG_IGN;

function counter(options = {}) {
  const seen = { calls: 0 };
  const interrupt = new Interrupt({
    signal: SIGRT8,
    signalHysteresis: true,
    callback: () => seen.calls++,
    ...options,
  });
  return { interrupt, seen };
}

test("with hysteresis a thousand kills while busy become one delivery, then the signal is no longer ignored", () => {
  const { interrupt, seen } = counter();
  for (let round = 1; round <= 3; round++) {
    assert(!ignored());
    raise(SIGRT8);
    assert(ignored());
    raise(SIGRT8, 999);
    assertEquals(interrupt.pending, SIGRT8);
    checkpoint();
    checkpoint();
    assertEquals(seen.calls, round);
    assert(!ignored());
  }
});

test("without hysteresis the signal is never ignored", () => {
  const { seen } = counter({ signalHysteresis: false });
  raise(SIGRT8);
  assert(!ignored());
  checkpoint();
  assertEquals(seen.calls, 1);
});

test("with hysteresis the kernel ignores the signal until the callback begins", () => {
  let inside: boolean | undefined;
  using _interrupt = new Interrupt({
    signal: SIGRT8,
    signalHysteresis: true,
    callback: () => inside = ignored(),
  });
  raise(SIGRT8);
  checkpoint();
  assertEquals(inside, false);
});

test("with hysteresis the event loop hears every round of signals from another process", async () => {
  const { interrupt, seen } = counter();
  for (let round = 1; round <= 5; round++) {
    const next = interrupt.wait();
    const { ended } = startCommand(sender(`${SIGRT8}x1000`));
    await next;
    assertEquals((await ended).code, 0);
    const before = seen.calls;
    assert(before >= round);
    // Whichever comes last, a kill or the handling, the signal must end up not ignored. Wait,
    // because the last handler may still be about to make the Interrupt pending on another thread.
    await until(() => interrupt.pending === 0 && !ignored());
  }
});

test("with hysteresis a blocked Interrupt keeps the signal ignored until `unblock()`", () => {
  const { interrupt, seen } = counter();
  interrupt.block();
  raise(SIGRT8, 10);
  checkpoint();
  assert(ignored());
  interrupt.unblock();
  assert(!ignored());
  assertEquals(seen.calls, 1);
});

test("with hysteresis `close()` restores the old disposition, whether the signal is ignored or not", () => {
  testkit.handler_count(SIGRT8, 0x10000000n, 0x1200n);
  testkit.disposition_save(SIGRT8, 0);
  for (const signalled of [false, true]) {
    const { interrupt, seen } = counter();
    if (signalled) raise(SIGRT8);
    assertEquals(ignored(), signalled);
    interrupt.close();
    assertEquals(seen.calls, Number(signalled));
    assertEquals(testkit.disposition_same(SIGRT8, 0), 1);
  }
});

test("`signalHysteresis` can be turned on and off", () => {
  const { interrupt } = counter({ signalHysteresis: false });
  assertEquals(interrupt.signalHysteresis, false);
  interrupt.signalHysteresis = true;
  assertEquals(interrupt.signalHysteresis, true);
  raise(SIGRT8);
  assert(ignored());
  interrupt.signalHysteresis = false;
  assert(!ignored());
  checkpoint();
  raise(SIGRT8);
  assert(!ignored());
});

test("hysteresis is active only while all Interrupts on the signal want it", () => {
  const first = counter();
  const second = counter();
  raise(SIGRT8);
  assert(ignored());
  checkpoint();
  const plain = counter({ signalHysteresis: false });
  raise(SIGRT8);
  assert(!ignored());
  checkpoint();
  plain.interrupt.close();
  raise(SIGRT8);
  assert(ignored());
  checkpoint();
  assertEquals([first.seen.calls, second.seen.calls, plain.seen.calls], [
    3,
    3,
    1,
  ]);
});

test("closing one of two Interrupts with hysteresis does not leave the signal ignored", () => {
  const first = counter();
  const second = counter();
  raise(SIGRT8);
  second.interrupt.handle();
  first.interrupt.close();
  assert(!ignored());
  raise(SIGRT8);
  checkpoint();
  assertEquals([first.seen.calls, second.seen.calls], [1, 2]);
});

test("with hysteresis an Interrupt that is opened later hears a signal that was ignored", () => {
  const first = counter();
  raise(SIGRT8);
  const plain = counter({ signalHysteresis: false });
  assert(!ignored());
  raise(SIGRT8);
  checkpoint();
  assertEquals([first.seen.calls, plain.seen.calls], [1, 1]);
  testkit.disposition_save(SIGRT8, 0);
  first.interrupt.close();
  plain.interrupt.close();
  assert(!ignored());
});

test("hysteresis with a callback that throws does not leave the signal ignored", () => {
  let calls = 0;
  Interrupt.onError = () => {};
  using _interrupt = new Interrupt({
    signal: SIGRT8,
    signalHysteresis: true,
    callback: () => {
      calls++;
      throw new Error("no");
    },
  });
  raise(SIGRT8);
  checkpoint();
  raise(SIGRT8);
  checkpoint();
  assertEquals(calls, 2);
});

test("hysteresis without a signal does nothing", () => {
  const { interrupt, seen } = counter({ signal: undefined });
  interrupt.signal();
  interrupt.signalHysteresis = false;
  interrupt.signal();
  assertEquals(seen.calls, 2);
});
