import config from "../../deno.json" with { type: "json" };
import type { Format } from "../lib/bundlers.ts";
import { checkMap, expected, writeHangingProject } from "../lib/hanging_project.ts";
import { pluginBuilds } from "../lib/plugin_builds.ts";
import { removeFolder, run, temporaryFolder } from "../lib/run.ts";
import type { Cell } from "./lib/cell.ts";
import { hears } from "./lib/hears.ts";
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
      const options = { cwd: folder, env, expected };
      const failure = ok ? await hears([...preloaded, "main.mjs"], options) : output;
      cells.push({ way, where, how: "run", failure });
    }
  }
  return cells;
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
  const cells: Cell[] = [];
  const made: [way: string, file: string, failure: string | undefined][] = [];
  for (const [bundler, { isBun, script }] of Object.entries(pluginBuilds)) {
    for (const format of ["esm", "cjs"] satisfies Format[]) {
      const out = `${root}/made/${bundler}-${format}`;
      const file = `${out}/main.${format === "esm" ? "mjs" : "cjs"}`;
      await Deno.writeTextFile(`${project}/build.mjs`, script(out, format));
      const start = isBun ? runtimes.Bun! : node22;
      const { ok, output } = await run([...start, "build.mjs"], { cwd: project, timeout: 120 });
      const failure = ok ? await checkMap(file).then(() => undefined, String) : output;
      made.push([`safepoints: ${bundler} with the plugin, as ${format}`, file, failure]);
    }
  }
  await Deno.rename(project, `${root}/hidden`);
  await Deno.rename(`${root}/made`, `${root}/away`);
  for (const [way, file, failed] of made) {
    const moved = file.replace("/made/", "/away/");
    for (const [where, start] of Object.entries(runtimes)) {
      const failure = failed ?? await hears([...start, moved], { cwd: `${root}/away`, expected });
      cells.push({ way, where, how: "run", failure });
    }
  }
  return cells;
}
