/**
 * Stands in for `jsr:@deno/dnt` where JSR cannot be reached: as much as build_npm.ts uses of it, laid out alike. What
 * is published is made with the real one.
 */

import ts from "typescript";

/** What is used of dnt's options. */
export interface BuildOptions {
  entryPoints: string[];
  outDir: string;
  shims: Record<never, never>;
  typeCheck: false;
  test: false;
  skipNpmInstall: true;
  skipSourceOutput: true;
  compilerOptions: { target: "ES2022"; lib: string[] };
  package: Record<string, unknown>;
  postBuild?: () => void | Promise<void>;
}

/** Makes the folder, or makes it empty. */
export async function emptyDir(dir: string): Promise<void> {
  await Deno.remove(dir, { recursive: true }).catch(() => {});
  await Deno.mkdir(dir, { recursive: true });
}

/** Writes the types twice, for ESM and for CommonJS, and package.json. The modules come from build_npm.ts. */
export async function build(options: BuildOptions): Promise<void> {
  const { outDir, entryPoints } = options;
  emit(entryPoints, `${outDir}/esm`);
  emit(entryPoints, `${outDir}/script`);
  await writeJson(`${outDir}/esm/package.json`, { type: "module" });
  await writeJson(`${outDir}/script/package.json`, { type: "commonjs" });
  const entry = entryPoints[0].replace(/^\.\/(.*)\.ts$/, "$1.js");
  await writeJson(`${outDir}/package.json`, {
    ...options.package,
    main: `./script/${entry}`,
    module: `./esm/${entry}`,
    exports: {
      ".": { import: `./esm/${entry}`, require: `./script/${entry}` },
    },
  });
  await options.postBuild?.();
}

function emit(files: string[], outDir: string) {
  const program = ts.createProgram(files, {
    declaration: true,
    emitDeclarationOnly: true,
    lib: ["lib.esnext.d.ts"],
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    noCheck: true,
    outDir,
    resolveJsonModule: true,
    rewriteRelativeImportExtensions: true,
    rootDir: Deno.cwd(),
    target: ts.ScriptTarget.ES2022,
    types: [],
  });
  const { diagnostics } = program.emit();
  if (diagnostics.length === 0) return;
  throw new Error(ts.formatDiagnostics(diagnostics, {
    getCanonicalFileName: (name) => name,
    getCurrentDirectory: Deno.cwd,
    getNewLine: () => "\n",
  }));
}

function writeJson(file: string, value: unknown): Promise<void> {
  return Deno.writeTextFile(file, JSON.stringify(value, null, 2) + "\n");
}
