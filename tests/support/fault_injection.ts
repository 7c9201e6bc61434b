/**
 * Makes every system call of the library fail once with every errno that it can return. Each time:
 * a clear error or a documented fallback, nothing left behind, and the next Interrupt works.
 */

import { assert, assertEquals } from "@std/assert";
import { existsSync } from "node:fs";
import { Worker } from "node:worker_threads";
import {
  assertNoMoreDescriptors,
  openDescriptors,
  openRuntimes,
  type runtime,
  turn,
  until,
} from "./harness.ts";
import { Faulty } from "./faulty.ts";
import { makePipe, makeSocketpair, readable, testkit } from "./testkit.ts";
import { SIG_DFL, SIGRT8, SIGUSR2 } from "./signals.ts";
import { raise, sendFromNative } from "./senders.ts";

interface Call {
  /** x86-64's, or what system_call.zig counts a function of the process as. */
  number: number;
  /** Only these runtimes make it. */
  on?: (typeof runtime)[];
  /**
   * As its man page has them, and what the kernel's source has besides. ENOTSUP is Linux's
   * EOPNOTSUPP too.
   */
  errnos: string[];
  /**
   * It wakes or drains, also where there is nobody to tell: what it was for may be left undone,
   * this once, and Interrupt.onError is told later. After these it is made again, or would be in
   * vain: nothing to tell.
   */
  untold?: string[];
}

/** A sandbox (seccomp) may answer any call like this. */
const sandbox = ["EPERM", "ENOSYS"];

/** Every call that the library makes and that can fail. */
const table: Record<string, Call> = {
  read: {
    number: 0,
    errnos: ["EAGAIN", "EBADF", "EFAULT", "EINTR", "EINVAL", "EIO", "EISDIR"],
    untold: ["EINTR", "EAGAIN"],
  },
  write: {
    number: 1,
    errnos: [
      ...["EAGAIN", "EBADF", "EDESTADDRREQ", "EDQUOT", "EFAULT", "EFBIG"],
      ...["EINTR", "EINVAL", "EIO", "ENOMEM", "ENOSPC", "EPERM", "EPIPE"],
    ],
    untold: ["EINTR", "ENOMEM", "EAGAIN"],
  },
  open: {
    number: 2,
    errnos: [
      ...["EACCES", "EINTR", "ELOOP", "EMFILE", "ENAMETOOLONG", "ENFILE"],
      ...["ENOENT", "ENOMEM", "ENOTDIR", ...sandbox],
    ],
  },
  close: {
    number: 3,
    errnos: ["EBADF", "EINTR", "EIO", "ENOSPC", "EDQUOT"],
  },
  mmap: {
    number: 9,
    errnos: [
      ...["EACCES", "EAGAIN", "EBADF", "EEXIST", "EINVAL", "ENFILE", "ENODEV"],
      ...["ENOMEM", "EOVERFLOW", ...sandbox],
    ],
  },
  rt_sigaction: {
    number: 13,
    errnos: ["EFAULT", "EINVAL", ...sandbox],
  },
  sendto: {
    number: 44,
    errnos: [
      ...["EACCES", "EAGAIN", "EALREADY", "EBADF", "ECONNRESET"],
      ...["EDESTADDRREQ", "EFAULT", "EINTR", "EINVAL", "EISCONN", "EMSGSIZE"],
      ...["ENOBUFS", "ENOMEM", "ENOTCONN", "ENOTSOCK", "ENOTSUP", "EPIPE"],
      ...sandbox,
    ],
    untold: ["EINTR", "ENOBUFS", "ENOMEM", "EAGAIN"],
  },
  socketpair: {
    number: 53,
    errnos: [
      ...["EAFNOSUPPORT", "EFAULT", "EMFILE", "ENFILE", "ENOMEM"],
      ...["ENOTSUP", "EPROTONOSUPPORT", ...sandbox],
    ],
  },
  fcntl: {
    number: 72,
    errnos: ["EBADF", "EINVAL", "EMFILE", ...sandbox],
  },
  clock_gettime: {
    number: 228,
    errnos: ["EACCES", "EFAULT", "EINVAL", "ENODEV", "ENOTSUP", ...sandbox],
  },
  ppoll: {
    number: 271,
    errnos: ["EFAULT", "EINTR", "EINVAL", "ENOMEM", ...sandbox],
  },
  eventfd2: {
    number: 290,
    errnos: ["EINVAL", "EMFILE", "ENFILE", "ENODEV", "ENOMEM", ...sandbox],
  },
  dup3: {
    number: 292,
    errnos: [
      ...["EBADF", "EBUSY", "EINTR", "EINVAL", "EMFILE", "ENOMEM"],
      ...sandbox,
    ],
  },
  pipe2: {
    number: 293,
    errnos: ["EFAULT", "EINVAL", "EMFILE", "ENFILE", ...sandbox],
  },
  rt_tgsigqueueinfo: {
    number: 297,
    errnos: ["EAGAIN", "EFAULT", "EINVAL", "ESRCH", ...sandbox],
  },
  kcmp: {
    number: 312,
    errnos: ["EACCES", "EBADF", "EFAULT", "EINVAL", "ESRCH", ...sandbox],
  },
  statx: {
    number: 332,
    errnos: [
      ...["EACCES", "EBADF", "EFAULT", "EINVAL", "ELOOP", "ENAMETOOLONG"],
      ...["ENOENT", "ENOMEM", "ENOTDIR", ...sandbox],
    ],
  },
  pthread_key_create: { number: 1000, errnos: ["EAGAIN", "ENOMEM"] },
  pthread_setspecific: { number: 1001, errnos: ["EINVAL", "ENOMEM"] },
  uv_async_init: {
    number: 1002,
    errnos: ["EINVAL", "EMFILE", "ENFILE", "ENOMEM", ...sandbox],
    on: ["node"],
  },
  // The pipe of a loop's first.
  uv_signal_init: {
    number: 1003,
    errnos: ["EMFILE", "ENFILE", "ENOMEM", ...sandbox],
    on: ["node"],
  },
  // sigaction(2).
  uv_signal_start: {
    number: 1004,
    errnos: ["EINVAL", ...sandbox],
    on: ["node"],
  },
};

/** sched_yield(2): always succeeds, and how often it is called is up to other threads. */
const cannotFail = 24;

type Modules = typeof import("../../mod.ts");

interface Stage extends Modules {
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

interface Outcome {
  /** What was thrown, and what Interrupt.onError was told. */
  errors: unknown[];
  made: [number: number, times: number][];
}

/** Runs a scenario with what `arm` does to the calls it makes. */
async function perform(
  scenario: Scenario,
  faulty: Faulty,
  wakes: boolean,
  arm: () => void,
): Promise<Outcome> {
  arm();
  const modules = await faulty.modules();
  const kept: { close(): void }[] = [];
  const errors: unknown[] = [];
  const close = () => {
    for (let item = kept.pop(); item; item = kept.pop()) item.close();
  };
  const fds: number[] = [];
  modules.Interrupt.onError = (error) => errors.push(error);
  try {
    await scenario.run({
      ...modules,
      wakes,
      url: faulty.url,
      keep: (item) => (kept.push(item), item),
      descriptors: (given) => (fds.push(...given), given),
    });
  } catch (error) {
    errors.push(error);
  }
  try {
    close();
  } catch (error) {
    errors.push(error);
    close();
  }
  const made = faulty.calls();
  faulty.count();
  for (const fd of new Set(fds)) testkit.close(fd);
  return { errors, made };
}

/** A new Interrupt gets its signals, by checkpoint and by event loop. */
async function assertWorks({ Interrupt, checkpoint }: Modules) {
  for (const signal of [SIGUSR2, SIGRT8]) {
    const values: number[] = [];
    const interrupt = new Interrupt({
      signal,
      callback: (value) => values.push(value),
    });
    raise(signal);
    checkpoint();
    assertEquals(values, [1]);
    // The wake that is on its way now, or one that a later signal sends.
    const next = interrupt.wait();
    testkit.kill(testkit.pid(), signal, 1);
    assertEquals(await next, 1);
    interrupt.close();
  }
}

/** It names what went wrong, and what to do about it. */
function assertClear(error: unknown, name: string, errno: string) {
  const { name: type, message } = error as Error;
  assertEquals(type, "InterruptError", `${error}`);
  const cause = name === "mmap"
    ? "no native memory"
    : errno === "EBADF"
    ? /EBADF|a descriptor is not open/
    : errno;
  const [what, why, cure] = message.split(": ");
  assert(/^Cannot /.test(what) && new RegExp(cause).test(why), message);
  assert(cure || errno === "EBADF", message);
}

/** Which call of the table it is. */
function nameOf(number: number): string {
  for (const [name, call] of Object.entries(table)) {
    if (call.number === number) return name;
  }
  throw new Error(`System call ${number} has no row in the table`);
}

/**
 * The calls that a scenario makes when none fails, and how many descriptors the library then keeps.
 */
export async function observe(
  scenario: Scenario,
  faulty?: Faulty,
): Promise<{ made: Map<string, number>; keeps: number }> {
  let made: Outcome["made"] = [];
  let keeps = 0;
  // Once more: the runtime itself has opened by then what it opens once.
  for (let round = 0; round < 2; round++) {
    const library = faulty ?? new Faulty();
    const before = openDescriptors();
    const outcome = await perform(
      scenario,
      library,
      true,
      () => library.count(),
    );
    if (outcome.errors.length > 0) throw outcome.errors[0];
    made = outcome.made;
    await assertWorks(await library.modules());
    keeps = openDescriptors() - before;
  }
  const calls = made.filter(([number]) => number !== cannotFail);
  return {
    made: new Map(calls.map(([number, times]) => [nameOf(number), times])),
    keeps,
  };
}

/** What the library has handed out when all is closed. */
const onlyThisThread = { records: 0, pipes: 0, agents: 1, hooks: 0 };

/** Every fault of a scenario. Gives how many were injected, and survived. */
export async function inject(scenario: Scenario): Promise<number> {
  openRuntimes();
  let faulty = new Faulty();
  await assertWorks(await faulty.modules());
  const { made, keeps } = await observe(
    scenario,
    scenario.first ? undefined : faulty,
  );
  let injected = 0;
  for (const [name, times] of made) {
    const { number, errnos, untold } = table[name];
    const { unneeded = [], loses = [] } = scenario;
    for (let nth = 1; nth <= times; nth++) {
      for (const errno of errnos) {
        const fault = `${scenario.name}: ${name} number ${nth}: ${errno}`;
        const isTold = untold !== undefined && !untold.includes(errno) &&
          !unneeded.includes(name);
        // EAGAIN: nothing was written, and the library thinks that it was full.
        const isLost = loses.includes(name) ||
          (untold !== undefined && errno === "EAGAIN");
        if (scenario.first) faulty = new Faulty();
        const before = openDescriptors();
        const signals = [SIGUSR2, SIGRT8];
        for (const signal of signals) testkit.disposition_save(signal, signal);
        const outcome = await perform(
          scenario,
          faulty,
          !isTold && !isLost,
          () => faulty.fail(number, nth, errno),
        );
        try {
          const hits = outcome.made.find(([made]) => made === number)?.[1];
          assert(hits !== undefined && hits >= nth, "it was not injected");
          await assertWorks(await faulty.modules());
          const told = outcome.errors.filter((error) => (error as Error).name !== "AssertionError");
          for (const error of told) assertClear(error, name, errno);
          assert(!isTold || told.length > 0, "nobody was told");
          const works = told.length === outcome.errors.length;
          assert(works || told.length > 0 || isLost, "it was lost");
          const { leaves } = scenario;
          const left = leaves?.call === name && leaves.nth === nth ? 1 : 0;
          assertNoMoreDescriptors(before + keeps + left);
          assertEquals(faulty.inUse(), onlyThisThread);
          for (const signal of signals) {
            assert(
              testkit.disposition_same(signal, signal) === 1,
              `the disposition of ${signal} is another`,
            );
          }
        } catch (error) {
          const errors = [...outcome.errors, error].map((each) => (each as Error).stack ?? each);
          throw new Error(`${fault}\n${errors.join("\n")}`);
        }
        injected++;
      }
    }
  }
  const planned = [...made].map(([name, times]) => times * table[name].errnos.length).reduce(
    (sum, faults) => sum + faults,
    0,
  );
  assertEquals(injected, planned);
  assert(injected > 0);
  return injected;
}

/** The number of a call, by its name in the table. */
export function numberOf(call: string): number {
  return table[call].number;
}

/** The calls of the table: those that this runtime makes, or all. */
export function callsOf(by?: typeof runtime): string[] {
  return Object.entries(table)
    .filter(([, { on }]) => by === undefined || (on?.includes(by) ?? true))
    .map(([name]) => name);
}
