import { prepareModules } from "../../scripts/modules.ts";
import { run } from "../../scripts/run.ts";
import type { Contestant, Question, Sample } from "../question.ts";
import { type Runtime, sample } from "../runtimes.ts";
import { ours, verdict } from "./verdict.ts";

const root = new URL("../../", import.meta.url);

/** What programs/start.ts does, by the number of steps. */
const steps = [
  "nothing",
  "import",
  "+ first Interrupt",
  "+ a turn of the loop",
];
const interrupt = steps[2];
/** A start is short: one alone says little. */
const runs = 5;

/** What users wait for before the first line of their own. */
export const question: Question = {
  letter: "g",
  title: "Start",
  how:
    "Import, first Interrupt and the first turn of the event loop, timed inside the process, and the whole process from " +
    `spawn to exit; the median of ${runs} starts a round. Node imports the npm package, the others the TypeScript sources.`,
  columns: [
    { key: "import", title: "import", unit: "ms" },
    { key: "interrupt", title: "first Interrupt", unit: "ms" },
    { key: "turn", title: "first turn", unit: "ms" },
    { key: "process", title: "whole process", unit: "ms" },
    { key: "size", title: "size", unit: "bytes" },
  ],

  async contestants({ runtimes }) {
    await buildPackage();
    const starts = runtimes.flatMap((runtime) =>
      steps.map((name, step): Contestant => ({
        name,
        runtime,
        ours: step > 0,
        run: () => start(runtime, step),
      }))
    );
    return [
      ...starts,
      size("native library", "lib/"),
      size("npm package, unpacked", "npm/"),
    ];
  },

  targets: (results) => [
    verdict(
      "import under 5 ms",
      (runtime) => ours(results, runtime, "import", interrupt),
      "ms",
      (ms) => ms < 5,
    ),
    verdict(
      "first Interrupt under 2 ms more",
      (runtime) => ours(results, runtime, "interrupt", interrupt),
      "ms",
      (ms) => ms < 2,
    ),
  ],
};

async function start(runtime: Runtime, step: number): Promise<Sample> {
  const module = new URL(
    runtime === "node" ? "npm/esm/mod.js" : "mod.ts",
    root,
  );
  const samples: Record<string, number>[] = [];
  for (let i = 0; i < runs; i++) {
    const before = performance.now();
    const times = await sample(runtime, "start.ts", step, module.href);
    samples.push({
      ...times as Record<string, number>,
      process: performance.now() - before,
    });
  }
  return Object.fromEntries(
    Object.keys(samples[0]).map((key) => {
      const values = samples.map((times) => times[key]).sort((a, b) => a - b);
      return [key, values[Math.floor(runs / 2)]];
    }),
  );
}

/** The modules of Node's users. */
async function buildPackage() {
  const { flags } = await prepareModules();
  const { ok, output } = await run([
    Deno.execPath(),
    "run",
    "-A",
    "--no-check",
    ...flags,
    new URL("scripts/build_npm.ts", root).pathname,
  ], { cwd: root });
  if (!ok) throw new Error(`Could not build the npm package:\n${output}`);
}

function size(name: string, folder: string): Contestant {
  return {
    name,
    runtime: "native",
    ours: true,
    run: () => Promise.resolve({ size: bytesIn(new URL(folder, root)) }),
  };
}

function bytesIn(folder: URL): number {
  let sum = 0;
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    sum += isDirectory
      ? bytesIn(new URL(`${name}/`, folder))
      : Deno.statSync(new URL(name, folder)).size;
  }
  return sum;
}
