import { assert, assertEquals, fail } from "@std/assert";
import { checkpoint, Interrupt } from "../mod.ts";
import { testsOf } from "./support/harness.ts";
import { rounds as roundsOf } from "./support/rounds.ts";
import { memory, testkit } from "./support/testkit.ts";

const test = testsOf(import.meta.url);

/** The words that the thread writes, and the word that it waits for. */
const data = new BigInt64Array(memory(testkit.data_address(), 128));
const WORD = 0;
const ACKNOWLEDGED = 8;

const rounds = roundsOf(2_000_000);

test(
  "what a thread wrote before `signalFunc()` is seen by the callback that follows, in every round",
  () => {
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
  "a callback sees what a thread wrote before a `signalFunc()` that found the flag set",
  () => {
    // The thread signals, writes, and signals again while the first signal is being handled. It
    // continues only once a callback has seen what it wrote. An implementation that returns early
    // if a value is already pending loses the second signal, so this test would probably hang.
    const handshakes = roundsOf(100_000);
    const interrupt = new Interrupt({
      wake: false,
      callback: () => {
        data[ACKNOWLEDGED] = data[WORD]!;
      },
    });
    const { func, arg } = interrupt.signalFunc();
    const thread = testkit.thread_handshake(func, arg, handshakes);
    // On a loaded machine each round may take milliseconds; then fewer rounds must be enough.
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
