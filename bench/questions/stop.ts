import { run } from "../../scripts/lib/run.ts";
import type { Contestant, Question, Result, Runtime, Sample } from "../lib/question.ts";
import { peersFolder } from "../lib/peers.ts";
import { commandFor, sample } from "../lib/runtimes.ts";
import { verdict } from "./verdict.ts";

/** Keyed by the ways in programs/stop.ts. Some have only a set-up to measure. */
const ways: Record<string, { name: string; ours?: true; stops: boolean }> = {
  interruptible: { name: "interruptible(), timeout", ours: true, stops: true },
  interruptibleOn: { name: "interruptible(), SIGINT", ours: true, stops: false },
  listener: { name: "process.on and off, SIGINT", stops: false },
  functionTimeout: { name: "function-timeout", stops: true },
  vm: { name: "vm, timeout", stops: true },
  worker: { name: "Worker, terminate()", stops: true },
  deadline: { name: "Date.now() each turn", stops: true },
};

/** What programs/stop.ts tries to stop. */
const works = {
  loop: "loop with checkpoints",
  loopWithoutCheckpoint: "loop without",
  regularExpression: "regular expression",
  blockingCall: "Atomics.wait",
  asyncLoop: "async loop",
  idleAsync: "await",
};

/** It hangs when the work cannot be stopped: then the answer is 0. */
async function stops(runtime: Runtime, way: string, work: string): Promise<number> {
  const command = [...await commandFor(runtime, "stop.ts"), way, work];
  const { output } = await run(command, {
    timeout: 2,
    env: { BENCH_PEERS: peersFolder.pathname },
  });
  const last = output.trimEnd().split("\n").at(-1) ?? "";
  return last.startsWith("{") ? JSON.parse(last).stopped : 0;
}

function contestant(runtime: Runtime, way: string): Contestant {
  const { name, ours = false, stops: canStop } = ways[way]!;
  // Always the same, so one round tells.
  let answers: Record<string, number> | undefined;
  return {
    name,
    runtime,
    ours,
    async run(): Promise<Sample> {
      const times = await sample(runtime, "stop.ts", way, "time");
      if (answers === undefined) {
        answers = {};
        for (const work of canStop ? Object.keys(works) : []) {
          answers[work] = await stops(runtime, way, work);
        }
      }
      return { ...times, ...answers };
    },
  };
}

/** What stops work, and at what price. */
export const question: Question = {
  letter: "j",
  title: "Work that can be stopped",
  how:
    "Set-up: what it costs to run work that does nothing. Late: from the end of 10 ms until a busy loop was stopped. Then what " +
    "is stopped: 1 with its finally block, 0.5 without it, 0 not at all.",
  columns: [
    { key: "setup", title: "set-up", unit: "µs" },
    { key: "late", title: "late", unit: "ms" },
    ...Object.entries(works).map(([key, title]) => ({ key, title, unit: "" as const })),
  ],

  contestants: ({ runtimes }) =>
    Promise.resolve(
      runtimes.flatMap((runtime) => Object.keys(ways).map((way) => contestant(runtime, way))),
    ),

  targets(results) {
    const setup = (name: string) => (runtime: Runtime) =>
      results.ours(runtime, name)?.median("setup") ?? NaN;
    const plain = (runtime: Runtime): Result | undefined =>
      results.peers(runtime).find(({ contestant }) => contestant.name === ways.listener!.name);
    const withSignal = setup(ways.interruptibleOn!.name);
    return [
      verdict(
        "set-up with a timeout under 5 µs",
        setup(ways.interruptible!.name),
        "µs",
        (us) => us < 5,
      ),
      verdict("set-up with a signal under 5 µs", withSignal, "µs", (us) => us < 5),
      verdict(
        "set-up with a signal, to a plain listener's",
        (runtime) => withSignal(runtime) / (plain(runtime)?.median("setup") ?? NaN),
        "ratio",
        (ratio) => ratio <= 2,
      ),
    ];
  },
};
