import { assertEquals } from "@std/assert";
import { checkpoint, Interrupt } from "../mod.ts";
import { testsOf } from "./support/harness.ts";
import { testkit } from "./support/testkit.ts";
import { SIGRT8 } from "./support/signals.ts";
import { raise } from "./support/senders.ts";

const test = testsOf(import.meta.url);

function killSelf() {
  raise(SIGRT8);
}

/**
 * Installs a handler over the Interrupt's that calls the Interrupt's, as signal registries do (Deno
 * has one).
 */
function installOver() {
  testkit.disposition_save(SIGRT8, 0);
  const ours = testkit.disposition_word(SIGRT8, 0);
  testkit.handler_forward(SIGRT8, ours, BigInt(SIGRT8));
  testkit.disposition_save(SIGRT8, 0);
}

test("a handler over ours that calls ours reaches the Interrupt", () => {
  let calls = 0;
  using _interrupt = new Interrupt({
    signal: SIGRT8,
    callback: () => calls++,
  });
  installOver();
  killSelf();
  checkpoint();
  assertEquals([calls, testkit.handled(SIGRT8)], [1, 1]);
});

test("`chain` to a handler that calls ours does not recurse for ever", () => {
  let first = 0;
  let second = 0;
  using _first = new Interrupt({ signal: SIGRT8, callback: () => first++ });
  installOver();
  using _second = new Interrupt({
    signal: SIGRT8,
    chain: true,
    callback: () => second++,
  });
  for (let round = 1; round <= 3; round++) {
    killSelf();
    checkpoint();
    assertEquals([first, second, testkit.handled(SIGRT8)], [
      round,
      round,
      round,
    ]);
  }
});

test("`signalHysteresis` does not touch a handler that was installed over ours", () => {
  let calls = 0;
  const interrupt = new Interrupt({
    signal: SIGRT8,
    signalHysteresis: true,
    callback: () => calls++,
  });
  installOver();
  for (let round = 1; round <= 3; round++) {
    killSelf();
    assertEquals(testkit.disposition_same(SIGRT8, 0), 1);
    checkpoint();
    assertEquals([calls, testkit.handled(SIGRT8)], [round, round]);
    assertEquals(testkit.disposition_same(SIGRT8, 0), 1);
  }
  interrupt.close();
  assertEquals(testkit.disposition_same(SIGRT8, 0), 1);
});

test("`signalHysteresis` does not take a foreign SIG_IGN for its own", () => {
  const interrupt = new Interrupt({ signal: SIGRT8, signalHysteresis: true });
  testkit.handler_ignore(SIGRT8);
  testkit.disposition_save(SIGRT8, 0);
  interrupt.signal();
  assertEquals(testkit.disposition_same(SIGRT8, 0), 1);
  interrupt.close();
  assertEquals(testkit.disposition_same(SIGRT8, 0), 1);
});

test("a handler over ours that calls ours runs once per signal after ours is gone, even if ours comes and goes again", () => {
  const interrupt = new Interrupt({ signal: SIGRT8 });
  installOver();
  interrupt.close();
  for (let round = 1; round <= 3; round++) {
    killSelf();
    assertEquals(testkit.handled(SIGRT8), round);
    new Interrupt({ signal: SIGRT8 }).close();
    assertEquals(testkit.disposition_same(SIGRT8, 0), 1);
  }
});
