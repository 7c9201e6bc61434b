import { floor } from "../native/floor.ts";
import type { Contestant, Question, Result, Runtime, Sample } from "../lib/question.ts";
import { commandFor, sampleOf } from "../lib/runtimes.ts";
import { verdict } from "./verdict.ts";

const ticks = 2000;
/** In these the engine compiles what a tick needs. */
const warmUp = 200;

/** Of every.ts. */
const ways = [
  { way: "interrupt", name: "every: 1, checkpoint()", ours: true },
  {
    way: "setIntervalInWorker",
    name: "setInterval(1) of a Worker, Atomics.load",
    ours: false,
  },
];

/** From when the loop has noticed each tick, in nanoseconds. */
async function periods(command: string[]): Promise<Sample> {
  const { times } = await sampleOf([...command, `${ticks}`]) as { times: number[] };
  const [first, ...others] = times.slice(warmUp) as [number, ...number[]];
  const lengths = others.map((time, i) => (time - (others[i - 1] ?? first)) / 1000);
  return {
    // No error is less than what the clock tells: 1 ns.
    error: lengths.map((length) => Math.max(0.001, Math.abs(length - 1000))),
    missed: Math.round((times.at(-1)! - first) / 1e6) - others.length,
  };
}

export const question: Question = {
  letter: "i",
  title: "Error of the period while JavaScript computes",
  how:
    "JavaScript computes, and looks each 100 ns whether another millisecond is over: how far each of 1,800 periods is from " +
    "1 ms, from one notice to the next, and how many milliseconds had no tick. In C a thread sleeps until absolute times " +
    "(clock_nanosleep, timer slack 1 ns), and the main thread computes and looks.",
  columns: [
    { key: "error", title: "error of a period", unit: "µs" },
    { key: "missed", title: "milliseconds without a tick", unit: "" },
  ],

  async contestants({ runtimes }) {
    const contestants: Contestant[] = [];
    for (const runtime of runtimes) {
      const command = await commandFor(runtime, "every.ts");
      for (const { way, name, ours } of ways) {
        contestants.push({ name, runtime, ours, run: () => periods([...command, way]) });
      }
    }
    const command = [await floor(), "every"];
    contestants.push({
      name: "C: clock_nanosleep, a flag",
      runtime: "native",
      ours: false,
      run: () => periods(command),
    });
    return contestants;
  },

  targets(results) {
    const p99 = (result: Result | undefined) => result?.quantile("error", 0.99) ?? NaN;
    return [
      verdict(
        "p99 of the error within 2 x of C",
        (runtime: Runtime) => p99(results.ours(runtime)) / p99(results.peers("native")[0]),
        "ratio",
        (ratio) => ratio <= 2,
      ),
    ];
  },
};
