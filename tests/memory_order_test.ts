import { assert, assertEquals, fail } from "@std/assert";
import { checkpoint, Interrupt } from "../mod.ts";
import { testsOf } from "./support/harness.ts";
import { memory, testkit } from "./support/testkit.ts";

const test = testsOf(import.meta.url);

/** What the thread writes, and what it waits for. */
const data = new BigInt64Array(memory(testkit.data_address(), 128));
const WORD = 0;
const ACKNOWLEDGED = 8;

test(
  "what a thread wrote before `signalFunc()` is seen by the callback that follows, 10,000,000 times",
  () => {
    const rounds = 10_000_000;
    let last = 0;
    const interrupt = new Interrupt({
      wake: false,
      callback: (value) => {
        const word = Number(data[WORD]);
        if (word < value) fail(`round ${value} came before its word: ${word}`);
        last = value;
      },
      rethrow: true,
    });
    const { func, arg } = interrupt.signalFunc();
    const thread = testkit.thread_litmus(func, arg, rounds);
    while (last < rounds) checkpoint();
    testkit.thread_join(thread);
    assertEquals(data[WORD], BigInt(rounds));
  },
  { timeout: 60 },
);

test(
  "what a thread wrote before a `signalFunc()` that found the flag set is seen by a callback",
  () => {
    // The thread signals, writes and signals again while the first is being handled, and goes on
    // only when a callback has seen what it wrote. "Already pending, return" loses the second
    // signal, and this is likely to hang.
    const rounds = 400_000;
    const interrupt = new Interrupt({
      wake: false,
      callback: () => {
        data[ACKNOWLEDGED] = data[WORD]!;
      },
    });
    const { func, arg } = interrupt.signalFunc();
    const thread = testkit.thread_handshake(func, arg, rounds);
    // Where others use the cores each round may take milliseconds: then fewer must do.
    const enough = performance.now() + 30_000;
    while (testkit.thread_done(thread) === 0 && performance.now() < enough) {
      for (let i = 0; i < 1000; i++) checkpoint();
    }
    testkit.thread_stop(thread);
    testkit.thread_join(thread);
    checkpoint();
    assert(data[WORD]! > 0n);
    assertEquals(data[ACKNOWLEDGED], data[WORD]);
  },
  { timeout: 60 },
);
