import type { Contestant, Question } from "../lib/question.ts";
import { sample } from "../lib/runtimes.ts";
import { verdict } from "./verdict.ts";

const signals = 3000;

/** Names of ways in reaction.ts. */
const ways = [
  { way: "interrupt", name: "checkpoint()", signals, ours: true },
  {
    way: "sharedArrayBuffer",
    name: "Atomics.load of what a Worker stores",
    signals,
  },
  {
    way: "process",
    name: "process.on(signal): not before the loop ends",
  },
  {
    way: "tsfn",
    name: "N-API threadsafe function: not before the loop ends",
  },
  { way: "postMessage", name: "postMessage: not before the loop ends" },
];

export const question: Question = {
  letter: "b",
  title: "Reaction inside running JavaScript",
  how:
    "JavaScript computes, and checks every 100 ns whether it was signalled. A native thread (with Atomics and postMessage: " +
    `a Worker) signals ${signals} times, 50 to 200 µs apart: from just before the signal until the callback runs, ` +
    "without the first 100. The very first signal waits until the engine has compiled code that never ran before.",
  columns: [
    { key: "latency", title: "signal to callback", unit: "µs" },
    { key: "first", title: "the very first", unit: "µs" },
    { key: "callbacks", title: "callbacks while it computes", unit: "" },
  ],

  contestants({ runtimes }) {
    return Promise.resolve(
      runtimes.flatMap((runtime) =>
        ways.map(({ way, name, signals = 2000, ours = false }): Contestant => ({
          name,
          runtime,
          ours,
          run: () => sample(runtime, "reaction.ts", way, signals),
        }))
      ),
    );
  },

  targets(results) {
    const quantile = (text: string, q: number, most: number) =>
      verdict(
        text,
        (runtime) => results.ours(runtime)?.quantile("latency", q) ?? NaN,
        "µs",
        (latency) => latency < most,
      );
    return [
      quantile("p50 under 1 µs at a checkpoint each 100 ns", 0.5, 1),
      quantile("p99 under 20 µs at a checkpoint each 100 ns", 0.99, 20),
    ];
  },
};
