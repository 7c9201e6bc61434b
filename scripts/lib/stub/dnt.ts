/**
 * Replaces `jsr:@deno/dnt` where JSR cannot be reached: only what build_npm.ts uses, with the same
 * layout. The published package is made with the real one.
 */

import { dirname, relative, resolve } from "node:path";
import ts from "typescript";

/** The options of dnt that are used. */
export interface BuildOptions {
  /** The first is `"."`. */
  entryPoints: [string, ...{ name: string; path: string }[]];
  outDir: string;
  shims: Record<never, never>;
  /** Maps one file to another. */
  mappings: Record<string, string>;
  typeCheck: false;
  test: false;
  skipNpmInstall: true;
  skipSourceOutput: true;
  compilerOptions: { target: "ES2022"; lib: string[] };
  package: Record<string, unknown>;
  postBuild?: () => void | Promise<void>;
}

/** Makes an empty folder, or empties an existing one. */
export async function emptyDir(dir: string): Promise<void> {
  await Deno.remove(dir, { recursive: true }).catch(() => {});
  await Deno.mkdir(dir, { recursive: true });
}

/** Writes all modules and their types as ESM and as CommonJS, and package.json. */
export async function build(options: BuildOptions): Promise<void> {
  const { outDir, entryPoints } = options;
  const entry = entryPoints[0].replace(/^\.\/(.*)\.ts$/, "$1.js");
  await writeJson(`${outDir}/package.json`, {
    main: `./script/${entry}`,
    module: `./esm/${entry}`,
    exports: {
      ".": { import: `./esm/${entry}`, require: `./script/${entry}` },
    },
    ...options.package,
    scripts: {},
    _generatedBy: "dnt@stub",
  });
  await Deno.writeTextFile(
    `${outDir}/.npmignore`,
    "/src/\n/test_runner.js\nyarn.lock\npnpm-lock.yaml\n",
  );
  emit(options, "esm", ts.ModuleKind.ESNext);
  await writeJson(`${outDir}/esm/package.json`, { type: "module" });
  emit(options, "script", ts.ModuleKind.CommonJS);
  await writeJson(`${outDir}/script/package.json`, { type: "commonjs" });
  await options.postBuild?.();
}

function emit(options: BuildOptions, folder: string, module: ts.ModuleKind) {
  const compilerOptions: ts.CompilerOptions = {
    allowJs: true,
    declaration: true,
    esModuleInterop: true,
    lib: ["lib.esnext.d.ts"],
    module,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    noCheck: true,
    outDir: `${options.outDir}/${folder}`,
    rootDir: Deno.cwd(),
    target: ts.ScriptTarget.ES2022,
    types: [],
  };
  const mappings = new Map(
    Object.entries(options.mappings).map(([from, to]) => [
      resolve(from),
      resolve(to),
    ]),
  );
  const host = ts.createCompilerHost(compilerOptions);
  const { readFile } = host;
  host.readFile = (file) => {
    const text = readFile(file);
    return text && mapImports(file, text, mappings);
  };
  const [main, ...others] = options.entryPoints;
  const files = [main, ...others.map(({ path }) => path)];
  const program = ts.createProgram(files, compilerOptions, host);
  const { diagnostics } = program.emit();
  for (const { messageText } of diagnostics) {
    throw new Error(ts.flattenDiagnosticMessageText(messageText, "\n"));
  }
}

/** Rewrites imports to the names of the JavaScript files, and to the mapped files. */
function mapImports(file: string, text: string, mappings: Map<string, string>) {
  const folder = dirname(resolve(file));
  const imports = ts.preProcessFile(text).importedFiles;
  // From the last to the first, because a replacement moves the positions after it.
  for (const { fileName, pos } of imports.reverse()) {
    if (!/^\..*\.ts$/.test(fileName)) continue;
    const target = resolve(folder, fileName);
    const path = relative(folder, mappings.get(target) ?? target);
    const name = `./${path}`.replace(/\.ts$/, ".js");
    const start = text.indexOf(fileName, pos);
    text = text.slice(0, start) + name + text.slice(start + fileName.length);
  }
  return text;
}

function writeJson(file: string, value: unknown): Promise<void> {
  return Deno.writeTextFile(file, JSON.stringify(value, null, 2) + "\n");
}
