import { assert, assertEquals, assertThrows } from "@std/assert";
import { agent } from "../src/delivery/agent.ts";
import { ATTENTION, WAKE_SENT } from "../ffi/symbols.ts";
import { checkpoint, Interrupt } from "../mod.ts";
import { noWakeSocket, testsOf } from "./support/harness.ts";
import { Faulty } from "./support/faulty.ts";
import { testkit } from "./support/testkit.ts";

const test = testsOf(import.meta.url);

/** Lets a native thread signal `interrupt` once, after `ns` nanoseconds. */
function signalLater(interrupt: Interrupt, ns = 20_000_000n): number {
  const { func, arg } = interrupt.signalFunc();
  testkit.plan(1, ns);
  testkit.plan_values(1, 1);
  return testkit.thread_signal(func, arg);
}

test("`checkpoint()` does nothing before the first Interrupt", () => {
  for (let i = 0; i < 1000; i++) checkpoint();
});

test("`checkpoint()` in a callback runs callbacks that were signalled together with it", () => {
  const order: string[] = [];
  using first = new Interrupt({
    callback() {
      order.push("first begins");
      checkpoint();
      order.push("first ends");
    },
  });
  using second = new Interrupt({ callback: () => order.push("second") });
  for (const interrupt of [first, second]) {
    const { func, arg } = interrupt.signalFunc();
    testkit.call_value(func, arg, 1);
  }
  checkpoint();
  assertEquals(order, ["first begins", "second", "first ends"]);
});

test("a busy loop of signals and `checkpoint()` costs one wake", async () => {
  const faulty = new Faulty();
  const { checkpoint, Interrupt } = await faulty.modules();
  let calls = 0;
  using interrupt = new Interrupt({ callback: () => calls++ });
  const { func, arg } = interrupt.signalFunc();
  faulty.count();
  for (let i = 1; i <= 100; i++) {
    testkit.call_value(func, arg, i);
    checkpoint();
  }
  assertEquals(calls, 100);
  assertEquals(faulty.calls().get("sendto"), 1);
}, { skip: noWakeSocket });

test(
  "after a signal `checkpoint()` is one memory read again, while the wake is still on its way",
  () => {
    let calls = 0;
    using interrupt = new Interrupt({ callback: () => calls++ });
    Interrupt.signal(interrupt.signalFunc());
    checkpoint();
    assertEquals(calls, 1);
    assertEquals(agent().view?.[ATTENTION], WAKE_SENT);
    // Shadows the method that checkpoint() calls when the attention word asks for a scan.
    let looks = 0;
    Object.defineProperty(agent(), "atCheckpoint", { value: () => looks++ });
    for (let i = 0; i < 1000; i++) checkpoint();
    assertEquals(looks, 0);
    Interrupt.signal(interrupt.signalFunc());
    checkpoint();
    assertEquals(looks, 1);
  },
  { alone: true },
);

test("`checkpoint()` works in a loop that ran before the first Interrupt was made", () => {
  let seen = 0;
  const spin = (turns: number) => {
    for (let i = 0; i < turns && seen === 0; i++) checkpoint();
  };
  // The loop is compiled by now, perhaps with the words of "no Interrupt yet" as constants.
  spin(20_000_000);
  const interrupt = new Interrupt({ callback: () => seen++ });
  signalLater(interrupt, 0n);
  spin(Infinity);
  assertEquals(seen, 1);
}, { alone: true });

test("`checkpoint()` sees the flag in a tight loop", () => {
  let seen = false;
  const interrupt = new Interrupt({ callback: () => seen = true });
  signalLater(interrupt);
  while (!seen) checkpoint();
});

test("`checkpoint()` sees the flag in nested loops", () => {
  let seen = false;
  let sum = 0;
  const interrupt = new Interrupt({ callback: () => seen = true });
  signalLater(interrupt);
  while (!seen) {
    for (let i = 0; i < 1000; i++) {
      for (let j = 0; j < 1000; j++) {
        sum = (sum + i * j) | 0;
        checkpoint();
        if (seen) break;
      }
      if (seen) break;
    }
  }
  assert(Number.isInteger(sum));
});

test("`checkpoint()` sees the flag in nested loops that do not read what the callback changes", () => {
  // Nothing in these loops depends on the callback, so an optimizer might move the read out of
  // them.
  let stopped = 0;
  const interrupt = new Interrupt({
    rethrow: true,
    callback: () => {
      stopped++;
      throw new Error("stop");
    },
  });
  const crunch = () => {
    let sum = 0;
    for (let k = 0; k < 1e9; k++) {
      for (let i = 0; i < 1000; i++) {
        for (let j = 0; j < 1000; j++) {
          sum = (sum + i * j) | 0;
          checkpoint();
        }
      }
    }
    return sum;
  };
  for (let round = 1; round <= 5; round++) {
    signalLater(interrupt);
    try {
      crunch();
    } catch (error) {
      assertEquals((error as Error).message, "stop");
    }
    assertEquals(stopped, round);
  }
});

test("`checkpoint()` sees the flag after a hundred million turns", () => {
  let seen = 0;
  const interrupt = new Interrupt({
    rethrow: true,
    callback: () => {
      seen++;
      throw new Error("seen");
    },
  });
  const spin = () => {
    let sum = 0;
    for (let turn = 0; turn < 1e8; turn++) {
      sum = (sum + turn) | 0;
      checkpoint();
    }
    return sum;
  };
  spin();
  assertEquals(seen, 0);
  // Run the same loop again, which is fully optimized by now.
  signalLater(interrupt);
  assertThrows(spin, Error, "seen");
  assertEquals(seen, 1);
}, { timeout: 60 });

test("a tight loop sees `pending` change, without `checkpoint()`", () => {
  const interrupt = new Interrupt();
  for (let round = 0; round < 5; round++) {
    signalLater(interrupt, 5_000_000n);
    while (interrupt.pending === 0);
    assertEquals(interrupt.pending, 1);
    interrupt.handle();
  }
});

test("nested loops see `pending` change", () => {
  const interrupt = new Interrupt();
  signalLater(interrupt);
  let sum = 0;
  outer: while (true) {
    for (let i = 0; i < 1000; i++) {
      for (let j = 0; j < 1000; j++) {
        sum = (sum + i * j) | 0;
        if (interrupt.pending !== 0) break outer;
      }
    }
  }
  assert(Number.isInteger(sum));
});

test("a computation sees a native thread that reports every 100 microseconds", () => {
  const values: number[] = [];
  const interrupt = new Interrupt({
    wake: false,
    callback: (value) => values.push(value),
  });
  const { func, arg } = interrupt.signalFunc();
  testkit.plan(1000, 100_000n);
  testkit.plan_values(1, 1);
  const thread = testkit.thread_signal(func, arg);
  let primes = 0;
  for (let n = 2; values.at(-1) !== 1000; n++) {
    let isPrime = true;
    for (let d = 2; d * d <= n && isPrime; d++) {
      checkpoint();
      if (n % d === 0) isPrime = false;
    }
    if (isPrime) primes++;
    checkpoint();
  }
  testkit.thread_join(thread);
  assert(primes > 0);
  assertEquals(values, [...new Set(values)].sort((a, b) => a - b));
});
