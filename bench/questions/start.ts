import { prepareModules } from "../../scripts/lib/modules.ts";
import { run } from "../../scripts/lib/run.ts";
import type { Contestant, Question, Runtime, Sample } from "../lib/question.ts";
import { sample } from "../lib/runtimes.ts";
import { ours, verdict } from "./verdict.ts";

const root = new URL("../../", import.meta.url);

/** What programs/start.ts does, by the number of steps. */
const steps = [
  "nothing but a turn",
  "import",
  "+ first Interrupt",
  "+ a turn of the loop",
];
const interrupt = steps[2];
/** A single start is too short to be significant. */
const runs = 5;

/** How long users wait before their own first line runs. */
export const question: Question = {
  letter: "g",
  title: "Start",
  how:
    "Import, first Interrupt and the first turn of the event loop, timed inside the process, and the whole process from " +
    `spawn to exit; the median of ${runs} starts a round. Node imports the npm package, the others the TypeScript sources; ` +
    "as from JSR: no library lies beside them, so the one embedded in a module is copied to memory at every start.",
  columns: [
    { key: "import", title: "import", unit: "ms" },
    { key: "interrupt", title: "first Interrupt", unit: "ms" },
    { key: "turn", title: "first turn", unit: "ms" },
    { key: "process", title: "whole process", unit: "ms" },
    { key: "size", title: "size", unit: "bytes" },
    { key: "files", title: "files", unit: "" },
  ],

  async contestants({ runtimes }) {
    await buildPackage();
    const published = await publish();
    const starts = runtimes.flatMap((runtime) => {
      const folder = new URL(runtime === "node" ? "npm/esm/" : "", root);
      const contestants = steps.map((name, step) => contestant(name, runtime, step, folder));
      if (runtime === "deno") {
        const step = steps.length - 1;
        const name = `${steps[step]}, as from JSR`;
        contestants.push(contestant(name, runtime, step, published));
      }
      return contestants;
    });
    return [...starts, library, npmPackage];
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

function contestant(
  name: string,
  runtime: Runtime,
  step: number,
  folder: URL,
): Contestant {
  const module = new URL(runtime === "node" ? "mod.js" : "mod.ts", folder);
  return {
    name,
    runtime,
    ours: step > 0,
    run: () => start(runtime, step, module),
  };
}

async function start(
  runtime: Runtime,
  step: number,
  module: URL,
): Promise<Sample> {
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
    Object.keys(samples[0]!).map((key) => {
      const values = samples.map((times) => times[key]!).sort((a, b) => a - b);
      return [key, values[Math.floor(runs / 2)]!];
    }),
  );
}

/** Builds the modules that Node users get. */
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

/** Copies what JSR users get: the sources without `lib/`. */
async function publish(): Promise<URL> {
  const folder = new URL("build/published/", root);
  await Deno.remove(folder, { recursive: true }).catch(() => {});
  for (const part of ["", "src/", "src/delivery/", "ffi/", "ffi/embedded/"]) {
    await Deno.mkdir(new URL(part, folder), { recursive: true });
    for (const { name } of Deno.readDirSync(new URL(part, root))) {
      if (!/\.[jt]s$/.test(name)) continue;
      await Deno.copyFile(
        new URL(part + name, root),
        new URL(part + name, folder),
      );
    }
  }
  return folder;
}

const library: Contestant = {
  name: "native library",
  runtime: "native",
  ours: true,
  run() {
    const files = Array.from(Deno.readDirSync(new URL("lib/", root)))
      .map(({ name }) => Deno.statSync(new URL(`lib/${name}`, root)).size);
    const size = files.reduce((sum, size) => sum + size, 0);
    return Promise.resolve({ size, files: files.length });
  },
};

const npmPackage: Contestant = {
  name: "npm package, as downloaded",
  runtime: "native",
  ours: true,
  async run() {
    const { stdout } = await new Deno.Command(
      Deno.build.os === "windows" ? "npm.cmd" : "npm",
      { args: ["pack", "--dry-run", "--json"], cwd: new URL("npm/", root) },
    ).output();
    const [{ size, entryCount }] = JSON.parse(new TextDecoder().decode(stdout));
    return { size, files: entryCount };
  },
};
