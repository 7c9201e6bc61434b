/** Writes the project as JavaScript to `build/node/`, because Node 20 does not run TypeScript. */

import { fileURLToPath } from "node:url";
import { rollup } from "rollup";
import ts from "typescript";
import { run } from "./run.ts";
import { write } from "./write.ts";

const root = new URL("../..", import.meta.url);
const tree = new URL("build/node/", root);
/** The library module by module; the tree has it in few modules. */
const modules = new URL("modules/", tree);
const users = ["safepoints/", "tests/", "examples/", "bench/programs/"];

/** Returns the URL of a tree that mirrors the project: `mod.js`, `ffi/`, `tests/` and so on. */
export async function transpile(): Promise<URL> {
  for (const folder of [tree, modules]) {
    await write(new URL("package.json", folder), `{ "type": "module" }\n`);
  }
  await transpileFiles("", modules, false);
  for (const folder of ["src/", "ffi/"]) await transpileFiles(folder, modules);
  const sources: string[] = [];
  for (const folder of users) sources.push(...await transpileFiles(folder, tree));
  await join(sources.flatMap(importedBy));
  await link("lib");
  await link("docs");
  await link("tests/native/lib");
  await bundle();
  return tree;
}

/** The modules of the library that a test, or another user, imports: "mod" or "ffi/symbols". */
function importedBy(source: string): string[] {
  const imports = source.matchAll(/"(?:\.\.\/)+((?:src|ffi)\/[\w/]+|mod|sqlite)\.ts"/g);
  return Array.from(imports, ([, name]) => name!);
}

/**
 * Joins the modules of the library, as the npm package does: a third of the time that Node takes to
 * start a test's program goes into loading them one by one. What tests import stays where it is.
 */
async function join(imported: string[]) {
  const input = Object.fromEntries(imported.map((name) => {
    return [name, fileURLToPath(new URL(`${name}.js`, modules))];
  }));
  const bundle = await rollup({ input, external: /^node:/, logLevel: "warn" });
  await bundle.write({
    dir: fileURLToPath(tree),
    // Joins what only defines things: none of them is that large.
    experimentalMinChunkSize: 1e6,
    // In ffi/, since ffi/here.ts tells where the native library lies.
    chunkFileNames: "ffi/[name].js",
  });
  await bundle.close();
}

/** Writes the library as one module: tests that need hundreds of copies copy and import this. */
async function bundle() {
  const file = fileURLToPath(new URL("bundle/mod.mjs", tree));
  const command = [Deno.execPath(), "bundle", `--output=${file}`, "mod.ts"];
  const { ok, output } = await run(command, { cwd: root });
  if (!ok) throw new Error(`Could not bundle the library:\n${output}`);
}

/** Compiles to JavaScript for every Node: lowers syntax that Node 20 lacks, such as `using`. */
export function toJavaScript(source: string, fileName: string): string {
  const { outputText } = ts.transpileModule(source, {
    fileName,
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      rewriteRelativeImportExtensions: true,
      // Node would parse them, too, whenever a program starts.
      removeComments: true,
    },
  });
  // TypeScript does not rewrite the file names of Workers and child programs.
  return outputText.replace(
    /(new URL\("\.[^"]*)\.ts("\s*,\s*import\.meta\.url)/g,
    "$1.js$2",
  );
}

/** Returns the sources. */
async function transpileFiles(folder: string, target: URL, deep = true): Promise<string[]> {
  const sources: string[] = [];
  for (const { name, isDirectory } of list(new URL(folder, root))) {
    const path = folder + name;
    if (isDirectory && deep) sources.push(...await transpileFiles(`${path}/`, target));
    if (!/(?<!\.d)\.ts$|^ffi\/embedded\/.*\.js$/.test(path)) continue;
    const source = await Deno.readTextFile(new URL(path, root));
    await write(new URL(path.replace(/\.ts$/, ".js"), target), toJavaScript(source, name));
    sources.push(source);
  }
  return sources;
}

function list(folder: URL): Deno.DirEntry[] {
  try {
    return [...Deno.readDirSync(folder)];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** Links a folder that is no code, such as the libraries, where the project has it. */
async function link(folder: string) {
  const path = new URL(folder, tree);
  await Deno.mkdir(new URL(".", path), { recursive: true });
  try {
    // A junction needs no privilege on Windows; other systems make a symlink.
    await Deno.symlink(new URL(folder, root), path, { type: "junction" });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
}
