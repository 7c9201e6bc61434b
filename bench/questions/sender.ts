import type { Contestant, Question, Runtime } from "../lib/question.ts";
import { sample } from "../lib/runtimes.ts";
import { ours, verdict } from "./verdict.ts";

interface Way {
  /** A name of a way in sender.ts. */
  way: string;
  name: string;
  calls: number;
  ours?: boolean;
  /** undefined means all runtimes. */
  runtime?: Runtime;
}

/** `calls` is chosen so that each way takes some tenths of a second. */
const ways: Way[] = [
  { way: "pending", name: "signal while pending", calls: 5e6, ours: true },
  {
    way: "polling",
    name: "signal while a loop handles them at its checkpoint",
    calls: 5e6,
    ours: true,
  },
  { way: "tsfn", name: "N-API threadsafe function", calls: 5e6 },
  {
    way: "tsfnServed",
    name: "N-API threadsafe function, JavaScript in its event loop",
    calls: 1e6,
  },
  {
    way: "koffi",
    name: "koffi callback; holds the caller, JavaScript in its event loop",
    calls: 1e4,
  },
  { way: "ffirs", name: "ffi-rs callback", calls: 2.5e5 },
  {
    way: "deno",
    name: "UnsafeCallback.threadSafe; holds the caller, JavaScript in its event loop",
    calls: 1e4,
    runtime: "deno",
  },
  {
    way: "bun",
    name: "JSCallback threadsafe",
    calls: 2.5e5,
    runtime: "bun",
  },
  { way: "pipe", name: "write(2) to a pipe", calls: 5e5 },
  { way: "postMessage", name: "postMessage of a Worker", calls: 2.5e5 },
];

export const question: Question = {
  letter: "a",
  title: "Sender's cost",
  how: "Native threads call into one JavaScript thread that is busy, and measure " +
    "the time themselves: with one thread it is the median of 256 parts, with four " +
    "the mean, including the wait for a CPU. Memory is how much the process has " +
    "grown until the last call, scaled to five million calls where fewer were " +
    "were fewer calls that pile up. System calls are those of the calling thread.",
  columns: [
    { key: "ns", title: "one thread, a call", unit: "ns" },
    { key: "four", title: "each of four threads, a call", unit: "ns" },
    { key: "grown", title: "memory after 5 million", unit: "MB" },
    { key: "systemCalls", title: "system calls a call", unit: "" },
  ],

  contestants({ runtimes }) {
    return Promise.resolve(
      runtimes.flatMap((runtime) =>
        ways.filter((way) => (way.runtime ?? runtime) === runtime)
          .map(({ way, name, calls, ours }): Contestant => ({
            name,
            runtime,
            ours: ours ?? false,
            run: () => sample(runtime, "sender.ts", way, calls),
          }))
      ),
    );
  },

  targets(results) {
    const best = (runtime: Runtime) =>
      Math.min(
        ...results.peers(runtime).map((peer) => peer.median("ns"))
          .filter((ns) => !Number.isNaN(ns)),
      );
    return [
      verdict(
        "under 10 ns a call while pending",
        (runtime) => ours(results, runtime, "ns"),
        "ns",
        (ns) => ns < 10,
      ),
      verdict(
        "no system call while pending",
        (runtime) => ours(results, runtime, "systemCalls"),
        "",
        (calls) => calls === 0,
      ),
      verdict(
        "20 x the best peer's calls a second",
        (runtime) => best(runtime) / ours(results, runtime, "ns"),
        "ratio",
        (ratio) => ratio >= 20,
      ),
      verdict(
        "5 million calls grow memory by 0 bytes",
        (runtime) => ours(results, runtime, "grown"),
        "MB",
        (grown) => grown <= 0,
      ),
    ];
  },
};
