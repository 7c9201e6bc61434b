import { assertEquals } from "@std/assert";
import { checkpoint, Interrupt } from "../mod.ts";
import { testsOf } from "./harness.ts";
import { testkit } from "./native/testkit.ts";

const test = testsOf(import.meta.url);

const SIGUSR2 = 12;

function killSelf() {
  testkit.kill_thread(testkit.tid(), SIGUSR2);
}

/** Somebody installs a handler over the Interrupt's that calls it, as signal registries do (Deno has one). */
function installOver() {
  testkit.disposition_save(SIGUSR2, 0);
  const ours = testkit.disposition_word(SIGUSR2, 0);
  testkit.handler_forward(SIGUSR2, ours, BigInt(SIGUSR2));
  testkit.disposition_save(SIGUSR2, 0);
}

test("a handler over ours that calls ours reaches the Interrupt", () => {
  let calls = 0;
  using _interrupt = new Interrupt({
    signal: SIGUSR2,
    callback: () => calls++,
  });
  installOver();
  killSelf();
  checkpoint();
  assertEquals([calls, testkit.handled(SIGUSR2)], [1, 1]);
});

test("`chain` to a handler that calls ours does not go round for ever", () => {
  let first = 0;
  let second = 0;
  using _first = new Interrupt({ signal: SIGUSR2, callback: () => first++ });
  installOver();
  using _second = new Interrupt({
    signal: SIGUSR2,
    chain: true,
    callback: () => second++,
  });
  for (let round = 1; round <= 3; round++) {
    killSelf();
    checkpoint();
    assertEquals([first, second, testkit.handled(SIGUSR2)], [
      round,
      round,
      round,
    ]);
  }
});

test("`signalHysteresis` leaves a handler alone that was installed over ours", () => {
  let calls = 0;
  const interrupt = new Interrupt({
    signal: SIGUSR2,
    signalHysteresis: true,
    callback: () => calls++,
  });
  installOver();
  for (let round = 1; round <= 3; round++) {
    killSelf();
    assertEquals(testkit.disposition_same(SIGUSR2, 0), 1);
    checkpoint();
    assertEquals([calls, testkit.handled(SIGUSR2)], [round, round]);
    assertEquals(testkit.disposition_same(SIGUSR2, 0), 1);
  }
  interrupt.close();
  assertEquals(testkit.disposition_same(SIGUSR2, 0), 1);
});

test("`signalHysteresis` does not take somebody else's SIG_IGN for its own", () => {
  const interrupt = new Interrupt({ signal: SIGUSR2, signalHysteresis: true });
  testkit.handler_ignore(SIGUSR2);
  testkit.disposition_save(SIGUSR2, 0);
  interrupt.signal();
  assertEquals(testkit.disposition_same(SIGUSR2, 0), 1);
  interrupt.close();
  assertEquals(testkit.disposition_same(SIGUSR2, 0), 1);
});

test("a handler over ours that calls ours runs once a signal when we are gone, also if we come and go again", () => {
  const interrupt = new Interrupt({ signal: SIGUSR2 });
  installOver();
  interrupt.close();
  for (let round = 1; round <= 3; round++) {
    killSelf();
    assertEquals(testkit.handled(SIGUSR2), round);
    new Interrupt({ signal: SIGUSR2 }).close();
    assertEquals(testkit.disposition_same(SIGUSR2, 0), 1);
  }
});
