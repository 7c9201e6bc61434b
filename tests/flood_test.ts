import { assertEquals } from "@std/assert";
import { checkpoint, Interrupt } from "../mod.ts";
import { testsOf, until } from "./support/harness.ts";
import { startCommand } from "./support/processes.ts";
import { sender, testkit } from "./support/testkit.ts";

const test = testsOf(import.meta.url);

for (
  const [name, options] of Object.entries({
    "": {},
    ", with hysteresis": { signalHysteresis: true },
  })
) {
  test(`200,000 SIGUSR2 and then one SIGTERM into a blocked loop: both arrive${name}`, async () => {
    const seen: string[] = [];
    new Interrupt({
      signal: "SIGUSR2",
      callback: () => seen.push("USR2"),
      ...options,
    });
    const term = new Interrupt({
      signal: "SIGTERM",
      callback: () => seen.push("TERM"),
      ...options,
    });
    // Do not wait for its end: the flood fills libuv's pipe for signals, which then loses SIGCHLD.
    startCommand(sender("12x200000", "15"));
    // The loop is blocked: it makes no checkpoint and does not turn.
    while (term.pending === 0);
    assertEquals(seen, []);
    await until(() => seen.length > 0);
    assertEquals(seen.sort(), ["TERM", "USR2"]);
  });
}

test("200,000 SIGUSR2 and then one SIGTERM into a loop with checkpoints: both arrive", () => {
  let usr2 = 0;
  let term = 0;
  new Interrupt({ signal: "SIGUSR2", callback: () => usr2++ });
  new Interrupt({ signal: "SIGTERM", callback: () => term++ });
  startCommand(sender("12x200000", "15"));
  while (term === 0) checkpoint();
  assertEquals([term, usr2 > 0], [1, true]);
});

test("a million signals from a native thread into a blocked loop become one callback with the last value", async () => {
  const values: number[] = [];
  const interrupt = new Interrupt({ callback: (value) => values.push(value) });
  const { func, arg } = interrupt.signalFunc();
  testkit.plan(1_000_000, 0n);
  testkit.plan_values(1, 1);
  const thread = testkit.thread_signal(func, arg);
  testkit.thread_join(thread);
  assertEquals(values, []);
  await until(() => values.length > 0);
  checkpoint();
  assertEquals(values, [1_000_000]);
});

test("a million signals while the event loop turns: the last value arrives", async () => {
  let last = 0;
  const interrupt = new Interrupt({ callback: (value) => last = value });
  const { func, arg } = interrupt.signalFunc();
  testkit.plan(1_000_000, 0n);
  testkit.plan_values(1, 1);
  const thread = testkit.thread_signal(func, arg);
  await until(() => last === 1_000_000);
  testkit.thread_join(thread);
  assertEquals(interrupt.pending, 0);
});

test("an idle event loop never misses a single signal: each is answered before the next", async () => {
  const interrupt = new Interrupt();
  const { func, arg } = interrupt.signalFunc();
  let count = 0;
  testkit.plan(2000, 100_000n);
  testkit.plan_values(1, 1);
  const thread = testkit.thread_signal(func, arg);
  // Nothing else turns this event loop, so it sleeps between the signals.
  for await (const value of interrupt) {
    count++;
    if (value === 2000) break;
  }
  testkit.thread_join(thread);
  assertEquals(count > 0, true);
});
