import { assert, assertEquals, assertFalse, assertThrows } from "@std/assert";
import process from "node:process";
import { checkpoint, Interrupt, InterruptError, type InterruptOptions } from "../mod.ts";
import { runtime, testsOf, turn, until } from "./support/harness.ts";
import { readable, testkit } from "./support/testkit.ts";
import { SIGUSR2 } from "./support/signals.ts";
import { raise, sendFromNative } from "./support/senders.ts";
import { collectErrors } from "./support/collect_errors.ts";

const test = testsOf(import.meta.url);

test("an exception in a callback goes to `Interrupt.onError`, with its Interrupt", () => {
  const errors: unknown[] = [];
  Interrupt.onError = (error, interrupt) => errors.push(error, interrupt);
  const failure = new Error("from the callback");
  const interrupt = new Interrupt({
    callback: () => {
      throw failure;
    },
  });
  interrupt.signal();
  assertEquals(errors.length, 2);
  assert(errors[0] === failure && errors[1] === interrupt);
  sendFromNative(interrupt);
  checkpoint();
  interrupt.block();
  interrupt.signal();
  interrupt.unblock();
  sendFromNative(interrupt);
  interrupt.handle();
  assertEquals(errors.length, 8);
});

test("`Interrupt.onError` is `console.error` unless set", () => {
  const lines: unknown[][] = [];
  console.error = (...line: unknown[]) => lines.push(line);
  const failure = new Error("from the callback");
  const interrupt = new Interrupt({
    callback: () => {
      throw failure;
    },
  });
  interrupt.signal();
  assertEquals(lines.length, 1);
  assert(lines[0]?.includes(failure));
}, { alone: true });

test("one callback that throws does not stop the others", () => {
  let calls = 0;
  let errors = 0;
  Interrupt.onError = () => errors++;
  const interrupts = Array.from({ length: 10 }, (_, index) =>
    new Interrupt({
      callback: () => {
        calls++;
        if (index % 2 === 0) throw new Error("even");
      },
    }));
  for (const interrupt of interrupts) sendFromNative(interrupt);
  checkpoint();
  assertEquals([calls, errors], [10, 5]);
});

test("an `Interrupt.onError` that throws does not stop the others", () => {
  let calls = 0;
  console.error = () => {};
  Interrupt.onError = () => {
    throw new Error("from onError");
  };
  const interrupts = Array.from({ length: 4 }, () =>
    new Interrupt({
      callback: () => {
        calls++;
        throw new Error("from the callback");
      },
    }));
  for (const interrupt of interrupts) sendFromNative(interrupt);
  checkpoint();
  assertEquals(calls, 4);
});

test("with `rethrow` the error comes out of `checkpoint()`, `handle()`, `signal()` and `unblock()`", () => {
  Interrupt.onError = () => assert(false, "onError was called");
  let calls = 0;
  const interrupt = new Interrupt({
    rethrow: true,
    callback: (value) => {
      calls++;
      throw new Error(`value ${value}`);
    },
  });
  assertThrows(() => interrupt.signal(1), Error, "value 1");
  sendFromNative(interrupt, 2);
  assertThrows(() => checkpoint(), Error, "value 2");
  sendFromNative(interrupt, 3);
  assertThrows(() => interrupt.handle(), Error, "value 3");
  interrupt.block();
  interrupt.signal(4);
  assertThrows(() => interrupt.unblock(), Error, "value 4");
  assertFalse(interrupt.blocked);
  checkpoint();
  assertEquals(calls, 4);
});

test("with `rethrow` the error leaves a computation and runs its `finally`", () => {
  const interrupt = new Interrupt({
    rethrow: true,
    callback: () => {
      throw new Error("stop");
    },
  });
  const { func, arg } = interrupt.signalFunc();
  testkit.plan(1, 1_000_000n);
  const thread = testkit.thread_signal(func, arg);
  let cleaned = false;
  assertThrows(
    () => {
      try {
        while (true) checkpoint();
      } finally {
        cleaned = true;
      }
    },
    Error,
    "stop",
  );
  assert(cleaned);
  testkit.thread_join(thread);
});

test("with `rethrow` and several errors, the first comes out and the others go to `Interrupt.onError`", () => {
  const seen = collectErrors();
  const interrupts = Array.from({ length: 3 }, (_, index) =>
    new Interrupt({
      rethrow: true,
      callback: () => {
        throw index;
      },
    }));
  for (const interrupt of interrupts) sendFromNative(interrupt);
  try {
    checkpoint();
    seen.push("nothing thrown");
  } catch (error) {
    seen.unshift(error);
  }
  assertEquals([...seen].sort(), [0, 1, 2]);
});

test("in the event loop an error with `rethrow` goes to `Interrupt.onError`", async () => {
  const errors = collectErrors();
  const interrupt = new Interrupt({
    rethrow: true,
    callback: () => {
      throw "from the loop";
    },
  });
  sendFromNative(interrupt);
  await until(() => errors.length > 0);
  assertEquals(errors, ["from the loop"]);
});

test("a callback that throws in the event loop is called again", async () => {
  let calls = 0;
  Interrupt.onError = () => {};
  const interrupt = new Interrupt({
    rethrow: true,
    callback: () => {
      calls++;
      throw new Error("again");
    },
  });
  for (let round = 1; round <= 20; round++) {
    sendFromNative(interrupt);
    await until(() => calls === round);
  }
});

test("a callback that signals itself runs again right after it returned, not inside", () => {
  const values: number[] = [];
  let depth = 0;
  const interrupt = new Interrupt({
    callback: (value) => {
      assertEquals(++depth, 1);
      values.push(value);
      if (value < 5) interrupt.signal(value + 1);
      checkpoint();
      interrupt.handle();
      depth--;
    },
  });
  interrupt.signal(1);
  assertEquals(values, [1, 2, 3, 4, 5]);
});

test("a callback that signals itself by `signalFunc()` runs again right after it returned", () => {
  const values: number[] = [];
  const interrupt = new Interrupt({
    callback: (value) => {
      values.push(value);
      if (value < 5) sendFromNative(interrupt, value + 1);
    },
  });
  interrupt.signal(1);
  assertEquals(values, [1, 2, 3, 4, 5]);
  checkpoint();
  assertEquals(interrupt.pending, 0);
});

test("a callback that is signalled without a pause lets the others and `checkpoint()` have their turn", () => {
  let calls = 0;
  let others = 0;
  const endless = new Interrupt({
    callback: () => {
      calls++;
      sendFromNative(endless);
    },
  });
  const other = new Interrupt({ callback: () => others++ });
  for (let round = 1; round <= 100; round++) {
    const before = calls;
    sendFromNative(endless);
    sendFromNative(other);
    checkpoint();
    assertEquals([others, calls - before], [round, 16]);
  }
  endless.handle();
  assertEquals(endless.pending, 1);
});

test("a callback that is signalled without a pause lets the event loop have its turn", async () => {
  let calls = 0;
  const endless = new Interrupt({
    callback: () => {
      calls++;
      sendFromNative(endless);
    },
  });
  sendFromNative(endless);
  for (let round = 1; round <= 100; round++) {
    const before = calls;
    await until(() => calls > before);
  }
  // It is still pending without another signal.
  assert(readable(endless.pipeFileno));
});

test("a callback that sends its own POSIX signal to the process runs again right after it returned", () => {
  let calls = 0;
  let depth = 0;
  const interrupt = new Interrupt({
    signal: SIGUSR2,
    callback: () => {
      assertEquals(++depth, 1);
      if (++calls < 100) raise(SIGUSR2);
      depth--;
    },
  });
  interrupt.signal();
  while (interrupt.pending !== 0) checkpoint();
  assertEquals(calls, 100);
});

test("a callback that signals itself and then throws is called again", () => {
  let calls = 0;
  const interrupt = new Interrupt({
    rethrow: true,
    callback: () => {
      if (++calls > 2) return;
      interrupt.signal(9);
      throw new Error(`call ${calls}`);
    },
  });
  assertThrows(() => interrupt.signal(), Error, "call 1");
  assertEquals(interrupt.pending, 9);
  assertThrows(() => checkpoint(), Error, "call 2");
  checkpoint();
  assertEquals(calls, 3);
});

test("a callback that signals itself for ever does not prevent `close()` from ending it", () => {
  let calls = 0;
  const interrupt = new Interrupt({
    callback: () => {
      if (++calls === 1000) interrupt.close();
      else interrupt.signal();
    },
  });
  interrupt.signal();
  while (!interrupt.closed) checkpoint();
  assertEquals(calls, 1000);
});

test("a callback that signals another Interrupt runs that callback inside", () => {
  const order: string[] = [];
  const inner = new Interrupt({ callback: () => order.push("inner") });
  const outer = new Interrupt({
    callback: () => {
      order.push("outer");
      inner.signal();
      order.push("outer again");
    },
  });
  outer.signal();
  assertEquals(order, ["outer", "inner", "outer again"]);
});

test("a callback that calls `checkpoint()` runs the other callbacks inside", () => {
  const order: string[] = [];
  const names = ["a", "b", "c"];
  const interrupts = names.map((name) =>
    new Interrupt({
      callback: () => {
        order.push(name);
        checkpoint();
        order.push(`end`);
      },
    })
  );
  for (const interrupt of interrupts) sendFromNative(interrupt);
  checkpoint();
  assertEquals(order.filter((entry) => entry !== "end").sort(), names);
  assertEquals(order.slice(3), ["end", "end", "end"]);
});

test("a callback that closes itself is not called again", () => {
  let calls = 0;
  const interrupt = new Interrupt({
    callback: () => {
      calls++;
      interrupt.signal();
      sendFromNative(interrupt);
      interrupt.close();
      assert(interrupt.closed);
    },
  });
  interrupt.signal();
  checkpoint();
  assertEquals(calls, 1);
});

test("a callback that closes its Interrupt in the event loop leaves the others working", async () => {
  let others = 0;
  const other = new Interrupt({ callback: () => others++ });
  const interrupt = new Interrupt({ callback: () => interrupt.close() });
  sendFromNative(interrupt);
  sendFromNative(other);
  await until(() => interrupt.closed && others === 1);
  sendFromNative(other);
  await until(() => others === 2);
});

test("a callback that closes all pending Interrupts delivers each once", () => {
  const calls = Array.from({ length: 20 }, () => 0);
  const interrupts = calls.map((_, index) =>
    new Interrupt({
      callback: () => {
        calls[index]!++;
        for (const interrupt of interrupts) interrupt.close();
      },
    })
  );
  for (const interrupt of interrupts) sendFromNative(interrupt);
  checkpoint();
  assertEquals(calls, calls.map(() => 1));
  checkpoint();
});

test("a callback that replaces its Interrupt by a new one never gets a value of the old one", () => {
  const values: number[] = [];
  let interrupt: Interrupt;
  const replace = () => {
    interrupt = new Interrupt({
      callback: (value) => {
        values.push(value);
        const stale = interrupt.signalFunc();
        interrupt.close();
        replace();
        testkit.call_value(stale.func, stale.arg, 666);
        checkpoint();
      },
    });
  };
  replace();
  for (let value = 1; value <= 50; value++) interrupt!.signal(value);
  assertEquals(values, Array.from({ length: 50 }, (_, i) => i + 1));
});

test("`nativeCallback` is called on this thread with the value, just before `callback`", async () => {
  const counts: number[] = [];
  const interrupt = new Interrupt({
    nativeCallback: { func: testkit.callback_address(), arg: 3n },
    callback: (value) => {
      assertEquals(testkit.callback_value(3), value);
      counts.push(testkit.callback_count(3));
    },
  });
  interrupt.signal(-8);
  sendFromNative(interrupt, 9);
  checkpoint();
  sendFromNative(interrupt, 10);
  await until(() => counts.length === 3);
  assertEquals(counts, [1, 2, 3]);
  assertEquals(testkit.callback_thread(3), testkit.tid());
});

test("`nativeCallback` works without `callback`", () => {
  const interrupt = new Interrupt({
    nativeCallback: { func: testkit.callback_address(), arg: 0n },
  });
  interrupt.signal(5);
  assertEquals([testkit.callback_count(0), testkit.callback_value(0)], [1, 5]);
});

test("a native library that is given `signalFunc()` calls back through `nativeCallback`", () => {
  const values: number[] = [];
  const target = new Interrupt({ callback: (value) => values.push(value) });
  const { func, arg } = target.signalFunc();
  testkit.forward_to(func, arg);
  const source = new Interrupt({
    nativeCallback: { func: testkit.forward_address(), arg: 0n },
    callback: () => {
      assertEquals(target.pending, 21);
    },
  });
  source.signal(21);
  checkpoint();
  assertEquals(values, [21]);
});

test("a `nativeCallback` that signals its own Interrupt is called again after it", () => {
  let calls = 0;
  const interrupt: Interrupt = new Interrupt({
    nativeCallback: { func: testkit.forward_address(), arg: 0n },
    callback: () => {
      if (++calls === 10) interrupt.close();
    },
  });
  const { func, arg } = interrupt.signalFunc();
  testkit.forward_to(func, arg);
  interrupt.signal(1);
  assertEquals(calls, 10);
});

/** Collects rejections that nothing handles. */
function unhandledRejections(): unknown[] {
  const rejections: unknown[] = [];
  process.on("unhandledRejection", (reason) => rejections.push(reason));
  return rejections;
}

for (const rethrow of [false, true]) {
  test(`a rejection of an async callback goes to \`Interrupt.onError\` once, with its Interrupt, rethrow ${rethrow}`, async () => {
    const rejections = unhandledRejections();
    const told: unknown[] = [];
    Interrupt.onError = (error, interrupt) => told.push(error, interrupt);
    using interrupt = new Interrupt({
      rethrow,
      async callback(value) {
        await turn();
        throw value;
      },
    });
    using other = new Interrupt({ callback: () => {} });
    interrupt.signal(1);
    sendFromNative(interrupt, 2);
    checkpoint();
    other.signal();
    await until(() => told.length >= 4);
    await turn();
    assertEquals(told.length, 4);
    assertEquals([told[0], told[2]], [1, 2]);
    assert(told[1] === interrupt && told[3] === interrupt);
    assertEquals(rejections, []);
  });
}

test("a rejection of an async callback goes to the `Interrupt.onError` that is set by then, even after its Interrupt was closed", async () => {
  const told: unknown[] = [];
  Interrupt.onError = () => told.push("the old one");
  const interrupt = new Interrupt({ callback: () => Promise.reject("late") });
  interrupt.signal();
  interrupt.close();
  Interrupt.onError = (error) => told.push(error);
  await until(() => told.length > 0);
  assertEquals(told, ["late"]);
});

test(
  "a rejection of an async `Interrupt.onError` is printed once and not passed to `Interrupt.onError`",
  async () => {
    const rejections = unhandledRejections();
    const lines: unknown[][] = [];
    console.error = (...line: unknown[]) => lines.push(line);
    const told: unknown[] = [];
    Interrupt.onError = async (error) => {
      told.push(error);
      await turn();
      throw "from onError";
    };
    using interrupt = new Interrupt({
      callback: () => Promise.reject("from the callback"),
    });
    interrupt.signal();
    await until(() => lines.length > 0);
    for (let turns = 0; turns < 5; turns++) await turn();
    assertEquals(told, ["from the callback"]);
    assertEquals(lines.length, 1);
    assert(lines[0]?.includes("from onError"));
    assertEquals(rejections, []);
  },
  { alone: true },
);

test("a callback may return anything: an object with a `then` method is treated as a promise", async () => {
  const told = collectErrors();
  const thenable = {
    then(_: unknown, reject: (reason: unknown) => void) {
      reject("a thenable");
    },
  };
  const broken = {
    get then(): never {
      throw "a getter";
    },
  };
  const results = [5, "text", null, { then: 5 }, Symbol(), broken, thenable];
  using interrupt = new Interrupt({
    callback: (value) => results[value - 1],
  });
  for (const index of results.keys()) interrupt.signal(index + 1);
  assertEquals(told, ["a getter"]);
  await until(() => told.length > 1);
  assertEquals(told, ["a getter", "a thenable"]);
});

test("using a closed Interrupt in its own callback throws CLOSED, which goes to `Interrupt.onError`", () => {
  const errors = collectErrors();
  const interrupt = new Interrupt({
    callback: () => {
      interrupt.close();
      interrupt.signal();
    },
  });
  interrupt.signal();
  assert(errors[0] instanceof InterruptError);
  assertEquals(errors[0].code, "CLOSED");
});

test("an error that cannot be printed stops nothing", () => {
  const error = {
    [Symbol.for("nodejs.util.inspect.custom")]() {
      throw new Error("not to be printed");
    },
    [Symbol.for("Deno.customInspect")]() {
      throw new Error("not to be printed");
    },
  };
  let calls = 0;
  using failing = new Interrupt({
    callback() {
      throw error;
    },
  });
  using next = new Interrupt({ callback: () => calls++ });
  for (const interrupt of [failing, next, failing, next]) {
    Interrupt.signal(interrupt.signalFunc());
  }
  checkpoint();
  assertEquals(calls, 1);
  Interrupt.onError = () => {
    throw error;
  };
  failing.signal();
  next.signal();
  assertEquals(calls, 2);
});

/** A native function made from JavaScript by the runtime's own FFI; it throws. */
async function throwing(message: string): Promise<bigint> {
  const callback = () => {
    throw new Error(message);
  };
  if (runtime === "deno") {
    const { pointer } = new Deno.UnsafeCallback(
      { parameters: ["pointer", "i32"], result: "void" },
      callback,
    );
    return BigInt(Deno.UnsafePointer.value(pointer));
  }
  const name = "bun:ffi";
  const { JSCallback } = await import(name);
  return BigInt(new JSCallback(callback, { args: ["ptr", "i32"] }).ptr);
}

test(
  "an exception in a `nativeCallback` goes to `Interrupt.onError` too",
  async () => {
    const errors: unknown[] = [];
    Interrupt.onError = (error) => errors.push((error as Error).message);
    const nativeCallback = { func: await throwing("native"), arg: 0n };
    using interrupt = new Interrupt({ nativeCallback });
    interrupt.signal();
    sendFromNative(interrupt);
    checkpoint();
    assertEquals(errors, ["native", "native"]);
    using rethrows = new Interrupt({ nativeCallback, rethrow: true });
    assertThrows(() => rethrows.signal(), Error, "native");
  },
  { skip: runtime === "node" && "the runtime has no FFI to make such a function" },
);

/** Catches what `console.error` is told from now on. */
function consoleLines(): unknown[][] {
  const lines: unknown[][] = [];
  console.error = (...line: unknown[]) => lines.push(line);
  return lines;
}

test("`onError` of an Interrupt receives what its callback throws, in place of `Interrupt.onError`", () => {
  const all = collectErrors();
  const own: unknown[][] = [];
  const failure = new Error("from the callback");
  const open = (onError?: InterruptOptions["onError"]) =>
    new Interrupt({
      onError,
      callback() {
        throw failure;
      },
    });
  const interrupt = open((...told: unknown[]) => own.push(told));
  interrupt.signal();
  sendFromNative(interrupt);
  checkpoint();
  assertEquals([own.length, all.length], [2, 0]);
  assert(own.every((told) => told.length === 1 && told[0] === failure));
  open().signal();
  assertEquals([own.length, all.length], [2, 1]);
});

test("`onError` of an Interrupt stays when `Interrupt.onError` is replaced", () => {
  const own: unknown[] = [];
  const interrupt = new Interrupt({
    onError: (error) => own.push(error),
    callback() {
      throw "failure";
    },
  });
  const all = collectErrors();
  interrupt.signal();
  assertEquals([own, all], [["failure"], []]);
});

test("`onError` of an Interrupt receives the rejection of its async callback, also with `rethrow`", async () => {
  const all = collectErrors();
  for (const rethrow of [false, true]) {
    const own: unknown[] = [];
    const interrupt = new Interrupt({
      rethrow,
      onError: (error) => own.push(error),
      async callback(value) {
        await turn();
        throw value;
      },
    });
    interrupt.signal(1);
    interrupt.signal(2);
    await until(() => own.length === 2);
    assertEquals([own, all], [[1, 2], []]);
  }
});

test("with `rethrow` an Interrupt's `onError` receives only what the event loop's callbacks throw", async () => {
  const own: unknown[] = [];
  const interrupt = new Interrupt({
    rethrow: true,
    onError: (error) => own.push((error as Error).message),
    callback(value) {
      throw new Error(`value ${value}`);
    },
  });
  assertThrows(() => interrupt.signal(1), Error, "value 1");
  assertEquals(own, []);
  sendFromNative(interrupt, 2);
  await until(() => own.length > 0);
  assertEquals(own, ["value 2"]);
});

test("what an Interrupt's `onError` throws goes to `console.error`, and stops nobody", () => {
  const lines = consoleLines();
  const all = collectErrors();
  const [fromCallback, fromOnError] = [new Error("from the callback"), new Error("from onError")];
  let calls = 0;
  const interrupts = Array.from({ length: 3 }, () =>
    new Interrupt({
      onError() {
        throw fromOnError;
      },
      callback() {
        calls++;
        throw fromCallback;
      },
    }));
  for (const interrupt of interrupts) sendFromNative(interrupt);
  checkpoint();
  assertEquals([calls, all.length], [3, 0]);
  for (const error of [fromCallback, fromOnError]) {
    assertEquals(lines.filter((line) => line.includes(error)).length, 3);
  }
});

test("what an async `onError` of an Interrupt rejects with goes to `console.error`", async () => {
  const lines = consoleLines();
  const failure = new Error("from onError");
  const onError = async () => {
    await turn();
    throw failure;
  };
  const interrupt = new Interrupt({
    onError,
    callback() {
      throw new Error("from the callback");
    },
  });
  interrupt.signal();
  await until(() => lines.length > 0);
  assert(lines[0]!.includes(failure));
});

test("an Interrupt's `onError` may close it, signal it and use others", () => {
  const other = { calls: 0 };
  const another = new Interrupt({ callback: () => other.calls++ });
  let calls = 0;
  const interrupt = new Interrupt({
    onError() {
      another.signal();
      if (calls < 3) interrupt.signal();
      else interrupt.close();
    },
    callback() {
      calls++;
      throw new Error(`call ${calls}`);
    },
  });
  interrupt.signal();
  assertEquals([calls, other.calls, interrupt.closed], [3, 3, true]);
});
