/** Prepares the modules that tests and scripts import, also where JSR cannot be reached. */

import { fileURLToPath } from "node:url";
import config from "../../deno.json" with { type: "json" };
import safepoints from "../../safepoints/deno.json" with { type: "json" };
import { npmInstall } from "./npm_install.ts";
import { run } from "./run.ts";
import { toJavaScript } from "./transpile.ts";
import { write } from "./write.ts";

const root = new URL("../..", import.meta.url);
const stubs = {
  "@std/assert": new URL("scripts/lib/stub/assert.ts", root),
  "@deno/dnt": new URL("scripts/lib/stub/dnt.ts", root),
};

/** Reads the source maps that the tests of safepoints/ make. */
const traceMapping = {
  "@jridgewell/trace-mapping": config.imports["@jridgewell/trace-mapping"],
};

/** How to call Deno so that it finds the modules. */
export interface Modules {
  /** Flags for `deno run` and other subcommands. */
  flags: string[];
  /** A line for the output, if there is something to say. */
  note: string;
}

/**
 * Also names the import map for tests, because their child processes need it: see runtimeCommand()
 * in tests/support/processes.ts.
 */
const variable = "ASYNC_INTERRUPT_IMPORT_MAP";

/**
 * Uses the import map that `$ASYNC_INTERRUPT_IMPORT_MAP` names instead of JSR. Without it, and
 * where JSR cannot be reached, uses stubs.
 */
export async function prepareModules(): Promise<Modules> {
  await installForSafepoints();
  const given = Deno.env.get(variable);
  if (given) {
    const flags = use(new URL(given, root));
    await bundle("@std/assert", flags);
    await bundle("fast-check", flags);
    return { flags, note: `modules by ${given}` };
  }

  await bundle("fast-check", []);
  const specifiers = [
    config.imports["@std/assert"],
    config.imports["@deno/dnt"],
  ];
  const probe = await run(
    [Deno.execPath(), "cache", "--no-config", ...specifiers],
    { timeout: 60 },
  );
  if (probe.ok) {
    await bundle("@std/assert", []);
    return { flags: [], note: "" };
  }

  const source = await Deno.readTextFile(stubs["@std/assert"]);
  await writeNodeModule("@std/assert", toJavaScript(source, "assert.ts"));
  const imports: Record<string, string> = { ...config.imports, ...safepoints.imports };
  for (const [name, file] of Object.entries(stubs)) {
    imports[name] = file.href;
  }
  for (const [name, file] of Object.entries(config.exports)) {
    imports[config.name + name.slice(1)] = new URL(file, root).href;
  }
  const importMap = new URL("build/import_map.json", root);
  await write(importMap, JSON.stringify({ imports }, null, 2));
  return {
    flags: use(importMap),
    note: "JSR cannot be reached: stubs for @std/assert and @deno/dnt",
  };
}

function use({ href }: URL): string[] {
  // Absolute, because a child process may have another working directory.
  Deno.env.set(variable, href);
  return [`--import-map=${href}`];
}

/** Bundles into one file for Bun and Node, which support neither JSR nor Deno's import map. */
async function bundle(name: string, flags: string[]) {
  const entry = new URL(`build/modules/${name}.ts`, root);
  await write(entry, `export * from "${name}";\n`);
  const bundle = new URL(`build/modules/${name}.js`, root);
  const { ok, output } = await run(
    [
      Deno.execPath(),
      "bundle",
      ...flags,
      `--output=${fileURLToPath(bundle)}`,
      entry.href,
    ],
    { cwd: root },
  );
  if (!ok) throw new Error(`Could not bundle ${name}:\n${output}`);
  await writeNodeModule(name, await Deno.readTextFile(bundle));
}

async function writeNodeModule(name: string, code: string) {
  const folder = new URL(`node_modules/${name}/`, root);
  await write(
    new URL("package.json", folder),
    `{ "type": "module", "exports": "./mod.js" }\n`,
  );
  await write(new URL("mod.js", folder), code);
}

/**
 * Lets Bun and Node find what safepoints/ imports: the packages as they are, because a bundle would
 * not find the parser's native code, and this project in the tree that each runtime runs.
 */
async function installForSafepoints() {
  const dependencies = Object.fromEntries(
    Object.entries({ ...safepoints.imports, ...traceMapping }).map(([name, specifier]) => {
      return [name, specifier.slice(specifier.lastIndexOf("@") + 1)];
    }),
  );
  const folder = new URL("build/safepoints_modules/", root);
  const wanted = JSON.stringify({ dependencies });
  const packageJson = new URL("package.json", folder);
  if (await Deno.readTextFile(packageJson).catch(() => "") !== wanted) {
    await Deno.mkdir(folder, { recursive: true });
    await npmInstall(fileURLToPath(folder), dependencies);
  }
  for (const name of Object.keys(dependencies)) {
    const link = new URL(`node_modules/${name}`, root);
    await Deno.mkdir(new URL(".", link), { recursive: true });
    await Deno.remove(link).catch(() => {});
    await Deno.symlink(new URL(`node_modules/${name}`, folder), link, { type: "junction" });
  }
  const self = new URL(`node_modules/${config.name}/`, root);
  await write(
    new URL("package.json", self),
    `{ "type": "module", "exports": { "bun": "./bun.ts", "default": "./node.js" } }\n`,
  );
  await write(new URL("bun.ts", self), 'export * from "../../../mod.ts";\n');
  await write(new URL("node.js", self), 'export * from "../../../build/node/mod.js";\n');
}
