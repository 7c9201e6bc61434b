import { median } from "simple-statistics";
import { prepareModules } from "../../scripts/lib/modules.ts";
import { run } from "../../scripts/lib/run.ts";
import { bun, node } from "../../scripts/lib/toolchain.ts";
import type { Contestant, Question, Results, Runtime, Sample } from "../lib/question.ts";
import { commandFor, nodeMajor, sampleOf } from "../lib/runtimes.ts";
import { safepointsProject } from "../lib/safepoints_project.ts";
import { kernels } from "./poll.ts";
import { ours, verdict } from "./verdict.ts";

const programs = ["acorn", "marked", "prettier", "terser", "typescript"];

/** What programs/safepoints_*.ts and poll.ts measure, by the names of the rows. */
const rows: Record<string, [program: string, way: string]> = {
  "kernels, loops": ["poll.ts", "safepoints"],
  "kernels, loops and functions": ["poll.ts", "safepointsFunctions"],
  "programs, loops": ["safepoints_programs.ts", "false"],
  "programs, loops and functions": ["safepoints_programs.ts", "true"],
};
const start = "register, typescript.js";
const many = "register, webpack, ESLint, Babel, jsdom";

/** What safepoints cost, after a callback has run in each of the loops. */
export const cost: Question = {
  letter: "l",
  title: "Safepoints: what they cost",
  how:
    "How many times as long loops and programs from npm take with safepoints; both alternate in one process, and programs " +
    "count their processor time. 1 MB: to instrument that much of typescript.js. First and second start: how many times as " +
    "long a process takes that loads typescript.js (9 MB), or 1,500 files (12 MB), through register, without and with a cache.",
  columns: [
    { key: "mean", title: "mean", unit: "ratio" },
    { key: "worst", title: "worst", unit: "ratio" },
    { key: "megabyte", title: "1 MB", unit: "ms" },
    { key: "first", title: "first start", unit: "ratio" },
    { key: "second", title: "second start", unit: "ratio" },
    ...[...kernels, "regexes", "generators", ...programs].map((key) => ({
      key,
      title: key,
      unit: "ratio" as const,
    })),
  ],

  async contestants({ runtimes }) {
    const flags = await moduleFlags();
    return runtimes.flatMap((runtime) => [
      ...Object.entries(rows).map(([name, [program, way]]): Contestant => ({
        name,
        runtime,
        ours: true,
        run: async () => sampleOf([...await command(runtime, program, flags), way]),
      })),
      {
        name: start,
        runtime,
        ours: true,
        run: async () => ({
          ...await sampleOf(await command(runtime, "safepoints_megabyte.ts", flags)),
          ...await starts(runtime, "typescript.cjs"),
        }),
      },
      { name: many, runtime, ours: true, run: () => starts(runtime, "many.cjs") },
    ]);
  },

  targets: (results) => [
    ratio(results, "kernels, loops", "mean", 1.08),
    ratio(results, "kernels, loops", "worst", 1.5),
    ratio(results, "programs, loops", "mean", 1.03),
    ratio(results, "programs, loops and functions", "mean", 1.1),
    ratio(results, start, "second", 1.1),
    ratio(results, many, "second", 1.2),
    verdict(
      "1 MB under 150 ms",
      (runtime) => ours(results, runtime, "megabyte", start),
      "ms",
      (ms) => ms < 150,
    ),
  ],
};

function ratio(results: Results, name: string, key: string, most: number) {
  return verdict(
    `${name}: ${key} at most ${most}`,
    (runtime) => ours(results, runtime, key, name),
    "ratio",
    (ratio) => ratio <= most,
  );
}

/** Keyed by the ways in programs/safepoints_stop.ts. */
const stoppers: Record<string, { name: string; ours?: true }> = {
  interrupt: { name: "Interrupt, kill(2) by another process", ours: true },
  functionTimeout: { name: "function-timeout, after its deadline" },
  worker: { name: "Worker, terminate()" },
};

/** How soon a program stops that never heard of this project. */
export const quickness: Question = {
  letter: "m",
  title: "Safepoints: how soon a program is stopped",
  how:
    "acorn parses, again and again. From kill(2) in another process until the error is caught that was thrown " +
    "in the middle of that; from its deadline, with function-timeout; until a Worker has ended, with terminate().",
  columns: [{ key: "late", title: "late", unit: "ms" }],

  async contestants({ runtimes }) {
    const flags = await moduleFlags();
    return runtimes.flatMap((runtime) =>
      Object.entries(stoppers).map(([way, { name, ours = false }]): Contestant => ({
        name,
        runtime,
        ours,
        run: async () => sampleOf([...await command(runtime, "safepoints_stop.ts", flags), way]),
      }))
    );
  },

  targets(results) {
    const quantile = (text: string, q: number, most: number) =>
      verdict(
        text,
        (runtime) => results.ours(runtime)?.quantile("late", q) ?? NaN,
        "ms",
        (late) => late < most,
      );
    return [quantile("p50 under 1 ms", 0.5, 1), quantile("p99 under 10 ms", 0.99, 10)];
  },
};

/** Lets Deno find what the package imports. */
async function moduleFlags(): Promise<string[]> {
  return (await prepareModules()).flags;
}

/** Like commandFor(), for a program that imports the package. */
async function command(runtime: Runtime, program: string, flags: string[]): Promise<string[]> {
  const words = await commandFor(runtime, program);
  return words.flatMap((word) => word === "--no-config" ? flags : [word]);
}

/** Whole processes, alternately without safepoints, without a cache, and with it. */
async function starts(runtime: Runtime, program: string): Promise<Sample> {
  const project = await safepointsProject();
  const register = "async-interrupt-safepoints/register";
  const [start, ...flag] = {
    deno: [[Deno.execPath(), "run", "-A"], "--preload", `npm:${register}`],
    bun: [[await bun()], "--preload", register],
    node: [[await node(nodeMajor)], "--require", register],
  }[runtime as "deno" | "bun" | "node"] as [string[], ...string[]];
  const plain = [...start, program];
  const registered = [...start, ...flag, program];
  const seconds = async (command: string[], cache: string) => {
    // Deno keeps what V8 compiles, for each file once: each of the two starts has its own.
    const DENO_DIR = `${project}/deno${command === plain ? "" : "-registered"}`;
    const env = { INTERRUPT_SAFEPOINTS_CACHE: cache, DENO_DIR };
    const before = performance.now();
    const { ok, output } = await run(command, { cwd: project, env, timeout: 60 });
    if (!ok) throw new Error(output.slice(-400));
    return performance.now() - before;
  };
  const cache = await Deno.makeTempDir();
  const ratios: Record<"first" | "second", number[]> = { first: [], second: [] };
  try {
    await seconds(plain, cache);
    for (let i = 0; i < 9; i++) {
      const folder = `${cache}/${i}`;
      const before = await seconds(plain, folder);
      ratios.first.push(await seconds(registered, folder) / before);
      ratios.second.push(await seconds(registered, folder) / await seconds(plain, folder));
    }
  } finally {
    await Deno.remove(cache, { recursive: true });
  }
  return { first: median(ratios.first), second: median(ratios.second) };
}
