import { assert, assertEquals, assertThrows } from "@std/assert";
import { checkpoint, EventPipe, Interrupt } from "../mod.ts";
import { testsOf } from "./support/harness.ts";
import { testkit } from "./support/testkit.ts";

const test = testsOf(import.meta.url);

test("a `signalFunc()` that is taken in the last callback is as dead as any other", () => {
  const taken: bigint[] = [];
  const closed = new Interrupt({
    callback: () => taken.push(closed.signalFunc().arg),
  });
  const { func, arg } = closed.signalFunc();
  closed.block();
  closed.signal();
  closed.close();
  assertEquals(taken, [arg]);

  let calls = 0;
  using next = new Interrupt({ callback: () => calls++ });
  assert(next.signalFunc().arg !== arg);
  assertEquals(Interrupt.signal({ func, arg }), false);
  testkit.call_value(func, arg, 1);
  checkpoint();
  assertEquals([calls, next.pending], [0, 0]);
});

test("a signal in the last callback disturbs no other Interrupt", () => {
  const seen: number[] = [];
  using other = new Interrupt({ callback: (value) => seen.push(value) });
  const closed = new Interrupt({
    callback: () => assertEquals(Interrupt.signal(closed.signalFunc()), false),
  });
  closed.block();
  closed.signal();
  Interrupt.signal(other.signalFunc(), 3);
  closed.close();
  checkpoint();
  Interrupt.signal(other.signalFunc(), 4);
  checkpoint();
  assertEquals(seen, [3, 4]);
});

test("tokens around those that were given are a TypeError, never a crash", () => {
  const open = new Interrupt();
  const { func, arg } = open.signalFunc();
  const closed = new Interrupt();
  const stale = closed.signalFunc().arg;
  closed.close();
  const generation = 1n << 32n;
  const forged = [
    arg + generation,
    arg + 2n * generation,
    arg - generation,
    stale + generation,
    stale + 2n * generation,
    generation | 999n,
    generation | 0xffffffffn,
    1n << 52n | arg,
    0n,
  ];
  for (const arg of forged) {
    assertThrows(() => Interrupt.signal({ func, arg }), TypeError);
    // Native code gets no error, but does not crash either.
    testkit.call_value(func, arg, 1);
    testkit.call(open.blockFunc().func, arg);
    testkit.call(open.unblockFunc().func, arg);
  }
  checkpoint();
  assertEquals([open.pending, open.blocked], [0, false]);
  open.close();
});

test("the functions of a closed EventPipe do nothing, whatever the generation", () => {
  const pipe = new EventPipe();
  const signal = pipe.signalFunc();
  const drain = pipe.drainFunc();
  pipe.close();
  using other = new EventPipe();
  for (const step of [0n, 1n]) {
    testkit.call(signal.func, signal.arg + (step << 32n));
  }
  assertEquals(other.wait(0), false);
  other.signal();
  testkit.call(drain.func, drain.arg);
  assertEquals(other.wait(0), true);
});
