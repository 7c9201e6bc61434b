import type { Contestant, Question, Runtime } from "../lib/question.ts";
import { nodeMajor, sample } from "../lib/runtimes.ts";
import { verdict } from "./verdict.ts";

const interruptions = 100;

const name = "interruptibleDatabase()";

/** Names of ways in sqlite.ts. */
const ways = [
  { way: "interrupt", name, count: interruptions, ours: true },
  { way: "subprocess", name: "a subprocess, killed", count: 10, ours: false },
  {
    way: "worker",
    name: "a Worker, terminated: not before its query ends",
    count: 2,
    ours: false,
  },
];

interface Driver {
  name: string;
  runtime: Runtime;
  argument: string;
}

/** The drivers that do not come with a runtime. */
async function otherDrivers(): Promise<Driver[]> {
  const folder = new URL(`../../build/drivers/node${nodeMajor}/`, import.meta.url);
  const drivers: Driver[] = [{
    name: "libsqlite3 by Deno.dlopen",
    runtime: "deno",
    argument: "libsqlite3",
  }];
  // `deno task verify --only drivers` installs it, and may compile it for minutes.
  if (await Deno.stat(new URL("node_modules/better-sqlite3", folder)).catch(() => undefined)) {
    drivers.push({ name: "better-sqlite3", runtime: "node", argument: folder.pathname });
  }
  return drivers;
}

export const question: Question = {
  letter: "k",
  title: "Stop a query of SQLite that blocks JavaScript",
  how:
    "The runtime's own driver (bun:sqlite, node:sqlite), or another that is named, runs an endless join over a database file. " +
    `${interruptions} times a native thread sends a signal after 5 to 10 ms: from just before kill(2) until the driver's error, and ` +
    "until the next query has answered. A subprocess is killed, and a Worker terminated (its query takes a second), and another " +
    "one started. What it costs: a join over 10^7 rows, and 10^5 small selects, on a connection that asks, by the time on one that does not; " +
    "the best of 7 each.",
  columns: [
    { key: "reaction", title: "to the error, or the end", unit: "µs" },
    { key: "worst", title: "worst", unit: "µs" },
    { key: "again", title: "to the next answer", unit: "µs" },
    { key: "join", title: "join", unit: "ratio" },
    { key: "selects", title: "selects", unit: "ratio" },
    { key: "left", title: "descriptors left", unit: "" },
  ],

  async contestants({ runtimes }) {
    const contestants = runtimes.flatMap((runtime) =>
      ways.map(({ way, name, count, ours }): Contestant => ({
        name,
        runtime,
        ours,
        run: () => sample(runtime, "sqlite.ts", way, count),
      }))
    );
    for (const { name: driver, runtime, argument } of await otherDrivers()) {
      if (!runtimes.includes(runtime)) continue;
      contestants.push({
        name: `${name}, ${driver}`,
        runtime,
        ours: true,
        run: () => sample(runtime, "sqlite.ts", "interrupt", interruptions, argument),
      });
    }
    return contestants;
  },

  targets(results) {
    const figure = (text: string, key: string, most: number, q: number, unit: "µs" | "ratio") =>
      verdict(
        text,
        (runtime) => results.ours(runtime, name)?.quantile(key, q) ?? NaN,
        unit,
        (value) => value <= most,
      );
    return [
      figure("p50 from kill to error under 1 ms", "reaction", 1000, 0.5, "µs"),
      figure("a join takes at most 1% longer", "join", 1.01, 0.5, "ratio"),
      figure("selects take at most 1% longer", "selects", 1.01, 0.5, "ratio"),
    ];
  },
};
