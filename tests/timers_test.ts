/**
 * Like CPython's test_signal.StressTest: timers that are so short that they expire while the
 * previous signal is being handled.
 */

import { assertEquals } from "@std/assert";
import { checkpoint, Interrupt } from "../mod.ts";
import { testsOf } from "./support/harness.ts";
import { testkit } from "./support/testkit.ts";
import { randomNumbers } from "./support/random.ts";
import { rounds as roundsOf } from "./support/rounds.ts";
import { SIGALRM, SIGRT6, SIGUSR2 } from "./support/signals.ts";

const test = testsOf(import.meta.url);

// The kernel delivers lower numbers first. SIGUSR2 is below SIGALRM, SIGRT6 above.
const rounds = roundsOf(10_000);
const SA_SIGINFO = 4n;

/** How a round waits for its signals. */
interface Waiter {
  /** Whether signals wake the event loop. */
  wake: boolean;
  /** Returns when `condition` holds. */
  until(condition: () => boolean): void | Promise<void>;
  /** Called by every callback. */
  notify(): void;
}

const ways: Record<string, () => Waiter> = {
  // Without wakes, because while a wake is on its way every checkpoint scans.
  "a loop that checks": () => ({
    wake: false,
    until(condition) {
      while (!condition()) checkpoint();
    },
    notify() {},
  }),
  // Nothing else turns this event loop, so a lost wakeup hangs.
  "an event loop that sleeps": () => {
    let holds = () => false;
    let resolve = () => {};
    return {
      wake: true,
      until: (condition) =>
        new Promise<void>((done) => {
          [holds, resolve] = [condition, done];
          if (holds()) done();
        }),
      notify() {
        if (holds()) resolve();
      },
    };
  },
};

/** 1 to 11 µs, which is about the time that handling a signal takes. */
function delays() {
  const random = randomNumbers();
  return {
    alarm: () => assertEquals(testkit.alarm(1 + random(11)), 0),
    timer: (signal: number) => assertEquals(testkit.timer(signal, 1000 + random(10_000)), 0),
    /** Up to 500 µs, most of them short. Some of them are late enough even on a slow machine. */
    longTimer: (signal: number) =>
      assertEquals(testkit.timer(signal, 1000 + random(1000 << random(10))), 0),
  };
}

function raise(signal: number) {
  assertEquals(testkit.kill(testkit.pid(), signal, 1), 0);
}

for (const [where, way] of Object.entries(ways)) {
  test(
    `timers that callbacks set, 1 to 11 µs ahead: none of ${rounds} is lost in ${where}`,
    async () => {
      const { alarm, timer } = delays();
      const { wake, until, notify } = way();
      const counts = { alarms: 0, timers: 0, kills: 0 };
      const count = (name: keyof typeof counts) => {
        counts[name]++;
        notify();
      };
      new Interrupt({
        signal: SIGUSR2,
        wake,
        callback() {
          count("kills");
          alarm();
        },
      });
      new Interrupt({
        signal: SIGALRM,
        wake,
        callback() {
          count("alarms");
          timer(SIGRT6);
        },
      });
      const last = new Interrupt({ signal: SIGRT6, wake, callback: () => count("timers") });
      // Nothing else keeps the process alive.
      if (wake) last.ref();
      for (let round = 1; round <= rounds; round++) {
        raise(SIGUSR2);
        await until(() => counts.timers === round);
      }
      assertEquals(counts, { alarms: rounds, timers: rounds, kills: rounds });
    },
    { timeout: 60, alone: true },
  );

  test(
    `two timers and a kill at once, 1 to 11 µs apart: none of ${rounds} is lost in ${where}`,
    async () => {
      const { alarm, timer } = delays();
      const { wake, until, notify } = way();
      const signals = [SIGUSR2, SIGALRM, SIGRT6];
      const counts = signals.map(() => 0);
      for (const [index, signal] of signals.entries()) {
        const interrupt = new Interrupt({
          signal,
          wake,
          callback() {
            counts[index]!++;
            notify();
          },
        });
        // Nothing else keeps the process alive.
        if (wake) interrupt.ref();
      }
      for (let round = 1; round <= rounds; round++) {
        timer(SIGRT6);
        alarm();
        raise(SIGUSR2);
        await until(() => counts.every((count) => count === round));
      }
      assertEquals(counts, signals.map(() => rounds));
    },
    { timeout: 60, alone: true },
  );
}

/**
 * Functions that make a signal come to that thread: after 1 µs or more, or as soon as the thread
 * exists.
 */
const takers: Record<string, () => (signal: number) => () => void> = {
  "this thread": () => {
    const { longTimer } = delays();
    return (signal) => {
      longTimer(signal);
      return () => {};
    };
  },
  "another thread": () => (signal) => {
    testkit.plan(1, 0n);
    const killer = testkit.killer_address();
    const thread = testkit.thread_call(killer, BigInt(signal));
    return () => testkit.thread_join(thread);
  },
};

for (const [taker, take] of Object.entries(takers)) {
  test(
    `a signal that ${taker} takes while its last Interrupt opens or closes reaches that Interrupt or the old handler, ${rounds} times`,
    () => {
      const send = take();
      // With the flags of ours: qemu-user takes a new handler and its flags in two steps, and would
      // call ours without siginfo.
      testkit.handler_count(SIGRT6, SA_SIGINFO, 0n);
      let calls = 0;
      const seen = () => calls + testkit.handled(SIGRT6);
      // Both must have happened: where the other thread is quick, one may be rare.
      const isEnough = (round: number) =>
        round > rounds && calls > 0 && testkit.handled(SIGRT6) > 0;
      for (let round = 1; !isEnough(round); round++) {
        const end = send(SIGRT6);
        do {
          new Interrupt({ signal: SIGRT6, callback: () => calls++ }).close();
        } while (seen() < round);
        end();
        assertEquals(seen(), round);
      }
    },
    { timeout: 60, alone: true },
  );
}

test(
  `\`chain\` calls the old handler whatever the Interrupt does meanwhile, ${rounds} times`,
  () => {
    const { timer } = delays();
    testkit.handler_count(SIGRT6, 0n, 0n);
    for (let round = 1; round <= rounds; round++) {
      timer(SIGRT6);
      do {
        using interrupt = new Interrupt({ signal: SIGRT6, chain: true });
        for (let i = 0; i < 10; i++) interrupt.signalHysteresis = false;
      } while (testkit.handled(SIGRT6) < round);
      assertEquals(testkit.handled(SIGRT6), round);
    }
  },
  { alone: true },
);
