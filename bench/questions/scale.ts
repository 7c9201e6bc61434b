import type { Contestant, Question, Runtime, Sample } from "../lib/question.ts";
import { sample } from "../lib/runtimes.ts";
import { ours, verdict } from "./verdict.ts";

const sizes = [1, 10, 100, 1000, 10_000];
const workers = [1, 4, 16];

function nameOf(size: number, what: string): string {
  return `${size.toLocaleString("en")} ${what}${size === 1 ? "" : "s"}`;
}

/**
 * Each row is one size, but all sizes of a round come from one process, because only figures of one
 * process are comparable.
 */
function rows(
  runtime: Runtime,
  way: string,
  what: string,
  sizes: readonly number[],
  figures: (of: (what: string, size?: number) => number) => Sample,
): Contestant[] {
  const runs: Promise<Sample>[] = [];
  return sizes.map((size) => {
    let round = 0;
    return {
      name: nameOf(size, what),
      runtime,
      ours: true,
      async run() {
        const run = runs[round++] ??= sample(runtime, "scale.ts", way);
        const all = await run as Record<string, number>;
        return figures((what, of = size) => all[`${what}${of}`]!);
      },
    };
  });
}

export const question: Question = {
  letter: "h",
  title: "Scale",
  how:
    "One thread has many Interrupts and the newest is signalled: a native call signals it, and the next checkpoint() handles it. " +
    "Then there are many Workers with one Interrupt each, waiting in their event loops: a native thread signals one after " +
    "the other, and then all with one POSIX signal. A signal to a waiting Worker is a system call, and most of its cost is the kernel waking the thread.",
  columns: [
    { key: "signal", title: "signal", unit: "ns" },
    { key: "handling", title: "handling", unit: "ns" },
    { key: "signalRatio", title: "signal, to one's", unit: "ratio" },
    { key: "handlingRatio", title: "handling, to one's", unit: "ratio" },
    { key: "posix", title: "POSIX signal, each Worker's share", unit: "ns" },
  ],

  contestants({ runtimes }) {
    return Promise.resolve(
      runtimes.flatMap((runtime) => [
        ...rows(runtime, "interrupts", "Interrupt", sizes, (of) => ({
          signal: of("signal"),
          handling: of("handling"),
          signalRatio: of("signal") / of("signal", 1),
          handlingRatio: of("handling") / of("handling", 1),
        })),
        ...rows(runtime, "workers", "Worker", workers, (of) => ({
          signal: of("signal"),
          signalRatio: of("signal") / of("signal", 1),
          posix: of("posix"),
        })),
      ]),
    );
  },

  targets(results) {
    const most = nameOf(sizes.at(-1)!, "Interrupt");
    const ratio = (text: string, key: string) =>
      verdict(
        text,
        (runtime) => ours(results, runtime, key, most),
        "ratio",
        (ratio) => ratio < 1.2,
      );
    return [
      ratio(
        "signal O(1): with 10,000 idle under 1.2 x of one alone",
        "signalRatio",
      ),
      ratio(
        "handling with 10,000 idle under 1.2 x of one alone",
        "handlingRatio",
      ),
    ];
  },
};
