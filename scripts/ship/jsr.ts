import config from "../../deno.json" with { type: "json" };
import { prepareModules } from "../lib/modules.ts";
import { published } from "../lib/published.ts";
import { removeFolder, run, temporaryFolder } from "../lib/run.ts";
import { oldest, oldestDeno } from "../lib/toolchain.ts";
import type { Cell } from "./lib/cell.ts";
import { hears } from "./lib/hears.ts";
import { type JsrRegistry, jsrRegistry } from "./lib/jsr_registry.ts";
import { packageFolder } from "./lib/package_folder.ts";
import { programs } from "./lib/program.ts";
import { runtimes } from "./lib/runtimes.ts";

/** Both versions of Deno, by their columns. */
const denos: Record<string, string> = {
  Deno: Deno.execPath(),
  [`Deno ${oldest.deno}`]: await oldestDeno(),
};

/** A consumer in a folder and with a cache of its own. */
interface Consumer {
  deno: string;
  folder: string;
  env: Record<string, string>;
  registry: JsrRegistry;
}

/** A way to use the package. Returns what failed. */
type Way = (consumer: Consumer) => Promise<string | undefined>;

const specifier = `jsr:${config.name}@^${config.version}`;
const program = (name: string) => programs.mjs.replace("async-interrupt", name);
const flags = ["run", "--no-prompt", "--allow-ffi"];
const worker = `new Worker(import.meta.resolve("./main.ts"), { type: "module" });\n`;

const ways: Record<string, Way> = {
  "jsr: deno run --allow-ffi": async (consumer) => {
    await write(consumer, { "main.ts": program(specifier) });
    return await heard(consumer, ...flags, "main.ts");
  },

  "jsr: deno add": async (consumer) => {
    await write(consumer, { "main.ts": program(config.name), "deno.json": "{}" });
    return await did(consumer, "add", `jsr:${config.name}`) ??
      await heard(consumer, ...flags, "--frozen", "main.ts");
  },

  "jsr: --cached-only": async (consumer) => {
    await write(consumer, { "main.ts": program(specifier) });
    const failure = await did(consumer, "cache", "main.ts");
    const asked = consumer.registry.asked.length;
    return failure ??
      await heard(consumer, ...flags, "--cached-only", "main.ts") ??
      (consumer.registry.asked.length > asked ? "it asked the registry again" : undefined);
  },

  "jsr: vendored, with an empty cache": async (consumer) => {
    await write(consumer, { "main.ts": program(specifier), "deno.json": `{ "vendor": true }` });
    const failure = await did(consumer, "cache", "main.ts");
    await Deno.remove(consumer.env.DENO_DIR!, { recursive: true });
    return failure ?? await heard(consumer, ...flags, "--cached-only", "main.ts");
  },

  "jsr: in a Worker": async (consumer) => {
    // A Worker of Deno keeps the process alive until it closes.
    const main = `${program(specifier)}self.close();\n`;
    await write(consumer, { "main.ts": main, "start.ts": worker });
    // What a Worker imports is not in the graph of the program.
    return await did(consumer, "cache", "main.ts") ??
      await heard(consumer, ...flags, "--allow-read=main.ts", "start.ts");
  },
};

/**
 * The package as JSR would serve it, from a registry on this machine, with a cache that is empty
 * and the smallest permissions.
 */
export async function jsrCells(): Promise<Cell[]> {
  await packageFolder();
  const root = await temporaryFolder("async-interrupt-ship-jsr-");
  const cells: Cell[] = [];
  try {
    const { flags } = await prepareModules();
    const { ok, output } = await published(flags);
    const how = "inspected";
    const way = "jsr: deno publish --dry-run";
    cells.push({ way, where: "Deno", how, failure: ok ? undefined : output });
    await using registry = jsrRegistry();
    const unpublished = await registry.publish("", flags);
    if (unpublished !== undefined) throw new Error(unpublished);
    const consumer = async (deno: string): Promise<Consumer> => {
      const folder = await Deno.makeTempDir({ dir: root });
      return {
        deno,
        folder,
        registry,
        env: { DENO_DIR: `${folder}/cache`, JSR_URL: registry.url },
      };
    };
    for (const [way, use] of Object.entries(ways)) {
      for (const [where, deno] of Object.entries(denos)) {
        cells.push({ way, where, how: "run", failure: await use(await consumer(deno)) });
      }
    }
    for (const [where, deno] of Object.entries(denos)) {
      const way = "jsr: deno check, in a project with a package.json";
      cells.push({ way, where, how: "inspected", failure: await checked(await consumer(deno)) });
    }
    cells.push(...await bundled(await consumer(Deno.execPath()), root));
    const why = "JSR makes that package of what is published, and nothing is yet";
    for (const where of Object.keys(runtimes)) {
      cells.push({ way: "jsr: npx jsr add", where, how: "impossible", why });
    }
    return cells;
  } finally {
    removeFolder(root);
  }
}

/** Checks the types without @types/node, which Deno does not add in such a project. */
async function checked(consumer: Consumer): Promise<string | undefined> {
  await write(consumer, { "main.ts": `export * from "${specifier}";\n`, "package.json": "{}" });
  return await did(consumer, "check", "main.ts");
}

/** A bundle of what is on JSR, moved away from the cache, on all runtimes. */
async function bundled(consumer: Consumer, root: string): Promise<Cell[]> {
  await write(consumer, { "main.ts": program(specifier) });
  const failure = await did(
    consumer,
    "bundle",
    "--platform=deno",
    "--output=bundle.mjs",
    "main.ts",
  );
  await Deno.mkdir(`${root}/away`);
  if (failure === undefined) {
    await Deno.rename(`${consumer.folder}/bundle.mjs`, `${root}/away/bundle.mjs`);
  }
  await Deno.remove(consumer.folder, { recursive: true });
  const options = { cwd: `${root}/away` };
  return await Promise.all(
    Object.entries(runtimes).map(async ([where, command]): Promise<Cell> => ({
      way: "jsr: deno bundle",
      where,
      how: "run",
      failure: failure ?? await hears([...command, "bundle.mjs"], options),
    })),
  );
}

async function write({ folder }: Consumer, files: Record<string, string>) {
  for (const [name, text] of Object.entries(files)) {
    await Deno.writeTextFile(`${folder}/${name}`, text);
  }
}

async function did(
  { deno, folder, env }: Consumer,
  ...args: string[]
): Promise<string | undefined> {
  const { ok, output } = await run([deno, ...args], { cwd: folder, env, timeout: 120 });
  return ok ? undefined : `deno ${args.join(" ")}\n${output}`;
}

function heard({ deno, folder, env }: Consumer, ...args: string[]): Promise<string | undefined> {
  return hears([deno, ...args], { cwd: folder, env });
}
