/** What the library is used for while its calls fail. */

import { assert, assertEquals } from "@std/assert";
import { existsSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { turn, until } from "./harness.ts";
import { makePipe, makeSocketpair, readable, testkit } from "./testkit.ts";
import { SIG_DFL, SIGRT8, SIGUSR2 } from "./signals.ts";
import { raise, sendFromNative } from "./senders.ts";

export type Modules = typeof import("../../mod.ts");

export interface Stage extends Modules {
  /** Closed at the end of the scenario, the last first. */
  keep<T extends { close(): void }>(item: T): T;
  /** Descriptors that the scenario brings itself. */
  descriptors<T extends number[]>(fds: T): T;
  /**
   * What was signalled must have arrived; false where the failed call is a wake that may be left
   * undone.
   */
  wakes: boolean;
  url: string;
}

/** Something to do with the library, which checks that it works. */
export interface Scenario {
  name: string;
  /** It is about what happens once: each fault needs a library in its first state. */
  first?: boolean;
  run(stage: Stage): void | Promise<void>;
  /** Calls in whose place it has another way: nothing is lost, and nobody told. */
  unneeded?: string[];
  /** Calls without which a signal is lost, since there is nobody to tell any more. */
  loses?: string[];
  /** The fault after which one descriptor stays open, and why. */
  leaves?: { call: string; nth: number };
}

/** An Interrupt over descriptors that the caller keeps. */
function adopted(name: string, make: () => [number, number]): Scenario {
  return {
    name: `an Interrupt over ${name}`,
    run({ Interrupt, checkpoint, keep, descriptors }) {
      const [readFd, writeFd] = descriptors(make());
      const values: number[] = [];
      // A renewal that fails leaves all as it was.
      let failure: unknown;
      const interrupt = keep(
        new Interrupt({
          pipe: [readFd, writeFd],
          wake: false,
          callback: (value) => values.push(value),
        }),
      );
      for (let round = 1; round <= 2; round++) {
        sendFromNative(interrupt, 7);
        assert(readable(readFd));
        checkpoint();
        assertEquals(values, Array(round).fill(7));
        assert(!readable(readFd));
        if (round === 1) failure = attempt(() => interrupt.postFork());
      }
      if (failure) throw failure;
    },
  };
}

/** Goes on as if it had not failed, and gives what was thrown. */
function attempt(body: () => void): unknown {
  try {
    body();
  } catch (error) {
    return error;
  }
}

/** Other code's handler, or what was there before, is what remains. */
function assertLeft(handlers: bigint[]) {
  const left = testkit.disposition_word(SIGRT8, 0);
  testkit.handler_default(SIGRT8);
  // No AssertionError, which for a call in a handler only means that its signal was lost.
  if (!handlers.includes(left)) throw new Error(`handler ${left} was left`);
}

function withHysteresis(
  { Interrupt, keep }: Stage,
  values: number[],
) {
  return keep(
    new Interrupt({
      signal: SIGRT8,
      signalHysteresis: true,
      wake: false,
      callback: (value) => values.push(value),
    }),
  );
}

/** What the library is used for. */
export const scenarios: Scenario[] = [
  {
    name: "the first Interrupt of a thread, over the caller's pipe",
    first: true,
    run({ Interrupt, keep, checkpoint, descriptors }) {
      const pipe = descriptors(makePipe());
      const interrupt = keep(new Interrupt({ pipe }));
      sendFromNative(interrupt, 7);
      checkpoint();
      assertEquals(interrupt.pending, 0);
    },
  },
  {
    name: "more Interrupts on one signal than its hook has room for",
    first: true,
    run({ Interrupt, keep, checkpoint }) {
      let calls = 0;
      for (let i = 0; i < 8; i++) {
        keep(
          new Interrupt({
            signal: SIGRT8,
            wake: false,
            callback: () => calls++,
          }),
        );
      }
      raise(SIGRT8);
      checkpoint();
      assertEquals(calls, 8);
    },
  },
  {
    name: "a POSIX signal, handled at a checkpoint",
    run({ Interrupt, checkpoint, keep }) {
      const values: number[] = [];
      keep(
        new Interrupt({
          signal: SIGUSR2,
          wake: false,
          callback: (value) => values.push(value),
        }),
      );
      raise(SIGUSR2);
      checkpoint();
      assertEquals(values, [1]);
    },
  },
  {
    name: "a POSIX signal that wakes the event loop",
    async run({ Interrupt, checkpoint, keep, wakes }) {
      let calls = 0;
      keep(new Interrupt({ signal: SIGUSR2, callback: () => calls++ }));
      raise(SIGUSR2);
      if (wakes) await until(() => calls === 1);
      else {
        await turn();
        // A wake that failed is made up for by the next checkpoint.
        checkpoint();
      }
      assertEquals(calls, 1);
    },
  },
  {
    name: "a POSIX signal with hysteresis",
    run(stage) {
      const values: number[] = [];
      const interrupt = withHysteresis(stage, values);
      for (let round = 1; round <= 3; round++) {
        raise(SIGRT8);
        stage.checkpoint();
        assertEquals(values.length, round);
        if (round === 2) interrupt.signalHysteresis = false;
      }
    },
  },
  {
    name: "a POSIX signal with hysteresis, switched off while it is ignored",
    run(stage) {
      const values: number[] = [];
      const interrupt = withHysteresis(stage, values);
      raise(SIGRT8);
      interrupt.signalHysteresis = false;
      stage.checkpoint();
      raise(SIGRT8);
      stage.checkpoint();
      assertEquals(values, [1, 1]);
    },
  },
  {
    name: "a POSIX signal with hysteresis, closed while it is ignored",
    run(stage) {
      const values: number[] = [];
      const interrupt = withHysteresis(stage, values);
      raise(SIGRT8);
      interrupt.close();
      assertEquals(values, [1]);
    },
  },
  {
    name: "a POSIX signal that other code takes over while it is ignored",
    run(stage) {
      const values: number[] = [];
      const interrupt = withHysteresis(stage, values);
      raise(SIGRT8);
      const before = testkit.handled(SIGRT8);
      testkit.handler_count(SIGRT8, 0n, 0n);
      const theirs = testkit.disposition_word(SIGRT8, 0);
      try {
        stage.checkpoint();
        raise(SIGRT8);
        assertEquals([values, testkit.handled(SIGRT8) - before], [[1], 1]);
      } finally {
        interrupt.close();
        assertLeft([theirs]);
      }
    },
  },
  {
    name: "a POSIX signal with hysteresis that a later handler hands on",
    // In the handler: theirs, which was displaced, cannot be put back.
    loses: ["rt_sigaction"],
    run(stage) {
      const values: number[] = [];
      const interrupt = withHysteresis(stage, values);
      const before = testkit.handled(SIGRT8);
      // Ours takes the signal's number first, as this one gives its argument.
      const ours = testkit.disposition_word(SIGRT8, 0);
      testkit.handler_forward(SIGRT8, ours, BigInt(SIGRT8));
      const theirs = testkit.disposition_word(SIGRT8, 0);
      try {
        for (let round = 1; round <= 2; round++) {
          raise(SIGRT8);
          stage.checkpoint();
          const handled = testkit.handled(SIGRT8) - before;
          assertEquals([values.length, handled], [round, round]);
        }
      } finally {
        interrupt.close();
        assertLeft([theirs, SIG_DFL]);
      }
    },
  },
  {
    name: "a POSIX signal with `chain`",
    run({ Interrupt, checkpoint, keep }) {
      testkit.handler_count(SIGRT8, 0n, 0n);
      const before = testkit.handled(SIGRT8);
      keep({ close: () => void testkit.handler_default(SIGRT8) });
      keep(new Interrupt({ signal: SIGRT8, chain: true, wake: false }));
      raise(SIGRT8);
      assertEquals(testkit.handled(SIGRT8), before + 1);
      checkpoint();
    },
  },
  {
    name: "a handler that is late for the last Interrupt",
    // Where the old disposition could not be put back, no late signal is sent again.
    first: true,
    loses: ["rt_sigaction", "rt_tgsigqueueinfo"],
    run({ Interrupt }) {
      const interrupt = new Interrupt({ signal: SIGRT8, wake: false });
      const ours = testkit.disposition_word(SIGRT8, 0);
      interrupt.close();
      testkit.handler_forward(SIGRT8, ours, BigInt(SIGRT8));
      const other = testkit.disposition_word(SIGRT8, 0);
      raise(SIGRT8);
      assertLeft([other]);
    },
  },
  {
    name: "an Interrupt with a pipe of its own",
    run({ Interrupt, checkpoint, keep }) {
      const interrupt = keep(new Interrupt({ wake: false }));
      const fd = interrupt.pipeFileno;
      let failure: unknown;
      for (let round = 1; round <= 2; round++) {
        sendFromNative(interrupt, 7);
        assert(readable(fd));
        checkpoint();
        assert(!readable(fd));
        if (round === 1) failure = attempt(() => interrupt.postFork());
      }
      if (failure) throw failure;
    },
  },
  adopted("the caller's pipe", () => makePipe()),
  adopted("the caller's sockets", makeSocketpair),
  adopted("the caller's eventfd", () => {
    const fd = testkit.eventfd();
    return [fd, fd];
  }),
  {
    name: "an EventPipe",
    run({ EventPipe, keep }) {
      const pipe = keep(new EventPipe());
      let failure: unknown;
      for (let round = 1; round <= 2; round++) {
        pipe.signal();
        assert(pipe.wait(0));
        assert(pipe.wait());
        assert(pipe.wait(1e6));
        pipe.drain();
        assert(!pipe.wait(0));
        assert(!pipe.wait(0.1));
        if (round === 1) failure = attempt(() => pipe.renew());
      }
      if (failure) throw failure;
    },
  },
  {
    name: "an Interrupt with a native callback",
    // Of /proc/self/maps: then the address is not known to be wrong.
    unneeded: ["read"],
    run({ Interrupt, keep, checkpoint }) {
      const before = testkit.callback_count(3);
      const nativeCallback = { func: testkit.callback_address(), arg: 3n };
      const interrupt = keep(new Interrupt({ nativeCallback, wake: false }));
      sendFromNative(interrupt, 7);
      checkpoint();
      assertEquals(testkit.callback_count(3), before + 1);
    },
  },
  {
    name: "a Worker that ends with an Interrupt and an EventPipe open",
    async run({ url, keep }) {
      const worker = new Worker(
        new URL("../programs/worker_of.ts", import.meta.url),
        { workerData: url },
      );
      const ended = new Promise((resolve) => worker.once("exit", resolve));
      keep({ close: () => void worker.terminate() });
      const { thread, failure } = await new Promise<
        { thread: number; failure?: Error }
      >((resolve, reject) => {
        worker.once("message", resolve);
        worker.once("error", reject);
      });
      await worker.terminate();
      await ended;
      // Its thread outlives the event; what it leaves open is closed last.
      await until(() => !existsSync(`/proc/self/task/${thread}`));
      if (failure) throw failure;
    },
    // Deno forgets the Worker's wake socket. Whether the number still means it, is asked when the
    // thread ends: without an answer, one too many stays open rather than a foreign one is closed.
    leaves: { call: "statx", nth: 2 },
  },
];
