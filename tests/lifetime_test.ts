import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { checkpoint, EventPipe, Interrupt } from "../mod.ts";
import { assertNoMoreDescriptors, openDescriptors } from "./support/descriptors.ts";
import { testsOf, turn } from "./support/harness.ts";
import { start } from "./support/processes.ts";
import { testkit } from "./support/testkit.ts";
import { collectErrors } from "./support/collect_errors.ts";
import { raise } from "./support/senders.ts";
import { SIGUSR2 } from "./support/signals.ts";

const test = testsOf(import.meta.url);

const program = new URL("./programs/lifetime.ts", import.meta.url);

const ends: [name: string, way: string, code: number][] = [
  ["a process with idle Interrupts open ends by itself", "idle", 0],
  ["a process with pending Interrupts ends by itself", "signalled", 0],
  ["`unref()` after `ref()` lets the process end", "unref", 0],
  [
    "`close()` ends what `ref()`, `wait()` and an iterator keep alive",
    "closed",
    0,
  ],
  ["a `wait()` that has resolved lets the process end", "waited", 0],
  ["a `wait()` that was aborted lets the process end", "aborted", 0],
  ["an iterator whose loop was left lets the process end", "returned", 0],
  ["an iterator that nobody reads lets the process end", "queued", 0],
  [
    "`process.exit()` ends a process with Interrupts open, waited for and referenced",
    "exit",
    3,
  ],
  ["`process.exit()` inside a callback ends the process", "exitInCallback", 3],
  [
    "`process.exit()` inside a callback of the event loop ends the process",
    "exitInLoop",
    3,
  ],
  [
    "`process.exit()` ends a process while a native thread keeps signalling it",
    "exitSignalled",
    3,
  ],
];

for (const [name, way, code] of ends) {
  test(name, async () => {
    const ended = await start(program, [way]).ended;
    assertEquals(ended, {
      code,
      signal: null,
      stdout: "",
      stderr: "",
      hung: false,
    });
  });
}

for (
  const [name, way] of [
    ["a pending `wait()` keeps the process alive", "wait"],
    ["a pending iterator keeps the process alive", "iterate"],
    ["`ref()` keeps the process alive", "ref"],
  ] as const
) {
  test(name, async () => {
    const child = start(program, [way]);
    assertEquals(await child.line(), "ready");
    // A process that does not stay alive has ended before these other processes have run.
    for (let i = 0; i < 3; i++) await start(program, ["queued"]).ended;
    assertEquals(child.child.exitCode, null);
    testkit.kill(child.pid, 12, 1);
    const { code, stdout } = await child.ended;
    assertEquals([code, stdout], [0, "ready\nvalue 12\n"]);
  });
}

test("`using` closes the Interrupt, after delivering what is pending", () => {
  const values: number[] = [];
  let outside: Interrupt;
  {
    using interrupt = new Interrupt({ callback: (v) => values.push(v) });
    outside = interrupt;
    const { func, arg } = interrupt.signalFunc();
    testkit.call_value(func, arg, 3);
    assertEquals(values, []);
  }
  assertEquals(values, [3]);
  assert(outside.closed);
});

test("`close()` delivers what is pending, once", () => {
  const values: number[] = [];
  const interrupt = new Interrupt({ callback: (v) => values.push(v) });
  const { func, arg } = interrupt.signalFunc();
  testkit.call_value(func, arg, 3);
  interrupt.close();
  checkpoint();
  assertEquals(values, [3]);
});

test("the second `close()` does nothing", () => {
  const interrupt = new Interrupt({ signal: 12 });
  assertStrictEquals(interrupt.closed, false);
  interrupt.close();
  assertStrictEquals(interrupt.closed, true);
  const next = new Interrupt({ signal: 12 });
  interrupt.close();
  interrupt[Symbol.dispose]();
  assertStrictEquals(next.closed, false);
  // The hook of `next` is still there; otherwise the default action would end the process.
  raise(SIGUSR2);
  assertStrictEquals(next.pending, SIGUSR2);
});

test("`close()` with a callback that throws still closes", () => {
  const errors = collectErrors();
  for (const rethrow of [false, true]) {
    const interrupt = new Interrupt({
      rethrow,
      callback: () => {
        throw "at the end";
      },
    });
    interrupt.block();
    interrupt.signal();
    interrupt.close();
    assert(interrupt.closed);
  }
  assertEquals(errors, ["at the end", "at the end"]);
});

test("a callback that `close()` runs may call `close()`", () => {
  let calls = 0;
  const interrupt = new Interrupt({
    callback: () => {
      calls++;
      interrupt.close();
      interrupt.signal();
    },
  });
  Interrupt.onError = () => {};
  interrupt.block();
  interrupt.signal();
  interrupt.close();
  assertEquals(calls, 1);
  assert(interrupt.closed);
});

test("after `close()`, `signalFunc()` does nothing, not even to the next Interrupt", () => {
  const values: number[] = [];
  const old = new Interrupt({ callback: (v) => values.push(v) });
  const { func, arg } = old.signalFunc();
  old.close();
  const interrupts = Array.from(
    { length: 100 },
    () => new Interrupt({ callback: (v) => values.push(v) }),
  );
  for (let i = 0; i < 100; i++) testkit.call_value(func, arg, 5);
  checkpoint();
  assertEquals(values, []);
  for (const interrupt of interrupts) assertEquals(interrupt.pending, 0);
});

test("`close()` while a native thread signals", () => {
  testkit.plan(0, 0n);
  for (let round = 0; round < 100; round++) {
    let calls = 0;
    const interrupt = new Interrupt({ callback: () => calls++ });
    const { func, arg } = interrupt.signalFunc();
    const thread = testkit.thread_signal(func, arg);
    while (calls < 3) checkpoint();
    interrupt.close();
    const seen = calls;
    checkpoint();
    assertEquals(calls, seen);
    testkit.thread_stop(thread);
    testkit.thread_join(thread);
  }
});

test("opening and closing an Interrupt leaks no descriptor", async () => {
  // The first Interrupt opens what stays open: the wake of the thread, and what Deno needs to
  // listen.
  new Interrupt({ signal: 12 }).close();
  await turn();
  const before = openDescriptors();
  for (let i = 0; i < 2000; i++) {
    using interrupt = new Interrupt({ signal: 12, callback: () => {} });
    if (i % 4 === 0) void interrupt.pipeFileno;
    if (i % 4 === 1) interrupt.ref();
    if (i % 4 === 2) interrupt.wait().catch(() => {});
    interrupt.signal();
  }
  await turn();
  assertNoMoreDescriptors(before);
});

test("opening and closing an EventPipe leaks no descriptor", () => {
  // The first Interrupt opens what the thread keeps: its wake.
  new Interrupt().close();
  const before = openDescriptors();
  for (let i = 0; i < 2000; i++) {
    using pipe = new EventPipe();
    pipe.signal();
    using interrupt = new Interrupt({ pipe });
    interrupt.signal();
    pipe.renew();
  }
  assertNoMoreDescriptors(before);
});

test("opening and closing Interrupts makes no weak references: V8 would keep each until the job ends", async () => {
  const program = new URL("./programs/rounds.ts", import.meta.url);
  const { stdout, stderr } = await start(program).ended;
  assertEquals([stdout, stderr], ["0\n", ""]);
});

test("a hundred thousand Interrupts, one after another, on reused slots", () => {
  let sum = 0;
  const rounds = 100_000;
  for (let i = 1; i <= rounds; i++) {
    const interrupt = new Interrupt({ callback: (value) => sum += value });
    interrupt.signal(i);
    interrupt.close();
  }
  assertEquals(sum, rounds * (rounds + 1) / 2);
});
