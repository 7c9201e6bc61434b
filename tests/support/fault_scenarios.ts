/** The scenarios in which the library's system calls fail. */

import { assert, assertEquals } from "@std/assert";
import { existsSync } from "node:fs";
import { Worker } from "node:worker_threads";
import type { EventPipeOptions } from "../../mod.ts";
import { turn, until } from "./harness.ts";
import { makePipe, makeSocketpair, readable, testkit } from "./testkit.ts";
import { SIG_DFL, SIGRT8, SIGUSR2 } from "./signals.ts";
import { raise, sendFromNative } from "./senders.ts";

export type Modules = typeof import("../../mod.ts");

export interface Stage extends Modules {
  /** Closes the item at the end of the scenario, in reverse order. */
  keep<T extends { close(): void }>(item: T): T;
  /** Registers descriptors that the scenario made itself. */
  descriptors<T extends number[]>(fds: T): T;
  /**
   * Whether every signal must have arrived. false if the failed call is a wake that may fail this
   * once.
   */
  wakes: boolean;
  url: string;
}

/** A use of the library that checks that it works. */
export interface Scenario {
  name: string;
  /** The scenario is about something that happens once, so each fault needs a fresh library. */
  first?: boolean;
  run(stage: Stage): void | Promise<void>;
  /** Calls for which the library has a fallback: nothing is lost, and no error is reported. */
  unneeded?: string[];
  /** Calls whose failure loses a signal, because no Interrupt is left that could be told. */
  loses?: string[];
  /** The fault after which one descriptor stays open; the scenario says why. */
  leaves?: { call: string; nth: number };
}

/** An Interrupt over descriptors that the caller owns. */
function adopted(name: string, make: () => [number, number]): Scenario {
  return {
    name: `an Interrupt over ${name}`,
    run({ Interrupt, checkpoint, keep, descriptors }) {
      const [readFd, writeFd] = descriptors(make());
      const values: number[] = [];
      // A renewal that fails changes nothing.
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

function eventPipe(name: string, options: EventPipeOptions): Scenario {
  return {
    name,
    run({ EventPipe, keep }) {
      const pipe = keep(new EventPipe(options));
      let failure: unknown;
      for (let round = 1; round <= 2; round++) {
        pipe.signal();
        assert(readable(pipe.fileno));
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
  };
}

/** Continues after an error, and returns that error. */
function attempt(body: () => void): unknown {
  try {
    body();
  } catch (error) {
    return error;
  }
}

/** Checks that the handler that is left is either the other code's or the earlier one. */
function assertLeft(handlers: bigint[]) {
  const left = testkit.disposition_word(SIGRT8, 0);
  testkit.handler_default(SIGRT8);
  // Not an AssertionError, because for a call in a handler that only means that its signal was
  // lost.
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
      assertEquals(values, [SIGUSR2]);
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
        // The next checkpoint makes up for a wake that failed.
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
      assertEquals(values, [SIGRT8, SIGRT8]);
    },
  },
  {
    name: "a POSIX signal with hysteresis, closed while it is ignored",
    run(stage) {
      const values: number[] = [];
      const interrupt = withHysteresis(stage, values);
      raise(SIGRT8);
      interrupt.close();
      assertEquals(values, [SIGRT8]);
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
        assertEquals([values, testkit.handled(SIGRT8) - before], [[SIGRT8], 1]);
      } finally {
        interrupt.close();
        assertLeft([theirs]);
      }
    },
  },
  {
    name: "a POSIX signal with hysteresis that a later handler passes on",
    // The call is in the signal handler: it replaced the other code's handler, which then cannot be
    // put back.
    loses: ["rt_sigaction"],
    run(stage) {
      const values: number[] = [];
      const interrupt = withHysteresis(stage, values);
      const before = testkit.handled(SIGRT8);
      // handler_forward passes its argument to our handler, which takes it as the number of the
      // signal.
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
    name: "a handler that runs after the last Interrupt was closed",
    // If the old disposition could not be put back, a late signal is not sent again.
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
  eventPipe("an EventPipe", {}),
  eventPipe("an EventPipe that is a pipe", { type: "pipe" }),
  eventPipe("an EventPipe that is a pair of sockets", { type: "socketpair" }),
  {
    name: "an Interrupt with a native callback",
    // It reads /proc/self/maps. If that fails, the address is not checked.
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
    name: "an Interrupt that signals by itself",
    // The thread lingers: another one would not be needed.
    first: true,
    run({ Interrupt, checkpoint, keep }) {
      let calls = 0;
      // Without wakes: how many the thread sends is its own affair.
      keep(new Interrupt({ every: 1, wake: false, callback: () => calls++ }));
      while (calls < 3) checkpoint();
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
      // The thread outlives the event, and closes what the Worker left open at its very end.
      await until(() => !existsSync(`/proc/self/task/${thread}`));
      if (failure) throw failure;
    },
    // Deno drops the Worker's wake socket. When the thread ends, the library asks whether the
    // number still refers to that socket. Without an answer it leaves one descriptor open, rather
    // than close a foreign one.
    leaves: { call: "statx", nth: 2 },
  },
];
