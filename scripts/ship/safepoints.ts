import config from "../../deno.json" with { type: "json" };
import safepoints from "../../safepoints/deno.json" with { type: "json" };
import type { Format } from "../lib/bundlers.ts";
import {
  checkMap,
  expected,
  expectedOfWorker,
  writeHangingProject,
} from "../lib/hanging_project.ts";
import { prepareModules } from "../lib/modules.ts";
import { pluginBuilds, viteLibrary } from "../lib/plugin_builds.ts";
import { removeFolder, run, temporaryFolder } from "../lib/run.ts";
import type { Cell } from "./lib/cell.ts";
import { hears } from "./lib/hears.ts";
import { jsrRegistry } from "./lib/jsr_registry.ts";
import { type NpmRegistry, npmRegistry } from "./lib/npm_registry.ts";
import { packageFolder, safepointsFolder } from "./lib/package_folder.ts";
import { runtimes } from "./lib/runtimes.ts";
import { script } from "./lib/script.ts";
import { vitestCells } from "./lib/vitest.ts";

const name = "async-interrupt-safepoints";
const register = `${name}/register`;
/** Those that have a bundler or hooks of Node. */
const node22 = runtimes["Node 22"]!;

/**
 * Safepoints: the npm package as package managers install it, started with `register`; what each
 * bundler makes of a program with the plugin; and Vitest with it. Each program hangs three times,
 * and must be stopped by SIGINT.
 */
export async function safepointCells(): Promise<Cell[]> {
  const root = await temporaryFolder("async-interrupt-ship-safepoints-");
  try {
    await using registry = await npmRegistry([await packageFolder(), safepointsFolder], root);
    return [
      ...await registered(registry, root),
      ...await bundled(registry, root),
      ...await vitestCells(registry, root),
      ...await fromJsr(root),
    ];
  } finally {
    removeFolder(root);
  }
}

/** The package from each package manager, started with the command of its README. */
async function registered(registry: NpmRegistry, root: string): Promise<Cell[]> {
  const cells: Cell[] = [];
  const installs: Record<string, string[]> = {
    "npm install": [script("npm"), "install", "--no-audit", "--no-fund", name, "async-interrupt"],
    "bun add": [...runtimes.Bun!, "add", name, "async-interrupt"],
    "deno add npm:": [Deno.execPath(), "add", `npm:${name}`, "npm:async-interrupt"],
  };
  for (const [install, command] of Object.entries(installs)) {
    const folder = `${root}/${install.replace(/\W+/g, "-")}`;
    await Deno.mkdir(folder);
    await Deno.writeTextFile(`${folder}/package.json`, "{}");
    const env = {
      NPM_CONFIG_REGISTRY: registry.url,
      npm_config_cache: `${folder}/npm-cache`,
      BUN_INSTALL_CACHE_DIR: `${folder}/bun-cache`,
      DENO_DIR: `${folder}/deno`,
      INTERRUPT_SAFEPOINTS_CACHE: `${folder}/cache`,
    };
    const { ok, output } = await run(command, { cwd: folder, env, timeout: 240 });
    await writeHangingProject(folder);
    for (const [where, start] of Object.entries(runtimes)) {
      const way = `safepoints: ${install}, then register`;
      // As in the README; `runtimes` has the smallest permissions for Deno.
      const preloaded = where === "Deno"
        ? [Deno.execPath(), "run", "-A", "--preload", `npm:${register}`]
        : [...start, where === "Bun" ? "--preload" : "--import", register];
      if (where === "Node 20") {
        const why = "it has no hooks for modules";
        cells.push({ way, where, how: "impossible", why });
        continue;
      }
      const options = { cwd: folder, env };
      const failure = ok
        ? await hears([...preloaded, "main.mjs"], { ...options, expected }) ??
          await hears([...preloaded, "starts.mjs"], { ...options, expected: expectedOfWorker })
        : output;
      cells.push({ way, where, how: "run", failure });
    }
  }
  return cells;
}

/** A program that a bundler has made. */
interface Made {
  way: string;
  file: string;
  /** What it prints. */
  expected: string;
  failure?: string;
  impossible?: string;
}

/** What each bundler makes with the plugin, moved to another folder. */
async function bundled(registry: NpmRegistry, root: string): Promise<Cell[]> {
  const project = `${root}/project`;
  await Deno.mkdir(project);
  const packages: Record<string, string> = { [name]: config.version };
  for (const build of Object.values(pluginBuilds)) Object.assign(packages, build.packages);
  const dependencies = { "async-interrupt": config.version, ...packages };
  await Deno.writeTextFile(`${project}/package.json`, JSON.stringify({ dependencies }));
  const flags = ["--no-audit", "--no-fund", "--prefer-offline", `--registry=${registry.url}`];
  // All bundlers in one project: Vite wants another version of esbuild, which it does not need.
  const { ok, output } = await run([script("npm"), "install", "--legacy-peer-deps", ...flags], {
    cwd: project,
    timeout: 300,
  });
  if (!ok) throw new Error(output);
  await writeHangingProject(project);
  const made: Made[] = [];
  const build = async (text: string, isBun = false) => {
    await Deno.writeTextFile(`${project}/build.mjs`, text);
    const start = isBun ? runtimes.Bun! : node22;
    const { ok, output } = await run([...start, "build.mjs"], { cwd: project, timeout: 120 });
    return ok ? undefined : output;
  };
  for (const [bundler, { isBun, findsWorkers, script }] of Object.entries(pluginBuilds)) {
    for (const format of ["esm", "cjs"] satisfies Format[]) {
      const extension = format === "esm" ? "mjs" : "cjs";
      const name = `${bundler} with the plugin, as ${format}`;
      const out = `${root}/made/${bundler}-${format}`;
      const file = `${out}/main.${extension}`;
      const failure = await build(script(out, format), isBun) ??
        await checkMap(file).then(() => undefined, String);
      made.push({ way: `safepoints: ${name}`, file, expected, failure });

      const impossible = noWorkers(bundler, format, findsWorkers);
      const entries = ["starts", ...findsWorkers ? [] : ["worker"]];
      made.push({
        way: `safepoints: ${name}, a Worker`,
        file: `${out}-worker/starts.${extension}`,
        expected: expectedOfWorker,
        impossible,
        failure: impossible ?? await build(script(`${out}-worker`, format, entries), isBun),
      });
    }
  }
  made.push({
    way: "safepoints: vite with the plugin, a library with a Worker",
    file: `${root}/made/library/starts.mjs`,
    expected: expectedOfWorker,
    failure: await build(viteLibrary(`${root}/made/library`)),
  });
  await Deno.rename(project, `${root}/hidden`);
  await Deno.rename(`${root}/made`, `${root}/away`);
  const cells: Cell[] = [];
  for (const { way, file, expected, failure, impossible } of made) {
    const moved = file.replace("/made/", "/away/");
    for (const [where, start] of Object.entries(runtimes)) {
      if (impossible !== undefined) {
        cells.push({ way, where, how: "impossible", why: impossible });
        continue;
      }
      // It reads the file of a Worker.
      const command = where === "Deno" && expected === expectedOfWorker
        ? [...start, "--allow-read"]
        : start;
      const options = { cwd: `${root}/away`, expected };
      cells.push({
        way,
        where,
        how: "run",
        failure: failure ?? await hears([...command, moved], options),
      });
    }
  }
  return cells;
}

/** Why a bundler cannot make a program with a Worker, with or without the plugin. */
function noWorkers(bundler: string, format: Format, findsWorkers = false): string | undefined {
  if (format === "cjs" && !findsWorkers) {
    return "CommonJS has no import.meta.url to find a Worker by";
  }
  return bundler === "rspack" && format === "esm"
    ? "Rspack calls what it has not put into the module of a Worker"
    : undefined;
}

/** Commands of the README, and what they run. */
const jsrWays: Record<string, [args: string[], program: string]> = {
  "run": [
    [`jsr:${safepoints.name}/run`],
    `console.log("ready", Deno.pid);
try {
  for (;;);
} catch (error) {
  console.log((error as Error).name);
}`,
  ],
  "register": [
    ["--preload", `jsr:${safepoints.name}/register`],
    `import { interruptible } from "jsr:${config.name}";
try {
  interruptible(() => {
    console.log("ready", Deno.pid);
    for (;;);
  }, { on: "SIGINT" });
} catch (error) {
  console.log((error as Error).name);
}`,
  ],
  "instrument": [
    [],
    `import { instrument } from "jsr:${safepoints.name}";
import "jsr:${safepoints.name}/runtime";
import { interruptible } from "jsr:${config.name}";
const { code } = instrument("for (;;);");
try {
  interruptible(() => {
    console.log("ready", Deno.pid);
    eval(code);
  }, { on: "SIGINT" });
} catch (error) {
  console.log((error as Error).name);
}`,
  ],
};

/** Both packages as JSR serves them, from a registry on this machine. */
async function fromJsr(root: string): Promise<Cell[]> {
  const { flags } = await prepareModules();
  await using registry = jsrRegistry();
  const unpublished = await registry.publish("", flags) ??
    await registry.publish("safepoints/", []);
  const cells: Cell[] = [];
  for (const [name, [args, program]] of Object.entries(jsrWays)) {
    const cwd = `${root}/jsr-${name}`;
    await Deno.mkdir(cwd);
    await Deno.writeTextFile(`${cwd}/program.ts`, program);
    const env = {
      DENO_DIR: `${cwd}/deno`,
      JSR_URL: registry.url,
      INTERRUPT_SAFEPOINTS_CACHE: `${cwd}/cache`,
    };
    const command = [Deno.execPath(), "run", "-A", ...args, "program.ts"];
    const failure = unpublished ?? await hears(command, { cwd, env, expected: "AbortError\n" });
    cells.push({ way: `safepoints: jsr, ${name}`, where: "Deno", how: "run", failure });
  }
  const way = "safepoints: jsr, plugin";
  const why = "bundlers find nothing that is on JSR";
  return [...cells, { way, where: "Deno", how: "impossible", why }];
}
