/**
 * Makes every system call of the library fail once with every errno that it can return. Each time,
 * the library must throw a clear error or use a documented fallback, leave nothing behind, and work
 * with the next Interrupt.
 */

import { assert, assertEquals } from "@std/assert";
import process from "node:process";
import { cannotFail, table } from "./fault_calls.ts";
import type { Modules, Scenario } from "./fault_scenarios.ts";
import { assertNoMoreDescriptors, openDescriptors } from "./descriptors.ts";
import { emulator } from "./emulator.ts";
import { Faulty } from "./faulty.ts";
import { testkit } from "./testkit.ts";
import { SIGRT8, SIGUSR2 } from "./signals.ts";
import { raise } from "./senders.ts";

interface Outcome {
  /** What was thrown, and what Interrupt.onError was told. */
  errors: unknown[];
  made: Map<string, number>;
}

/** Runs a scenario after `arm` has set up the fault. */
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

/** Checks that a new Interrupt gets its signals, at a checkpoint and from the event loop. */
async function assertWorks({ Interrupt, checkpoint }: Modules) {
  for (const signal of [SIGUSR2, SIGRT8]) {
    const values: number[] = [];
    const interrupt = new Interrupt({
      signal,
      callback: (value) => values.push(value),
    });
    raise(signal);
    checkpoint();
    assertEquals(values, [signal]);
    // By a wake that is already on its way, or by one that a later signal sends.
    const next = interrupt.wait();
    testkit.kill(testkit.pid(), signal, 1);
    assertEquals(await next, signal);
    interrupt.close();
  }
}

/** Checks that the error names what went wrong and what to do. */
function assertClear(error: unknown, name: string, errno: string) {
  const { name: type, message } = error as Error;
  assertEquals(type, "InterruptError", `${error}`);
  const cause = name === "mmap"
    ? "no native memory"
    : errno === "EBADF"
    ? /EBADF|a descriptor is not open/
    : errno;
  const [what = "", why = "", cure] = message.split(": ");
  assert(/^Cannot /.test(what) && new RegExp(cause).test(why), message);
  assert(cure || errno === "EBADF", message);
}

/**
 * Counts the calls that a scenario makes without a fault, and the descriptors that the library then
 * keeps.
 */
export async function observe(
  scenario: Scenario,
  faulty?: Faulty,
): Promise<{ made: Map<string, number>; keeps: number }> {
  let made: Outcome["made"] = new Map();
  let keeps = 0;
  // Twice: by the second round the runtime has opened what it opens only once.
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
  made.delete(cannotFail);
  for (const name of made.keys()) assert(name in table, `${name} has no row in the table`);
  return { made, keeps };
}

/** What the library still has in use after everything was closed. */
const onlyThisThread = { records: 0, pipes: 0, agents: 1, hooks: 0 };

/**
 * The errors with which the nth call fails. What the library makes of an error is the same on every
 * processor, and its calls are not: under an emulator, where all would take a quarter of an hour,
 * there are two. Not the same for the next call, because the library tells an error once.
 */
function errnosOf(call: string, nth: number): string[] {
  const { errnos } = table[call]!;
  return emulator ? [2 * nth, 2 * nth + 1].map((at) => errnos[at % errnos.length]!) : errnos;
}

/** Injects every fault of a scenario. Returns how many faults the library survived. */
export async function inject(scenario: Scenario): Promise<number> {
  // An AssertionError looks whether it can have colors there, for which Bun opens a descriptor.
  void process.stderr;
  let faulty = new Faulty();
  await assertWorks(await faulty.modules());
  const { made, keeps } = await observe(
    scenario,
    scenario.first ? undefined : faulty,
  );
  let injected = 0;
  for (const [name, times] of made) {
    const { untold } = table[name]!;
    const { unneeded = [], loses = [] } = scenario;
    for (let nth = 1; nth <= times; nth++) {
      for (const errno of errnosOf(name, nth)) {
        const fault = `${scenario.name}: ${name} number ${nth}: ${errno}`;
        const isTold = untold !== undefined && !untold.includes(errno) &&
          !unneeded.includes(name);
        // EAGAIN: nothing was written, and the library takes the pipe for full.
        const isLost = loses.includes(name) ||
          (untold !== undefined && errno === "EAGAIN");
        if (scenario.first) faulty = new Faulty();
        const before = openDescriptors();
        const signals = [SIGUSR2, SIGRT8];
        for (const signal of signals) testkit.disposition_save(signal, signal);
        let outcome;
        let hits;
        // Deno's thread may call a listener before the Interrupt is closed, or after that: then
        // there is one call less.
        for (let attempt = 0; attempt < 20 && (hits ?? 0) < nth; attempt++) {
          outcome = await perform(
            scenario,
            faulty,
            !isTold && !isLost,
            () => faulty.fail(name, nth, errno),
          );
          hits = outcome.made.get(name);
        }
        assert(outcome !== undefined);
        try {
          assert(hits !== undefined && hits >= nth, "it was not injected");
          await assertWorks(await faulty.modules());
          const told = outcome.errors.filter((error) => (error as Error).name !== "AssertionError");
          for (const error of told) assertClear(error, name, errno);
          assert(!isTold || told.length > 0, "no error was reported");
          const works = told.length === outcome.errors.length;
          assert(works || told.length > 0 || isLost, "the signal was lost");
          const { leaves } = scenario;
          const left = leaves?.call === name && leaves.nth === nth ? 1 : 0;
          assertNoMoreDescriptors(before + keeps + left);
          assertEquals(faulty.inUse(), onlyThisThread);
          for (const signal of signals) {
            assert(
              testkit.disposition_same(signal, signal) === 1,
              `the disposition of ${signal} has changed`,
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
  const planned = [...made].map(([name, times]) => times * errnosOf(name, 1).length).reduce(
    (sum, faults) => sum + faults,
    0,
  );
  assertEquals(injected, planned);
  assert(injected > 0);
  return injected;
}
