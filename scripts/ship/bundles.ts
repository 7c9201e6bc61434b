import * as esbuild from "esbuild";
import { createRequire } from "node:module";
import type { Format } from "../lib/bundlers.ts";
import { removeFolder, run, temporaryFolder } from "../lib/run.ts";
import { sideBySide } from "../lib/side_by_side.ts";
import type { Cell } from "./lib/cell.ts";
import { executables } from "./lib/executables.ts";
import { hears } from "./lib/hears.ts";
import { cannotBundle, moreBundlers } from "./lib/more_bundlers.ts";
import { npmRegistry } from "./lib/npm_registry.ts";
import { otherPlatforms } from "./lib/other_platforms.ts";
import { packageFolder } from "./lib/package_folder.ts";
import { programs } from "./lib/program.ts";
import { runtimes } from "./lib/runtimes.ts";
import { script } from "./lib/script.ts";

const kinds = { mjs: "ES module", cjs: "CommonJS" } as const;
type Kind = keyof typeof kinds;

/** What was made, and how it runs. */
interface Made {
  way: string;
  where: string;
  command: string[];
}

/**
 * Programs that bundlers have made of the npm package: each is moved to another folder, the folder
 * in which it was made is hidden, and then it runs.
 */
export async function bundleCells(): Promise<Cell[]> {
  const root = await temporaryFolder("async-interrupt-ship-bundles-");
  const [project, made, away] = ["project", "made", "away"].map((name) => `${root}/${name}`);
  try {
    await install(project!, root);
    await Deno.mkdir(made!);
    const cells: Cell[] = [];
    const toRun: Made[] = [];
    const files = Object.keys(kinds) as Kind[];
    await sideBySide([
      ...Object.keys(moreBundlers).flatMap((bundler) =>
        files.flatMap((kind) =>
          (["esm", "cjs"] as const).map((format) => async () => {
            toRun.push(...await bundled(bundler, kind, format, root, cells));
          })
        )
      ),
      ...Object.keys(executables).flatMap((name) =>
        files.map((kind) => async () => {
          toRun.push(...await compiled(name, kind, root, cells));
        })
      ),
    ]);
    await Deno.rename(project!, `${root}/hidden`);
    await Deno.rename(made!, away!);
    await sideBySide(toRun.map(({ way, where, command }) => async () => {
      const moved = command.map((word) => word.replace(made!, away!));
      cells.push({ way, where, how: "run", failure: await hears(moved, { cwd: away! }) });
    }));
    return cells;
  } finally {
    await esbuild.stop();
    removeFolder(root);
  }
}

async function install(project: string, root: string) {
  await Deno.mkdir(project);
  await Deno.writeTextFile(`${project}/package.json`, "{}");
  for (const [kind, text] of Object.entries(programs)) {
    await Deno.writeTextFile(`${project}/main.${kind}`, text);
  }
  await using registry = await npmRegistry(await packageFolder(), root);
  const flags = ["--no-audit", "--no-fund", `--registry=${registry.url}`];
  const env = { npm_config_cache: `${root}/cache` };
  const command = [script("npm"), "install", ...flags, "async-interrupt"];
  const { ok, output } = await run(command, { cwd: project, env });
  if (!ok) throw new Error(output);
}

/** Makes one bundle for all runtimes. Adds a cell for each that cannot run. */
async function bundled(
  bundler: string,
  kind: Kind,
  format: Format,
  root: string,
  cells: Cell[],
): Promise<Made[]> {
  const way = `${bundler}: ${kinds[kind]} as ${format}`;
  const output = `${root}/made/${way.replace(/\W+/g, "-")}/main.${
    format === "esm" ? "mjs" : "cjs"
  }`;
  const why = cannotBundle(bundler, kind, format);
  let failure: string | undefined;
  if (why === undefined) {
    failure = await failureOf(
      moreBundlers[bundler]!(`${root}/project/main.${kind}`, output, format),
    );
  }
  if (why === undefined && failure === undefined) {
    const carries = (await Deno.readTextFile(output)).includes(otherLibraries());
    const failure = carries ? undefined : "it does not carry the library";
    for (const where of otherPlatforms) cells.push({ way, where, how: "inspected", failure });
  }
  return Object.entries(runtimes).flatMap(([where, command]): Made[] => {
    if (why !== undefined) cells.push({ way, where, how: "impossible", why });
    else if (failure !== undefined) cells.push({ way, where, how: "run", failure });
    else return [{ way, where, command: [...command, output] }];
    return [];
  });
}

/** Makes the executables of one kind, for the runtimes that have it. */
async function compiled(name: string, kind: Kind, root: string, cells: Cell[]): Promise<Made[]> {
  const way = `${name}: ${kinds[kind]}`;
  const all: Made[] = [];
  for (const { where, make, impossible } of executables[name]!) {
    const folder = `${root}/made/${`${way} ${where}`.replace(/\W+/g, "-")}`;
    await Deno.mkdir(folder);
    let command: string[] = [];
    const failure = await failureOf(
      make(`${root}/project/main.${kind}`, `${folder}/main`).then((made) => command = made),
    );
    const why = failure === undefined ? undefined : impossible?.(failure);
    if (why !== undefined) cells.push({ way, where, how: "impossible", why });
    else if (failure !== undefined) cells.push({ way, where, how: "run", failure });
    else all.push({ way, where, command });
  }
  return all;
}

/** The text of the package that has the libraries of the other platforms. */
function otherLibraries(): string {
  return createRequire(import.meta.url)("../../npm/script/others.js").brotli();
}

async function failureOf(work: Promise<unknown>): Promise<string | undefined> {
  return await work.then(() => undefined, (error: Error) => error.message);
}
