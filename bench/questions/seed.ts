import { floor } from "../native/floor.ts";
import { perl } from "../lib/peers.ts";
import type { Contestant, Question, Results, Runtime, Sample } from "../lib/question.ts";
import { sample, sampleOf } from "../lib/runtimes.ts";
import { ours, verdict } from "./verdict.ts";

const name = "async-interrupt";
const script = new URL("../native/seed.pl", import.meta.url).pathname;

/** The bare system calls in C. */
async function systemCalls(): Promise<Sample> {
  const time = async (what: string) => (await sampleOf([await floor(), what, "100000"])).ns!;
  return { eventPipe: await time("eventfd"), kill: await time("kill") };
}

/** How many times as fast as Perl ours is. */
function faster(
  text: string,
  key: string,
  least: number,
  results: Results,
) {
  const seed = results.peers("perl")[0]?.median(key) ?? NaN;
  return verdict(
    text,
    (runtime: Runtime) => seed / ours(results, runtime, key, name),
    "ratio",
    (ratio) => ratio >= least,
  );
}

export const question: Question = {
  letter: "f",
  title: "Next to Perl's Async::Interrupt",
  how:
    "Perl's Async::Interrupt doing the same: loops of 20,000 operations, including the loop itself on both sides. The rows for C are " +
    "the bare system calls: write and read of an eventfd, and a kill with its handler.",
  columns: [
    { key: "signal", title: "signal + callback", unit: "ns" },
    { key: "pipe", title: "the same with a pipe", unit: "ns" },
    { key: "eventPipe", title: "EventPipe signal + drain", unit: "ns" },
    { key: "block", title: "block + unblock", unit: "ns" },
    { key: "kill", title: "kill self + callback", unit: "ns" },
  ],

  contestants({ runtimes }) {
    return Promise.resolve([
      ...runtimes.map((runtime): Contestant => ({
        name,
        runtime,
        ours: true,
        run: () => sample(runtime, "seed.ts"),
      })),
      {
        name: "Async::Interrupt",
        runtime: "perl",
        ours: false,
        run: async () => await sampleOf([...await perl(), script]),
      },
      { name: "C", runtime: "native", ours: false, run: systemCalls },
    ]);
  },

  targets: (results) => [
    faster("signal + callback at least 8 x Perl's", "signal", 8, results),
    faster("block + unblock at least 5 x Perl's", "block", 5, results),
    verdict(
      "EventPipe adds less to its two system calls than they cost themselves",
      (runtime) =>
        ours(results, runtime, "eventPipe", name) /
        (results.peers("native")[0]?.median("eventPipe") ?? NaN),
      "ratio",
      (ratio) => ratio <= 2,
    ),
    faster("kill self + callback at least 2 x Perl's", "kill", 2, results),
  ],
};
