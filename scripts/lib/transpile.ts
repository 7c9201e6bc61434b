/** Writes the project as JavaScript to `build/node/`, because Node 20 does not run TypeScript. */

import ts from "typescript";
import { run } from "./run.ts";
import { write } from "./write.ts";

const root = new URL("../..", import.meta.url);
const tree = new URL("build/node/", root);

/** Returns the URL of a tree that mirrors the project: `mod.js`, `ffi/`, `tests/` and so on. */
export async function transpile(): Promise<URL> {
  await write(new URL("package.json", tree), `{ "type": "module" }\n`);
  await transpileFiles("", false);
  for (
    const folder of ["src/", "ffi/", "safepoints/", "tests/", "examples/", "bench/programs/"]
  ) {
    await transpileFiles(folder, true);
  }
  await link("lib");
  await link("docs");
  await link("tests/native/lib");
  await bundle();
  return tree;
}

/** Writes the library as one module: tests that need hundreds of copies copy and import this. */
async function bundle() {
  const { pathname } = new URL("bundle/mod.mjs", tree);
  const command = [Deno.execPath(), "bundle", `--output=${pathname}`, "mod.ts"];
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
    },
  });
  // TypeScript does not rewrite the file names of Workers and child programs.
  return outputText.replace(
    /(new URL\("\.[^"]*)\.ts("\s*,\s*import\.meta\.url)/g,
    "$1.js$2",
  );
}

async function transpileFiles(folder: string, deep: boolean) {
  for (const { name, isDirectory } of list(new URL(folder, root))) {
    const path = folder + name;
    if (isDirectory && deep) await transpileFiles(`${path}/`, deep);
    if (!/(?<!\.d)\.ts$|^ffi\/embedded\/.*\.js$/.test(path)) continue;
    const source = await Deno.readTextFile(new URL(path, root));
    const target = new URL(path.replace(/\.ts$/, ".js"), tree);
    await write(target, toJavaScript(source, name));
  }
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
